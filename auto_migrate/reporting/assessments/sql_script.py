"""The SQL of a plan as a script, for those who want to read it or carry it out by hand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.core.management.base import OutputWrapper

from auto_migrate.events import Context, Event, MigrationAssessed
from auto_migrate.findings import AssessedMigration
from auto_migrate.reporting.outlet import Outlet


class SqlScript:
    """Writes nothing but the script."""

    def __init__(self, stdout: OutputWrapper) -> None:
        self.stdout = Outlet(stdout)

    def __call__(self, event: Event, context: Context) -> None:
        """Write the statements of a migration that does not wait for the deploy."""
        if isinstance(event, MigrationAssessed) and not event.left:
            for line in script_lines(event.assessed):
                self.stdout.write(line)


def script_lines(assessed: AssessedMigration) -> Iterator[str]:
    """Return the statements of one migration; what cannot be told as SQL stands there as a comment.

    One that is carried out online has a transaction for each operation or step that is one.
    """
    is_online = any(operation.online for operation in assessed.operations)
    yield f"-- {assessed.migration}"
    if assessed.atomic and not is_online:
        yield "BEGIN;"
    for operation in assessed.operations:
        yield f"-- {operation.index}. {operation.description}"
        if operation.online:
            for step in operation.online:
                yield from within(step.transaction, [f"{statement};" for statement in step.sql])
        else:
            yield from within(is_online and assessed.atomic, operation.sql)
    if assessed.atomic and not is_online:
        yield "COMMIT;"
    yield ""


def within(transaction: bool, statements: Sequence[str]) -> Iterator[str]:
    """Return statements, in a transaction of their own or not."""
    if transaction and statements:
        yield "BEGIN;"
    yield from statements
    if transaction and statements:
        yield "COMMIT;"
