"""The models of the release that is running, from git: what Django sends for each of them, known without a server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.review.git import export, merge_base, top_of
from auto_migrate.workload.statement import RecordedStatement, Workload

# A project whose settings wait for something must not hold a pull request up.
PATIENCE = 60.0
SHORT = 12
# Runs in the old code, where nothing of this package need be.
SCRIPT = """
import json, sys
import django
from django.apps import apps

written, sys.stdout = sys.stdout, sys.stderr
django.setup()
json.dump(
    [
        {
            "table": model._meta.db_table,
            "columns": [
                {"name": field.column, "written": not (field.primary_key and hasattr(field, "db_returning")
                 and field.get_internal_type().endswith("AutoField")) and not getattr(field, "generated", False)}
                for field in model._meta.local_concrete_fields
            ],
        }
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy
    ],
    written,
)
"""


class NoModels(Exception):
    """The code of the running release cannot be loaded; the text says why."""


def outgoing_models(since: str, folder: Path) -> Workload:
    """Return what the models where a branch left `since` make Django send; raise `NoModels` if they cannot be had.

    The code of that commit is put into a temporary folder and set up by a process of its own, in today's environment.
    """
    if "DJANGO_SETTINGS_MODULE" not in os.environ:
        raise NoModels(_("no module of settings is named"))
    top = top_of(folder)
    commit = merge_base(since, top)
    with tempfile.TemporaryDirectory(prefix="auto_migrate-outgoing-") as name:
        copy = Path(name).resolve()
        export(commit, top, copy)
        models = loaded(top, copy, folder.resolve())
    source = _("the models of {commit}").format(commit=commit[:SHORT])
    gap = _("SQL that code writes by itself is in no model")
    return Workload(tuple(statement for model in models for statement in statements_of(model)), source, (gap,))


def loaded(top: Path, copy: Path, folder: Path) -> list[dict[str, Any]]:
    """Set up the project that a copy of its repository holds, and return its tables."""
    place = copy / folder.relative_to(top)
    try:
        done = subprocess.run(  # noqa: S603 # the interpreter and the script are ours
            [sys.executable, "-c", SCRIPT],
            check=False,
            cwd=place if place.is_dir() else copy,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths(top, copy)), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired as error:
        raise NoModels(_("its code took more than {seconds:.0f} s to load").format(seconds=PATIENCE)) from error
    if done.returncode:
        raise NoModels((done.stderr.strip().splitlines() or [str(done.returncode)])[-1])
    try:
        return list(json.loads(done.stdout))
    except ValueError as error:
        raise NoModels(_("its code wrote something else than its models")) from error


def paths(top: Path, copy: Path) -> Iterator[str]:
    """Return where Python looks for modules, in the copy where that is in the repository, save what is installed."""
    for entry in sys.path:
        path = Path(entry).resolve()
        is_own = path.is_relative_to(top) and "site-packages" not in path.parts
        yield str(copy / path.relative_to(top)) if is_own else str(path)


def statements_of(model: Mapping[str, Any]) -> Iterator[RecordedStatement]:
    """Return what Django sends for a model: it reads all columns, and writes all that the database does not make."""
    # `db_table` may hold a schema in its own quotes.
    table = f'"{model["table"]}"'
    columns = [column["name"] for column in model["columns"]]
    written = [column["name"] for column in model["columns"] if column["written"]]
    if columns:
        names = ", ".join(f'{table}."{column}"' for column in columns)
        yield RecordedStatement(f"SELECT {names} FROM {table}")  # noqa: S608 # nobody sends it
    if written:
        names = ", ".join(f'"{column}"' for column in written)
        values = ", ".join(f"${number}" for number in range(1, len(written) + 1))
        yield RecordedStatement(f"INSERT INTO {table} ({names}) VALUES ({values})")  # noqa: S608 # likewise
