"""Judged plans that were never run, with the texts that are hardest to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from auto_migrate.findings import (
    Acknowledgement,
    AssessedMigration,
    Assessment,
    Basis,
    Evidence,
    Finding,
    Level,
    PlannedOperation,
)
from auto_migrate.reporting.assessments.report import AssessmentReport
from auto_migrate.reporting.assessments.source_lines import SourceLocations
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.values import MigrationKey

KEY = MigrationKey("shop", "0002_note_index")
SOURCE = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    operations = [
        migrations.AddIndex(
            "order", models.Index(fields=["note"], name="note_idx"),
        ),
        migrations.RunSQL("SELECT 1"),
    ]
"""
# Everything that one of the formats takes for markup.
NASTY = "50% of: a|b, <script>`x`</script> **@team** #12 [link](http://x)\r\n::error::1. \\ $a$ ~~b~~ &amp; _c_"


def finding(
    level: Level = Level.ERROR,
    *,
    title: str = "An index is built while writes wait",
    problem: str = "It blocks.",
    instead: str = "",
    table: str = "shop_order",
    operation: int | None = 1,
    acknowledged: str | None = None,
) -> Finding:
    """Return a finding."""
    evidence = (Evidence(Basis.RULE, "takes SHARE on shop_order."),)
    return Finding("AM109", level, KEY, operation, table, title, problem, instead, evidence, acknowledged)


def report(
    *findings: Finding,
    folder: Path,
    level: Level | None = Level.ERROR,
    acknowledgements: Sequence[Acknowledgement] = (),
    unmatched: Sequence[Acknowledgement] = (),
    docs_url: str = "",
    inside: bool = True,
) -> AssessmentReport:
    """Return a report on one migration, whose file is written into a folder with a blank in its name."""
    top = folder / "repository"
    file = (top if inside else folder) / "my shop" / "0002_note_index.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SOURCE)
    operations = (
        PlannedOperation(1, "Create index note_idx", reversible=True, effects=("takes SHARE on shop_order",)),
    )
    assessed = AssessedMigration(
        KEY, backwards=False, atomic=True, phase="pre_deploy", operations=operations, findings=findings
    )
    return AssessmentReport(
        Assessment((assessed,), tuple(unmatched)),
        ServerFacts("postgresql", (15, 4)),
        level,
        SourceLocations(top, {KEY: file}),
        tuple(acknowledgements),
        docs_url,
    )
