"""What may only happen once the old code is gone, and the code that says so."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.migrations.writer import OperationWriter

from auto_migrate.conf import get_settings
from auto_migrate.planning.phases import Phase
from auto_migrate.planning.reading import ReadMigration

LATE = """\
class Migration(migrations.Migration):
    phase = "post_deploy"
    operations = [
{operation}
    ]"""


def runs_late(migration: ReadMigration) -> bool:
    """Tell whether the migration runs when the old code is gone: by its declaration, or where phases are kept."""
    is_late = migration.phasing.phase is Phase.POST_DEPLOY
    return is_late and (migration.phasing.declared or get_settings().PHASES)


def is_declared_late(migration: ReadMigration) -> bool:
    """Tell whether the migration's class itself says that it belongs after the old code."""
    return migration.phasing.declared and migration.phasing.phase is Phase.POST_DEPLOY


def late(operation: Operation) -> str:
    """Give a migration that carries out an operation when the old code is gone."""
    text, _imports = OperationWriter(operation).serialize()
    return LATE.format(operation=text)


def late_sql(sql: str) -> str:
    """Give a migration that runs a statement when the old code is gone."""
    return LATE.format(operation=f'        migrations.RunSQL("{sql}"),')


def with_options(field: Any, **options: Any) -> Any:
    """Give a copy of a field that differs in some of its options."""
    _name, _path, arguments, keywords = field.deconstruct()
    return type(field)(*arguments, **{**keywords, **options})
