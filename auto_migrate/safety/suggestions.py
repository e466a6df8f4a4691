"""Code to write instead, in the words of Django's migrations and with the project's own names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.backends.utils import names_digest
from django.db.migrations.operations.base import Operation
from django.db.migrations.serializer import serializer_factory
from django.db.migrations.writer import OperationWriter
from django.utils.translation import gettext as _

from auto_migrate.changes.change import AddConstraint
from auto_migrate.changes.sql.quoting import parts_of, quoted_name, quoted_table
from auto_migrate.conf import get_settings

# What PostgreSQL keeps of a name (NAMEDATALEN - 1), and how much of it tells made up names apart.
LONGEST, DIGEST = 63, 8
# Operations that migrations do not import by themselves.
POSTGRES = re.compile(r"(?:Add|Remove)IndexConcurrently|AddConstraintNotValid|ValidateConstraint")
INDEX = re.compile(r"\s*CREATE\s+(UNIQUE\s+)?INDEX\b(?!\s+CONCURRENTLY)", re.IGNORECASE)
# A module of Django's before one of its names.
MODULE = re.compile(r"\bdjango(?:\.[a-z_]\w*)+(?=\.)")
# Modules whose names migrations have already, or get by an import of `migration`.
SHORTER = {"django.db.models.deletion.": "models.", "django.contrib.postgres.operations.": ""}
LATE = '    phase = "post_deploy"\n'
BATCHES = """\
from auto_migrate.operations import Backfill

def {function}(apps, schema_editor, batch):
    batch.filter({which}).{write}

{unkept}class Migration(migrations.Migration):
{phase}    operations = [
        Backfill("{model}", "{name}", function={function}, reverse_function=Backfill.noop),
    ]"""


def written(value: Any) -> str:
    """Write a field, an index, a constraint or a plain value as a migration file would."""
    code, _imports = serializer_factory(value).serialize()
    return shorter(str(code))


def shorter(code: str) -> str:
    """Write names as a migration knows them without an import of their own."""
    for long, short in SHORTER.items():
        code = code.replace(long, short)
    return code


def model_name(model: str) -> str:
    """Return the name by which operations of its own app call a model, `app_label.ModelName`."""
    return model.rpartition(".")[2].lower()


def written_operation(operation: Operation) -> str:
    """Write an operation as a migration file would, on as many lines as it takes."""
    code, _imports = OperationWriter(operation, indentation=0).serialize()
    return shorter(code.removesuffix(","))


def without(field: Any, *options: str) -> Any:
    """Return a field without some of the options that it was made with."""
    _name, _path, arguments, keywords = field.deconstruct()
    return type(field)(*arguments, **{name: value for name, value in keywords.items() if name not in options})


def migration(*operations: str, atomic: bool = True, late: str = "") -> str:
    """Write a migration of some operations; `late` is the hazard that it has unless the old code is gone by then."""
    body = textwrap.indent("".join(f"{operation},\n" for operation in operations), " " * 8)
    flags = ("" if atomic else "    atomic = False\n") + (LATE if late else "")
    head = above_the_class(late, imports_of(operations))
    return f"{head}class Migration(migrations.Migration):\n{flags}    operations = [\n{body}    ]"


def above_the_class(late: str, imports: Iterable[str] = ()) -> str:
    """Return what stands above a migration's class: a `late` one is acknowledged where no phase makes it wait."""
    is_unkept = bool(late) and not get_settings().PHASES
    lines = [*imports, *(["import auto_migrate"] if is_unkept else [])]
    text = "".join(f"{line}\n" for line in lines) + ("\n" if lines else "")
    return text + (unkept() + f'@auto_migrate.acknowledge("{late}", reason="...")\n' if is_unkept else "")


def unkept() -> str:
    """Return a comment that nobody keeps the phase of a migration, where that is so."""
    if get_settings().PHASES:
        return ""
    return comment(_("Phases are off, so nothing waits: deploy this when the old code is gone, or turn them on."))


