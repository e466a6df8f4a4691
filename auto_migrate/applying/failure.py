"""What to tell of a migration that raised: where, at which statement, and what to do."""

from __future__ import annotations

import traceback
from pathlib import Path

import django
from django.utils.translation import gettext as _

from auto_migrate.applying.operation_loop import Progress
from auto_migrate.databases.base import Database
from auto_migrate.databases.faults import causes, first_line
from auto_migrate.exceptions import AutoMigrateError, MigrationFailed, TransientError

MAX_STATEMENT = 500
LIBRARIES = (str(Path(django.__file__).parent), str(Path(__file__).parent))


def failure(database: Database, error: Exception, progress: Progress) -> AutoMigrateError | TransientError:
    """Return the exception that ends the migration: a transient error, or a failure with its place."""
    if isinstance(error, AutoMigrateError | TransientError):
        return error
    fault = database.fault_of(error)
    if fault is not None and fault.kind.transient:
        kept = not (progress.migration.atomic and database.transactional_ddl)
        return TransientError(_(fault.kind.value), detail=fault.detail, contention=fault.kind.contention, kept=kept)
    migration = progress.migration
    what = _("Migration {migration} failed").format(migration=migration)
    if (operation := progress.operation) is not None:
        what += _(" at operation {index} of {count}, {operation}").format(
            index=progress.index, count=len(migration.operations), operation=operation.describe()
        )
    return MigrationFailed(
        f"{what}: {type(error).__name__}: {first_line(error)}", hint=_hint(database, error, progress)
    )


def _hint(database: Database, error: Exception, progress: Progress) -> str:
    lines = []
    if place := _place(error):
        lines.append(_("Raised at {place}.").format(place=place))
    # On one line, so that no line of it reads as one of ours.
    if statement := " ".join(progress.statement.split())[:MAX_STATEMENT]:
        lines.append(_("Last statement: {statement}").format(statement=statement))
    if progress.migration.atomic and database.transactional_ddl:
        lines.append(_("Nothing of it was kept; earlier migrations stay applied and recorded."))
    else:
        lines.append(_("It is not atomic: what came before the failing operation was kept."))
    lines.append(_("Mend the migration and deploy again."))
    return "\n".join(lines)


def _place(error: Exception) -> str:
    """Return file and line of the project's own code that raised, if it was not Django's."""
    for cause in causes(error):
        for frame in reversed(traceback.extract_tb(cause.__traceback__)):
            if not frame.filename.startswith(LIBRARIES) and "site-packages" not in frame.filename:
                return f"{frame.filename}:{frame.lineno}"
    return ""
