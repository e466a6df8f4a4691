"""What may only happen once the old code is gone, and the code that says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.phases.phase import Phase
from auto_migrate.safety.hazard import Site
from auto_migrate.safety.suggestions import in_turn, migration, quoted, written, written_operation

DECLARED = """\
class Migration(migrations.Migration):
    phase = "post_deploy"
    # {rest}"""
ACKNOWLEDGED = """\
import auto_migrate

@auto_migrate.acknowledge("{code}", reason="...")
"""


def runs_late(migration: ClassifiedMigration) -> bool:
    """Return whether the migration runs when the old code is gone: by its declaration, or where phases are kept."""
    is_late = migration.decision.phase is Phase.POST_DEPLOY
    return is_late and (migration.decision.declared or get_settings().PHASES)


def is_declared_late(migration: ClassifiedMigration) -> bool:
    """Return whether the migration's class says that it belongs after the old code, and phases hold it to that."""
    declared = migration.decision.declared and migration.decision.phase is Phase.POST_DEPLOY
    return declared and get_settings().PHASES


def late(site: Site) -> str:
    """Return the migration as one that runs when the old code is gone; of several operations, only what to add."""
    if len(site.migration.operations) > 1:
        rest = _("The rest as it is, but what the new code needs: that goes into a migration before.")
        return DECLARED.format(rest=rest)
    atomic = bool(site.migration.migration.atomic)
    return migration(written_operation(site.operation.operation), atomic=atomic, late=True)


def with_what_loosens(site: Site, model: str, fields: Iterable[Any]) -> str:
    """Return the migration as one for when the old code is gone, after one that loosens what the new code forgets."""
    loose = [f'migrations.AlterField("{model}", "{field.name}", {written(loosened(field))})' for field in fields]
    return in_turn(migration(*loose), late(site)) if loose else late(site)


def loosened(field: Any) -> Any:
    """Return a field as code that does not know it can live with."""
    if field.many_to_many:
        return with_options(field, db_constraint=False)
    # Deleting what a forgotten foreign key points to would fail, since Django no longer knows what to delete with it.
    unbound = {"db_constraint": False} if field.remote_field and field.db_constraint else {}
    return with_options(field, null=True, **unbound)


def late_sql(sql: str, code: str) -> str:
    """Return a migration that runs a statement when the old code is gone; without phases, acknowledged."""
    heading = "" if get_settings().PHASES else ACKNOWLEDGED.format(code=code)
    return heading + migration(f"migrations.RunSQL({quoted(sql)}, migrations.RunSQL.noop)", late=True)


def with_options(field: Any, **options: Any) -> Any:
    """Return a copy of a field that differs in some of its options."""
    _name, _path, arguments, keywords = field.deconstruct()
    return type(field)(*arguments, **{**keywords, **options})
