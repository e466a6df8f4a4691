"""Records the statements that tests send through Django's connections."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate

from auto_migrate.workload.kinds import handed_over, is_of_release
from auto_migrate.workload.normalization import LONGEST, normalized
from auto_migrate.workload.statement import RecordedStatement
from auto_migrate.workload.statement_file import StatementFile

UID = "auto_migrate.workload.recorder"


class Recorder:
    """Writes down each statement once, without values; what migrations send is no release's.

    It hears of every connection that is opened from `start` to `stop`, in every thread.
    """

    def __init__(self, file: StatementFile) -> None:
        self.file = file
        self.migrating = False
        self._seen: set[tuple[str, tuple[bool, ...]]] = set()

    def start(self) -> None:
        """Begin to record."""
        connection_created.connect(self._opened, dispatch_uid=UID)
        pre_migrate.connect(self._migration_begins, dispatch_uid=UID)
        post_migrate.connect(self._migration_ends, dispatch_uid=UID)
        for connection in connections.all(initialized_only=True):
            self._opened(connection)

    def stop(self) -> None:
        """Record no more."""
        connection_created.disconnect(dispatch_uid=UID)
        pre_migrate.disconnect(dispatch_uid=UID)
        post_migrate.disconnect(dispatch_uid=UID)
        for connection in connections.all(initialized_only=True):
            with contextlib.suppress(ValueError):
                connection.execute_wrappers.remove(self)

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
        """Let a statement pass and write it down, if it was one; for `connection.execute_wrapper`."""
        given = list(params) if many else [params]
        answer = execute(sql, given if many else params, many, context)
        if not self.migrating:
            for one in given:
                self._note(sql, one, context["connection"])
        return answer

    def _note(self, sql: Any, parameters: Any, connection: Any) -> None:
        text = sql if isinstance(sql, str) else sql.as_string(connection.connection)
        values = parameters.values() if isinstance(parameters, dict) else parameters or ()
        key = (text, tuple(value is None or (isinstance(value, list) and None in value) for value in values))
        if key in self._seen or len(text) > LONGEST:
            return
        self._seen.add(key)
        found = normalized(handed_over(text), parameters, vendor=connection.vendor)
        if is_of_release(found.text):
            self.file.add(RecordedStatement(found.text, nulls=found.nulls, vendor=connection.vendor))

    def _opened(self, connection: Any, **_rest: Any) -> None:
        # At the beginning: whoever adds one for a while takes the last one out again.
        if self not in connection.execute_wrappers:
            connection.execute_wrappers.insert(0, self)

    def _migration_begins(self, **_rest: Any) -> None:
        self.migrating = True

    def _migration_ends(self, sender: Any, **_rest: Any) -> None:
        # Each app with models is told, one after the other.
        last = [config for config in apps.get_app_configs() if config.models_module is not None][-1:]
        if sender in last:
            self.migrating = False


@contextlib.contextmanager
def recording(file: StatementFile) -> Iterator[Recorder]:
    """Record while the block runs."""
    recorder = Recorder(file)
    recorder.start()
    try:
        yield recorder
    finally:
        recorder.stop()