def imports_of(operations: Iterable[str]) -> Iterator[str]:
    """Return the imports that operations need besides those that every migration has."""
    operations = list(operations)
    if names := {match[0] for match in map(POSTGRES.match, operations) if match}:
        yield f"from django.contrib.postgres.operations import {', '.join(sorted(names))}"
    for module in sorted(set(MODULE.findall("\n".join(operations)))):
        yield f"import {module}"


def batches(model: str, which: str, write: str, function: str = "fill_in_batches", *, late: bool = False) -> str:
    """Write a migration whose function is given the rows of a model, `app_label.ModelName`, in batches.

    A `late` one is for when the old code is gone.
    """
    field = re.match(r"update\((\w+)=", write)
    name = f"{model_name(model) or 'model'}_{field[1] if field else function}"
    imports = "".join(f"{line}\n" for line in imports_of([which, write]))
    return imports + BATCHES.format(
        model=model or "app_label.Model",
        name=name,
        which=which,
        write=write,
        function=function,
        phase=LATE if late else "",
        unkept=unkept() if late else "",
    )


def comment(text: str) -> str:
    """Write a sentence as a comment on a line of its own."""
    return f"# {text}\n"


def without_like() -> str:
    """Return a comment on the second index of a text, which code of one's own leaves out."""
    return comment(_("Without the second index that Django makes for LIKE on text: build it as well if you need it."))


def next_migration() -> str:
    """Return between two statements of SQL that they belong into two migrations."""
    return "-- " + _("in the next migration") + "\n"


def in_turn(*migrations: str) -> str:
    """Write several migrations, to be carried out one after the other."""
    return "\n\n".join(f"# {number}\n{code.rstrip()}" for number, code in enumerate(migrations, start=1))


def listed(columns: Iterable[str]) -> str:
    """Write columns as SQL does, or that there are some."""
    return ", ".join(map(quoted_name, columns)) or "…"


def beside(table: str, name: str) -> str:
    """Write the name of an index, which is in the schema of its table."""
    *schema, _table = parts_of(table)
    return ".".join(map(quoted_name, [*schema, name]))


def fitting(*parts: str) -> str:
    """Return a name made of parts that PostgreSQL keeps whole."""
    name = "_".join(parts)
    if len(name.encode()) <= LONGEST:
        return name
    head = name.encode()[: LONGEST - DIGEST - 1].decode("utf-8", "ignore").rstrip("_")
    return f"{head}_{names_digest(name, length=DIGEST)}"


def not_valid(change: AddConstraint) -> str:
    """Write the statement that adds a constraint of SQL, to which old rows are not held."""
    said = change.sql.removesuffix(" NOT VALID")
    if not said.startswith("CONSTRAINT "):
        said = f"CONSTRAINT {quoted_name(change.name)} {said}"
    return f"ALTER TABLE {quoted_table(change.table)} ADD {said} NOT VALID;\n"


def validated_later(change: AddConstraint) -> str:
    """Write the statements that add a constraint of SQL, and hold old rows to it in the next migration."""
    validated = f"ALTER TABLE {quoted_table(change.table)} VALIDATE CONSTRAINT {quoted_name(change.name)};"
    return f"{not_valid(change)}{next_migration()}{validated}"


def concurrently(statement: str) -> str:
    """Write the statement that builds an index as one that holds nobody up."""
    return INDEX.sub(r"\g<0> CONCURRENTLY", statement, count=1)


def run_sql(statement: str, reverse: str, instead_of: Operation | None = None) -> str:
    """Write an operation that sends a statement, in the place of one of Django's if there was one."""
    lines = [f"    {quoted(statement)}", f"    {quoted(reverse)}"]
    if instead_of is not None:
        state = textwrap.indent(written_operation(instead_of), " " * 8)
        lines.append(f"    state_operations=[\n{state},\n    ]")
    return "migrations.RunSQL(\n" + "".join(f"{line},\n" for line in lines) + ")"


def quoted(text: str) -> str:
    """Write a text as Python does, in double quotes if it has none."""
    return repr(text) if '"' in text or "\\" in text or not text.isprintable() else f'"{text}"'
