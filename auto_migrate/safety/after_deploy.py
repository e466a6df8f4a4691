"""What may only happen once the old code is gone, and the code that says so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.phases.phase import Phase
from auto_migrate.safety.hazard import Site
from auto_migrate.safety.suggestions import above_the_class, in_turn, migration, quoted, written, written_operation

DECLARED = """\
{head}class Migration(migrations.Migration):
    phase = "post_deploy"
    # {rest}"""


def with_unkept_phase(problem: str, migration: ClassifiedMigration) -> str:
    """Return what is wrong with a migration, and that it runs at once if its phase is one that nobody keeps."""
    decision = migration.decision
    if decision.kept or not decision.declared or decision.phase is not Phase.POST_DEPLOY:
        return problem
    if get_settings().PHASES:
        return f"{problem} " + _('The migration declares phase = "post_deploy", but this run has all phases at once.')
    return f"{problem} " + _(
        'The migration declares phase = "post_deploy", but phases are off in these settings, so nothing waits: '
        'AUTO_MIGRATE = {"PHASES": True}, or AUTO_MIGRATE_PHASES=true, turns them on.'
    )


def late(site: Site, code: str) -> str:
    """Return the migration as one that runs when the old code is gone; of several operations, only what to add.

    `code` is the hazard that it has before.
    """
    if len(site.migration.operations) > 1:
        rest = _("The rest as it is, but what the new code needs: that goes into a migration before.")
        return DECLARED.format(head=above_the_class(code), rest=rest)
    atomic = bool(site.migration.migration.atomic)
    return migration(written_operation(site.operation.operation), atomic=atomic, late=code)


def with_what_loosens(site: Site, code: str, model: str, fields: Iterable[Any]) -> str:
    """Return the migration as one for when the old code is gone, after one that loosens what the new code forgets."""
    loose = [f'migrations.AlterField("{model}", "{field.name}", {written(loosened(field))})' for field in fields]
    return in_turn(migration(*loose), late(site, code)) if loose else late(site, code)


def loosened(field: Any) -> Any:
    """Return a field as code that does not know it can live with."""
    if field.many_to_many:
        return with_options(field, db_constraint=False)
    # Deleting what a forgotten foreign key points to would fail, since Django no longer knows what to delete with it.
    unbound = {"db_constraint": False} if field.remote_field and field.db_constraint else {}
    return with_options(field, null=True, **unbound)


def late_sql(sql: str, code: str) -> str:
    """Return a migration that runs a statement when the old code is gone; `code` is the hazard that it has before."""
    return migration(f"migrations.RunSQL({quoted(sql)}, migrations.RunSQL.noop)", late=code)


def with_options(field: Any, **options: Any) -> Any:
    """Return a copy of a field that differs in some of its options."""
    _name, _path, arguments, keywords = field.deconstruct()
    return type(field)(*arguments, **{**keywords, **options})
