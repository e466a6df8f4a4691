"""Django's `pre_migrate` and `post_migrate`, sent with the arguments with which `migrate` sends them."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterator
from importlib import import_module

from django.apps import apps as registry
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.migration import Migration
from django.db.migrations.state import ModelState, ProjectState, StateApps
from django.db.models.signals import post_migrate
from django.dispatch import Signal
from django.utils.functional import SimpleLazyObject
from django.utils.module_loading import module_has_submodule
from django.utils.translation import gettext as _
from django.utils.translation import override

from auto_migrate.applying.lazy_executor import quietly
from auto_migrate.applying.states.lazy_state import LazyState
from auto_migrate.code_lock import APP_CODE
from auto_migrate.databases.base import Database
from auto_migrate.databases.stray_transactions import is_left_open, leave_session
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError, summary_of
from auto_migrate.planning.loader import Loader
from auto_migrate.planning.raised_at import raised_at
from auto_migrate.planning.receivers import SIGNALS, all_follow_rows, is_own, of_others, receivers
from auto_migrate.tenancy import tenancy_of
from auto_migrate.values import Audience


def register_receivers() -> None:
    """Import each app's `management` module, where apps register their receivers."""
    for config in registry.get_app_configs():
        if config.module is not None and module_has_submodule(config.module, "management"):
            import_module(".management", config.name)


def send_pre_migrate(
    database: str, state: ProjectState, plan: list[tuple[Migration, bool]], audience: Audience
) -> None:
    """Send `pre_migrate`; receivers may edit `plan` in place, and look at models, which few do."""
    rendered = quietly(on_demand(state)).apps
    with turn_of_receivers(), override(None):
        emit_pre_migrate_signal(
            audience.verbosity, audience.interactive, database, stdout=audience.stdout, apps=rendered, plan=plan
        )


@contextlib.contextmanager
def telling_receivers(database: Database, signal: str) -> Iterator[None]:
    """Raise `MigrationFailed` for what a receiver of the project's raises, and let pass what is about the database.

    Likewise for a transaction that it leaves open, in which all that follows would be lost.
    """
    was_open = database.connection.in_atomic_block
    before = signal.startswith(("pre_", "schema_pre_"))
    try:
        yield
    except (AutoMigrateError, TransientError):
        raise
    except Exception as error:
        if database.fault_of(error) is not None:
            raise
        raise MigrationFailed(
            _("A receiver of {signal} failed: {error}").format(signal=signal, error=summary_of(error)),
            hint="\n".join([*raised_at(error), _what_is_done(before=before)]),
        ) from error
    if was_open:
        return
    if is_left_open(database):
        leave_session(database)
        text = _("A receiver of {signal} has left a transaction open, in which all that follows would be lost.")
        raise MigrationFailed(text.format(signal=signal), hint=_what_is_done(before=before))
    if not before and tenancy_of(database.alias) is None and not all(map(is_own, receivers())):
        # Nor is what one has set in its session (a search path, a role) to decide what is seen of the outcome.
        database.discard_connection()
        database.prepare()


def _what_is_done(*, before: bool) -> str:
    if before:
        return _("Nothing of the plan was carried out. Mend the receiver and deploy again.")
    return _("All of the plan is applied and recorded. Mend the receiver and deploy again: it is sent once more.")


def turn_of_receivers() -> contextlib.AbstractContextManager[None]:
    """Return what lets receivers of others hear of one run of this process at a time."""
    return contextlib.nullcontext() if all_follow_rows() else APP_CODE


def on_demand(state: ProjectState) -> LazyState:
    """Return a state for code that may look at any model, and seldom does."""
    seen = LazyState.of(state.clone())
    seen.clear_delayed_apps_cache()
    return seen


def send_post_migrate(
    database: str, state: ProjectState, plan: list[tuple[Migration, bool]], audience: Audience
) -> None:
    """Send `post_migrate` with every model of the final state rendered, as `migrate` does."""
    send_rendered_post_migrate(database, final_models(state), plan, audience)


def send_rendered_post_migrate(
    database: str,
    rendered: StateApps,
    plan: list[tuple[Migration, bool]],
    audience: Audience,
    *,
    labels: Collection[str] | None = None,
) -> None:
    """Send `post_migrate` with models that are rendered already; with `labels`, for some apps alone."""
    with turn_of_receivers(), override(None):
        if labels is not None:
            send_by_app(post_migrate, audience, labels=labels, using=database, apps=rendered, plan=plan)
            return
        emit_post_migrate_signal(
            audience.verbosity, audience.interactive, database, stdout=audience.stdout, apps=rendered, plan=plan
        )


def final_models(state: ProjectState) -> StateApps:
    """Return every model of the final state, those of apps without migrations as they are in the code."""
    state.clear_delayed_apps_cache()
    rendered = state.apps
    with rendered.bulk_update():
        keys = [(model.app_label, model.name_lower) for model in rendered.real_models]
        for key in keys:
            rendered.unregister_model(*key)
    rendered.render_multiple([ModelState.from_model(registry.get_model(*key)) for key in keys])
    return rendered


class UnreadModels:
    """The historical models that receivers are handed where nothing is carried out, made when somebody looks at one."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        state = functools.cache(lambda: Loader(connection).project_state())
        self.before = SimpleLazyObject(lambda: quietly(on_demand(state())).apps)
        self.after = SimpleLazyObject(lambda: final_models(state().clone()))


def send_to_others(database: Database, audience: Audience) -> bool:
    """Send both signals, with nothing to carry out, to the receivers that are not Django's own.

    Return whether none of them has put anything into the plan. The models that they are handed are those of the leaf
    nodes; the graph for them is built when somebody looks at one. Raise `MigrationFailed` for a receiver that fails.
    """
    register_receivers()
    plan: list[tuple[Migration, bool]] = []
    unread = UnreadModels(database.connection)
    for name, signal, historical in zip(
        ("pre_migrate", "post_migrate"), SIGNALS, (unread.before, unread.after), strict=True
    ):
        with telling_receivers(database, name), APP_CODE, override(None):
            send_by_app(of_others(signal), audience, using=database.alias, apps=historical, plan=plan)
    return not plan


def send_by_app(
    signal: Signal,
    audience: Audience,
    *,
    using: str,
    apps: object,
    plan: list[tuple[Migration, bool]],
    heading: str = "",
    labels: Collection[str] | None = None,
) -> None:
    """Send a signal once for each app with models, as Django sends both; `heading` names the app with `%s`.

    With `labels`, only for some apps.
    """
    for config in registry.get_app_configs():
        if config.models_module is not None and (labels is None or config.label in labels):
            if heading and audience.stdout is not None:
                audience.stdout.write(heading % config.label)
            signal.send(
                sender=config,
                app_config=config,
                verbosity=audience.verbosity,
                interactive=audience.interactive,
                using=using,
                stdout=audience.stdout,
                apps=apps,
                plan=plan,
            )
