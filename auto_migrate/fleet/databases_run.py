"""Several databases of one command, each by a run of its own, side by side.

What one after the other gave is kept: no database is begun when one has failed, the first in order that failed gives
the exit code, aliases of one database take turns in their order, and code finds the databases before its own as the
release needs them, and those after its own as nobody has touched them yet. Only a receiver of one whose migrations
touch no other may find a later one that is under way already: then it waits until that is as the release needs it.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from django.db import connections
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.clock import Clock
from auto_migrate.code_lock import code_aside
from auto_migrate.conf import get_settings
from auto_migrate.databases import adapter_for
from auto_migrate.databases.direct import connection_settings
from auto_migrate.databases.session_waits import REPORT_FIRST
from auto_migrate.emitter import Emitter
from auto_migrate.exceptions import AutoMigrateError, DeployLockTimeout, MigrationFailed, RunInterrupted
from auto_migrate.fleet.worker_pool import TICK, worker_count, working
from auto_migrate.fleet_events import TurnAwaited
from auto_migrate.numerals import numeral

# Waits until one may change something, given whether code of others may run; tells whoever listens for whom.
AwaitTurn = Callable[[bool, Emitter], None]

LOCAL = frozenset({"", "localhost", "127.0.0.1", "::1"})
DEFAULT_PORTS = frozenset({"", "3306", "5432"})


class DatabasesRun:
    """Calls `migrate` for each alias, in as many threads as are to work.

    It is given the alias, its own workers, and what it calls before it changes anything; see `RunRequest`.
    """

    def __init__(self, aliases: Sequence[str], migrate: Callable[[str, int, AwaitTurn], object], clock: Clock) -> None:
        self.aliases = tuple(aliases)
        self.migrate = migrate
        self.clock = clock
        # Whether the runs have threads of their own.
        self.is_apart = False
        self.places = {alias: place_of(alias) for alias in aliases}
        # In their order, those that no thread has begun with; and the databases that are under way.
        self.left = list(aliases)
        self.busy: set[object] = set()
        self.errors: dict[str, BaseException] = {}
        self.ended = {alias: threading.Event() for alias in aliases}
        # Those of which no migration can touch another database, and those whose other code has touched a later one.
        self.harmless, self.reaching = set[str](), set[str]()
        # Those that change something; and who has code that waits for the end of which other one.
        self.changing, self.awaited = set[str](), dict[str, str]()
        # Told whenever one has ended; held by whoever changes any of these.
        self.changed = threading.Condition()

    def run(self) -> None:
        """Bring all databases up to date; raise what has ended any of them when all that were begun have ended."""
        workers = min(worker_count(), len(set(self.places.values())))
        share = max(1, worker_count() // workers)
        self.is_apart = all(map(is_reached_by_threads, self.aliases))
        if self.is_apart:
            contexts = iter([contextvars.copy_context() for _ in range(workers)])
            for _tick in working(lambda: next(contexts).run(self._serve, share), workers, "auto_migrate databases"):
                pass
        else:
            self._serve(share)
        self._raise_errors()

    def _serve(self, share: int) -> None:
        while (alias := self._next()) is not None:
            try:
                with self._meeting_others(alias):
                    self.migrate(alias, share, functools.partial(self._await_turn, alias))
            except BaseException as error:  # noqa: BLE001 # raised where all are waited for
                self.errors[alias] = error
            finally:
                self._end(alias)

    def _next(self) -> str | None:
        """Return the next database that is not under way by another alias; wait where all that are left are."""
        with self.changed:
            while self.left and not self.errors:
                for alias in self.left:
                    if self.places[alias] not in self.busy:
                        self.left.remove(alias)
                        self.busy.add(self.places[alias])
                        return alias
                self.changed.wait(TICK)
        return None

    def _end(self, alias: str) -> None:
        if self.is_apart:
            # This thread's own.
            connections.close_all()
        with self.changed:
            self.busy.discard(self.places[alias])
            # When one has failed no other is begun, and nobody is to wait for those.
            for other in (alias, *(self.left if self.errors else ())):
                self.ended[other].set()
            self.changed.notify_all()

    def _await_turn(self, alias: str, may_compute: bool, emit: Emitter) -> None:
        """Let one change nothing while code of an earlier one has yet to run, which may use it as it was before."""
        if not may_compute:
            with self.changed:
                self.harmless.add(alias)
                self.changed.notify_all()
        began, told = self.clock.monotonic(), set[str]()
        while (other := self._begin_unless_early(alias)) is not None:
            self.clock.check()
            if self.ended[other].is_set():
                self._refuse_without(other)
            if other not in told and (waited := self.clock.monotonic() - began) >= REPORT_FIRST:
                told.add(other)
                emit(TurnAwaited(other, waited))

    def _begin_unless_early(self, alias: str) -> str | None:
        """Note that one changes something from now on, or return which one comes first; that is given a moment."""
        with self.changed:
            for other in self._before(alias):
                is_harmless = other in self.harmless and other not in self.reaching
                if not is_harmless and not self._is_done(other):
                    self.changed.wait(TICK)
                    return other
            self.changing.add(alias)
        return None

    def _is_done(self, alias: str) -> bool:
        """Return whether one is as the release needs it."""
        return self.ended[alias].is_set() and alias not in self.errors and alias not in self.left

    def _before(self, alias: str) -> tuple[str, ...]:
        return self.aliases[: self.aliases.index(alias)]

    def _refuse_without(self, alias: str) -> None:
        # A signal ends all of them alike.
        self.clock.check()
        if alias in self.errors or alias in self.left:
            text = _("Database {database!r}, which comes before this one, was not brought up to date.")
            raise MigrationFailed(text.format(database=alias))

    @contextlib.contextmanager
    def _meeting_others(self, alias: str) -> Iterator[None]:
        """Let whatever this thread asks of another database find that as if one came after the other."""
        with contextlib.ExitStack() as stack:
            for other in self.aliases:
                # One that cannot be used at all has told so by itself.
                with contextlib.suppress(AutoMigrateError):
                    if self.places[other] != self.places[alias]:
                        meet = functools.partial(self._meet, alias)
                        stack.enter_context(adapter_for(other).connection.execute_wrapper(meet))
            yield

    def _meet(self, own: str, execute: Callable[..., Any], *statement: Any) -> Any:
        other = statement[-1]["connection"].alias
        is_before = other in self._before(own)
        with self.changed:
            is_untouched = not is_before and other not in self.changing
            if is_untouched:
                # And stays so until this one has ended.
                self.reaching.add(own)
        if not is_untouched and not self.ended[other].is_set():
            self._await_end(own, other)
        if is_before:
            self._refuse_without(other)
        return execute(*statement)

    def _await_end(self, own: str, other: str) -> None:
        """Wait until another database is up to date, or has failed; raise where its code waits for this one."""
        started = self.clock.monotonic()
        with self.changed:
            if self.awaited.get(other) == own:
                raise in_need_of_each_other(*sorted((own, other), key=self.aliases.index))
            self.awaited[own] = other
        try:
            # What that one does meanwhile may need the code that this thread is in.
            with code_aside():
                while not self.ended[other].wait(TICK):
                    self.clock.check()
                    if (waited := self.clock.monotonic() - started) >= get_settings().LOCK_WAIT:
                        text = _("Database {database!r}, which is used here, was not up to date in {waited:.0f}s.")
                        raise DeployLockTimeout(text.format(database=other, waited=waited))
        finally:
            del self.awaited[own]

    def _raise_errors(self) -> None:
        errors = {alias: self.errors[alias] for alias in self.aliases if alias in self.errors}
        told = dict[str, list[str]]()
        for alias, error in errors.items():
            if not isinstance(error, AutoMigrateError):
                raise error
            told.setdefault(str(error), []).append(alias)
        if not errors:
            return
        first = next(iter(errors.values()))
        if all(isinstance(error, RunInterrupted) for error in errors.values()):
            raise first
        text = ngettext(
            "{count} database of {total} failed: {names}.", "{count} databases of {total} failed: {names}.", len(errors)
        ).format(count=numeral(len(errors)), total=numeral(len(self.aliases)), names=", ".join(errors))
        lines = [f"{', '.join(aliases)}: {error}" for error, aliases in told.items()]
        if self.left:
            lines.append(_("Not begun: {names}.").format(names=", ".join(self.left)))
        kind: type[AutoMigrateError] = type(first)  # type: ignore[assignment] # others were raised above
        raise kind(text, hint="\n".join(lines)) from first


def in_need_of_each_other(*aliases: str) -> MigrationFailed:
    """Say that code of two databases waits for the other one."""
    text = _("Code of the databases {names} needs the other one while both are migrated.")
    return MigrationFailed(
        text.format(names=", ".join(aliases)),
        hint=_("Migrate one after the other: {commands}").format(
            commands=" && ".join(f"manage.py auto_migrate --database {alias}" for alias in aliases)
        ),
    )


def place_of(alias: str) -> tuple[str, ...]:
    """Return what aliases of one database have in common; two names of one server, only where both are this machine."""
    settings = connections.databases[alias]
    direct = get_settings().DIRECT_URLS.get(alias)
    settings = {**settings, **(connection_settings(direct) if direct else {})}
    name, host, port = (str(settings.get(key) or "") for key in ("NAME", "HOST", "PORT"))
    if connections[alias].vendor == "sqlite":
        return (os.fspath(Path(name).resolve()),)
    is_local = host in LOCAL or host.startswith("/")
    return ("" if is_local else host, "" if port in DEFAULT_PORTS else port, name)


def is_reached_by_threads(alias: str) -> bool:
    """Return whether another thread, with a connection of its own, finds what this one does."""
    try:
        connection: Any = adapter_for(alias).connection
    except AutoMigrateError:
        # The run on it will say so.
        return True
    in_memory = getattr(connection, "is_in_memory_db", None)
    return not connection.in_atomic_block and not (in_memory and in_memory())
