"""What a rehearsal saw, put beside the findings that it is evidence for."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from django.utils.translation import gettext as _

from auto_migrate.findings import Assessment, Basis, Evidence, Finding
from auto_migrate.numerals import numeral
from auto_migrate.rehearsal.contradictions import observed
from auto_migrate.rehearsal.rehearsal_events import StatementObserved


def with_evidence(assessment: Assessment, seen: Sequence[StatementObserved]) -> Assessment:
    """Return each finding about an operation what was seen of it."""
    migrations = tuple(
        dataclasses.replace(assessed, findings=tuple(_with_evidence(found, seen) for found in assessed.findings))
        for assessed in assessment.migrations
    )
    return dataclasses.replace(assessment, migrations=migrations)


def _with_evidence(finding: Finding, seen: Sequence[StatementObserved]) -> Finding:
    own = [one for one in seen if (one.migration, one.operation) == (finding.migration, finding.operation)]
    if not own:
        return finding
    evidence = Evidence(Basis.OBSERVED, observation(own))
    return dataclasses.replace(finding, evidence=(*finding.evidence, evidence))


def observation(seen: Sequence[StatementObserved]) -> str:
    """Say what the statements of one operation took all together."""
    tolls = [f"{table}: {toll}" for table, toll in observed(seen).items()]
    seconds = sum(one.duration for one in seen)
    return _("{tolls}; {seconds} s in the rehearsal.").format(
        tolls="; ".join(tolls) or _("no lock on a table that was there"), seconds=numeral(seconds, ".3f")
    )
