"""Drift in SARIF 2.1.0, which code scanning services read: each difference stands at the model of its table."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
from pathlib import Path
from typing import Any
from urllib.parse import quote

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.drift.differences import DifferenceKind
from auto_migrate.drift.drift_events import DriftChecked, DriftFound
from auto_migrate.drift.state_tables import table_name
from auto_migrate.events import Context, Event, RunFailed
from auto_migrate.reporting.assessments.sarif import log
from auto_migrate.reporting.drift_console import describe_difference
from auto_migrate.reporting.jsonlines import Stream

TITLES = {
    DifferenceKind.MISSING: gettext_noop("What a migration made is missing"),
    DifferenceKind.EXTRA: gettext_noop("What no model has is there"),
    DifferenceKind.DIFFERENT: gettext_noop("What a migration made is there in another form"),
    DifferenceKind.INVALID: gettext_noop("An index is INVALID"),
    DifferenceKind.NOT_VALID: gettext_noop("A constraint is NOT VALID"),
    DifferenceKind.BEHIND: gettext_noop("A sequence is behind the rows that it numbers"),
    DifferenceKind.UNKNOWN: gettext_noop("A table cannot be compared"),
}
# What is there besides breaks no code that knows nothing of it.
LEVELS = {DifferenceKind.EXTRA: "note", DifferenceKind.UNKNOWN: "warning"}


class DriftSarif:
    """Keeps what is found, and writes it as one log when all databases were compared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.results: list[dict[str, Any]] = []
        self.compared: set[str] = set()
        self.failed: set[str] = set()

    def __call__(self, event: Event, context: Context) -> None:
        """Keep a difference, and which databases were compared."""
        if isinstance(event, DriftFound):
            self.results.append(self.result(event, context.database))
        elif isinstance(event, DriftChecked):
            self.compared.add(context.database)
        elif isinstance(event, RunFailed):
            self.failed.add(context.database)

    def write(self, stream: Stream) -> None:
        """Write the log, or nothing where nothing was compared: a log without results closes every alert."""
        if not self.compared or self.failed - self.compared:
            return
        stream.write(log("drift", [rule(kind) for kind in DifferenceKind], self.results))

    def result(self, event: DriftFound, database: str) -> dict[str, Any]:
        """Return one difference; what a migration makes in SQL of its own as suppressed."""
        found = event.difference
        told = "\0".join([database, found.table, found.part, found.kind, found.name, found.expected])
        fingerprint = hashlib.sha256(told.encode()).hexdigest()[:16]
        result = {
            "ruleId": rule_id(found.kind),
            "ruleIndex": list(DifferenceKind).index(found.kind),
            "level": LEVELS.get(found.kind, "error"),
            "message": {"text": f"{found.table}: {describe_difference(found)}"},
            "locations": [self.location(event)],
            "partialFingerprints": dict.fromkeys(("drift/v1", "primaryLocationLineHash"), f"{fingerprint}:1"),
        }
        if event.made_by is not None:
            reason = _("Made by SQL of {migration}.").format(migration=event.made_by)
            result["suppressions"] = [{"kind": "external", "status": "accepted", "justification": reason}]
        return result

    def location(self, event: DriftFound) -> dict[str, Any]:
        """Return the model of a table, if the running code has it."""
        table = event.difference.table
        told: dict[str, Any] = {"logicalLocations": [{"fullyQualifiedName": table, "kind": "type"}]}
        for model in apps.get_app_config(event.app_label).get_models(include_auto_created=True):
            if table_name(model) == table:
                # A model that was made by a call has no source.
                with contextlib.suppress(OSError):
                    told["physicalLocation"] = self.place(model._meta.auto_created or model)
        return told

    def place(self, model: Any) -> dict[str, Any]:
        """Return file and lines of a model; raise `OSError` where it has none."""
        lines, first = inspect.getsourcelines(model)
        return {
            "artifactLocation": self.artifact(Path(inspect.getsourcefile(model) or "").resolve()),
            "region": {"startLine": first, "endLine": first + len(lines) - 1},
        }

    def artifact(self, file: Path) -> dict[str, str]:
        """Name a file relative to the folder of the command, if it lies below it."""
        if file.is_relative_to(self.folder):
            return {"uri": quote(file.relative_to(self.folder).as_posix()), "uriBaseId": "%SRCROOT%"}
        return {"uri": file.as_uri()}


def rule_id(kind: DifferenceKind) -> str:
    """Return how a kind of difference is called in the log."""
    return f"drift-{kind.replace('_', '-')}"


def rule(kind: DifferenceKind) -> dict[str, Any]:
    """Describe a kind of difference."""
    return {
        "id": rule_id(kind),
        "shortDescription": {"text": f"{_(TITLES[kind])}."},
        "help": {"text": _("See {page}.").format(page="docs/adopting.md")},
        "defaultConfiguration": {"level": LEVELS.get(kind, "error")},
    }
