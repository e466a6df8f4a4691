"""An operation that writes the rows of a table in batches, each of which is kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django.db import router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import Q, QuerySet

if TYPE_CHECKING:
    from django.apps.registry import Apps

    from auto_migrate.backfills.backfill_spec import BackfillSpec
    from auto_migrate.values import BackfillKey

Function = Callable[[Any, BaseDatabaseSchemaEditor, "QuerySet[Any]"], object]


class Backfill(Operation):
    """Write the rows of `model`, `"shop.Order"`, in batches by primary key; its app and `name` are its identity.

    Either `set` says what to write, as the arguments of `QuerySet.update`, or `function` is called as
    `function(apps, schema_editor, batch)` with a queryset of one batch after the other; `where` leaves rows out.
    `batch_rows` is the size of the first batch, those after it take about `target_seconds` each. With `background` the
    release step goes on at once, and a worker does it: `manage.py backfills run` or `auto_migrate.tasks.run_backfills`.

    It can be unapplied if `reverse_set` or `reverse_function` is given, `Backfill.noop` where nothing is to be done.
    """

    reduces_to_sql = False
    # It commits by itself, so no transaction is put around it.
    atomic = False
    in_batches = True
    # It knows by itself how far it came.
    repeatable = True

    def __init__(
        self,
        model: str,
        name: str,
        *,
        set: Mapping[str, Any] | None = None,  # noqa: A002 # SQL's own word
        where: Q | None = None,
        function: Function | None = None,
        reverse_set: Mapping[str, Any] | None = None,
        reverse_function: Function | None = None,
        batch_rows: int = 1000,
        target_seconds: float = 0.5,
        background: bool = False,
    ) -> None:
        check_names(model, name)
        if (set is None) == (function is None):
            raise ValueError(f"Backfill {name!r} takes either set or function.")
        if reverse_set is not None and reverse_function is not None:
            raise ValueError(f"Backfill {name!r} takes either reverse_set or reverse_function.")
        if batch_rows < 1 or target_seconds <= 0:
            raise ValueError(f"Backfill {name!r}: batch_rows and target_seconds are above zero.")
        self.model = model
        self.name = name
        self.set = set
        self.where = where
        self.function = function
        self.reverse_set = reverse_set
        self.reverse_function = reverse_function
        self.batch_rows = batch_rows
        self.target_seconds = target_seconds
        self.background = background

    @staticmethod
    def noop(apps: Apps, schema_editor: BaseDatabaseSchemaEditor, batch: QuerySet[Any]) -> None:
        """Do nothing, as a reverse function."""

    @property
    def key(self) -> BackfillKey:
        """Its identity, whatever migration it stands in."""
        from auto_migrate.values import BackfillKey

        return BackfillKey(self.model_key[0], self.name)

    @property
    def model_key(self) -> tuple[str, str]:
        """The model, as a state of the project has it."""
        label, _dot, name = self.model.partition(".")
        return label, name.lower()

    @property
    def reversible(self) -> bool:  # type: ignore[override] # Django's own operations override it likewise
        """Return whether it says what takes it back."""
        return self.reverse_set is not None or self.reverse_function is not None

    @property
    def migration_name_fragment(self) -> str:
        """Return what a migration may be called after it."""
        return f"backfill_{self.name}"

    def describe(self) -> str:
        return f"Backfill {self.name} of {self.model} in batches{' in the background' if self.background else ''}"

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing: rows are no part of the state."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        from auto_migrate.backfills.foreground import carry_out, is_needless
        from auto_migrate.backfills.records import Backfills
        from auto_migrate.backfills.release_step import database_here, release_step
        from auto_migrate.backfills.tenant_schemas import within_current_schema

        alias = schema_editor.connection.alias
        if not self.is_allowed(alias, from_state):
            return
        with within_current_schema(alias):
            database, task = database_here(alias), self.task(from_state, schema_editor)
            if is_needless(database, task):
                if self.background:
                    Backfills(alias).note_needless(task)
                return
            if self.background and release_step() is not None:
                Backfills(alias).ensure(task, background=True)
            else:
                carry_out(database, task)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        from auto_migrate.backfills.foreground import take_back
        from auto_migrate.backfills.release_step import database_here
        from auto_migrate.backfills.tenant_schemas import within_current_schema

        alias = schema_editor.connection.alias
        if not self.is_allowed(alias, to_state):
            return
        with within_current_schema(alias):
            nothing = self.reverse_function is Backfill.noop
            take_back(database_here(alias), self.task(to_state, schema_editor, backwards=True), nothing=nothing)

    def is_allowed(self, alias: str, state: ProjectState) -> bool:
        """Return whether the rows of the model are on this database; a proxy's are its model's."""
        model: Any = state.apps.get_model(self.model)
        return router.allow_migrate_model(alias, model._meta.concrete_model)

    def task(
        self, state: ProjectState, schema_editor: BaseDatabaseSchemaEditor, *, backwards: bool = False
    ) -> BackfillSpec:
        """Return what is to be done, for the models of a state."""
        from auto_migrate.backfills.backfill_spec import BackfillSpec
        from auto_migrate.backfills.rows import rows_of, table_of
        from auto_migrate.tenancy import kept_in_schema

        apps, alias = state.apps, schema_editor.connection.alias
        model: Any = apps.get_model(self.model)
        values, function = (self.reverse_set, self.reverse_function) if backwards else (self.set, self.function)
        where = None if backwards else self.where

        def write(rows: Any) -> None:
            batch = rows_of(model, alias, rows)
            batch = batch if where is None else batch.filter(where)
            if function is not None:
                with kept_in_schema(alias):
                    function(apps, schema_editor, batch)
            else:
                batch.update(**values or {})

        return BackfillSpec(
            self.key,
            table_of(model),
            write,
            self.batch_rows,
            self.target_seconds,
            computes=function is not None,
            backwards=backwards,
            apps=apps,
        )


def check_names(model: str, name: str) -> None:
    """Raise `ValueError` for what is no `app_label.Model`, or a name that no URL can have."""
    if not re.fullmatch(r"\w+\.\w+", model):
        raise ValueError(f'Backfill of {model!r}: name the model with its app, as in "shop.Order".')
    if not re.fullmatch(r"[\w-]{1,200}", name):
        raise ValueError(f"Backfill {name!r}: a name has letters, digits, hyphens and underscores.")
