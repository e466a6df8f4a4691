"""Code to write instead, in the words of Django's migrations and with the project's own names."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from typing import Any

from django.db.migrations.operations.base import Operation
from django.db.migrations.serializer import serializer_factory
from django.db.migrations.writer import OperationWriter

# A name that PostgreSQL takes as it stands.
PLAIN = re.compile(r"[a-z_][a-z0-9_.]*")
# Operations that migrations do not import by themselves.
POSTGRES = re.compile(r"(?:Add|Remove)IndexConcurrently|AddConstraintNotValid|ValidateConstraint")


def written(value: Any) -> str:
    """Write a field, an index, a constraint or a plain value as a migration file would."""
    code, _imports = serializer_factory(value).serialize()
    return str(code)


def model_name(model: str) -> str:
    """Give the name by which operations of its own app call a model, `app_label.ModelName`."""
    return model.rpartition(".")[2].lower()


def written_operation(operation: Operation) -> str:
    """Write an operation as a migration file would, on as many lines as it takes."""
    code, _imports = OperationWriter(operation, indentation=0).serialize()
    return code.removesuffix(",").removeprefix("django.contrib.postgres.operations.")


def without(field: Any, *options: str) -> Any:
    """Give a field without some of the options that it was made with."""
    _name, _path, arguments, keywords = field.deconstruct()
    return type(field)(*arguments, **{name: value for name, value in keywords.items() if name not in options})


def migration(*operations: str, atomic: bool = True) -> str:
    """Write a migration of some operations."""
    body = textwrap.indent("".join(f"{operation},\n" for operation in operations), " " * 8)
    flag = "" if atomic else "    atomic = False\n"
    imported = ", ".join(sorted({match[0] for match in map(POSTGRES.match, operations) if match}))
    imports = f"from django.contrib.postgres.operations import {imported}\n\n" if imported else ""
    return f"{imports}class Migration(migrations.Migration):\n{flag}    operations = [\n{body}    ]"


def in_turn(*migrations: str) -> str:
    """Write several migrations, to be carried out one after the other."""
    return "\n\n".join(f"# {number}\n{code}" for number, code in enumerate(migrations, start=1))


def named(name: str) -> str:
    """Write a name, which may have a schema before it, as SQL does."""
    return name if PLAIN.fullmatch(name) else ".".join(f'"{part}"' for part in name.split("."))


def listed(columns: Iterable[str]) -> str:
    """Write columns as SQL does, or that there are some."""
    return ", ".join(map(named, columns)) or "…"


def run_sql(statement: str, reverse: str, instead_of: Operation | None = None) -> str:
    """Write an operation that sends a statement, in the place of one of Django's if there was one."""
    lines = [f"    {quoted(statement)}", f"    {quoted(reverse)}"]
    if instead_of is not None:
        state = textwrap.indent(written_operation(instead_of), " " * 8)
        lines.append(f"    state_operations=[\n{state},\n    ]")
    return "migrations.RunSQL(\n" + "".join(f"{line},\n" for line in lines) + ")"


def quoted(text: str) -> str:
    """Write a text as Python does, in double quotes if it has none."""
    return repr(text) if '"' in text else f'"{text}"'
