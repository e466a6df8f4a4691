"""What the formats write: a judged plan, and what they need to know beside it."""

from __future__ import annotations

import dataclasses
from collections import Counter

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.findings import Acknowledgement, Assessment, Finding, Level
from auto_migrate.reporting.assessments.source_lines import SourceLocations
from auto_migrate.safety.acknowledgements import matches
from auto_migrate.safety.hazard import ServerFacts, page_name
from auto_migrate.safety.hazards import hazards


@dataclasses.dataclass(frozen=True)
class AssessmentReport:
    """A judged plan, the server it was judged for, the level that fails, and where everything stands.

    `acknowledgements` are those that stand elsewhere than in the migrations. `docs_url` is where the pages of the
    hazards are published, empty where they are not.
    """

    assessment: Assessment
    server: ServerFacts
    level: Level | None
    places: SourceLocations
    acknowledgements: tuple[Acknowledgement, ...] = ()
    docs_url: str = ""

    @property
    def failing(self) -> tuple[Finding, ...]:
        """Return the findings for which the assessment fails."""
        return self.assessment.blocking(self.level)

    @property
    def server_name(self) -> str:
        """Name the server and its version."""
        names = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}
        version = ".".join(map(str, self.server.version)).removesuffix(".0")
        return f"{names.get(self.server.vendor, self.server.vendor)} {version}"

    def page(self, code: str) -> str:
        """Return the address of a hazard's page, empty where none is known."""
        if (hazard := hazards().get(code)) and hazard.page:
            # A path within the project's repository leads nowhere from elsewhere.
            return hazard.page if "://" in hazard.page else ""
        return f"{self.docs_url.rstrip('/')}/{page_name(code)}" if self.docs_url else ""

    def is_acknowledged_elsewhere(self, finding: Finding) -> bool:
        """Return whether a finding is acknowledged outside of its migration."""
        return any(matches(one, finding) for one in self.acknowledgements)

    def counts(self) -> dict[str, int]:
        """Count the findings by level, with those that somebody acknowledged or something handles by themselves."""
        found = Counter(map(self._count_as, self.assessment.findings))
        return {name: found[name] for name in (*map(str, reversed(Level)), "acknowledged", "handled")}

    @staticmethod
    def _count_as(finding: Finding) -> str:
        if finding.acknowledged is not None:
            return "acknowledged"
        return str(finding.level) if finding.handled is None else "handled"

    def summary(self) -> str:
        """Say in a sentence what was found."""
        counts = self.counts()
        if not self.assessment.migrations:
            return _("No migrations to judge.")
        migrations = ngettext("{count} migration", "{count} migrations", len(self.assessment.migrations))
        errors = ngettext("{count} error", "{count} errors", counts["error"])
        warnings = ngettext("{count} warning", "{count} warnings", counts["warning"])
        notices = ngettext("{count} notice", "{count} notices", counts["notice"])
        text = _("{migrations} judged for {server}: {errors}, {warnings}, {notices}; {acknowledged} acknowledged.")
        if counts["handled"]:
            text = _(
                "{migrations} judged for {server}: {errors}, {warnings}, {notices}; {acknowledged} acknowledged, "
                "{handled} handled online or by a bridge."
            )
        return text.format(
            migrations=migrations.format(count=len(self.assessment.migrations)),
            server=self.server_name,
            errors=errors.format(count=counts["error"]),
            warnings=warnings.format(count=counts["warning"]),
            notices=notices.format(count=counts["notice"]),
            acknowledged=counts["acknowledged"],
            handled=counts["handled"],
        )

    def unmatched(self) -> list[str]:
        """Say of each acknowledgement that matches nothing that it can go."""
        text = _("The acknowledgement of {code} in {migration} ({origin}) matches nothing: take it out.")
        return [
            text.format(code=acknowledgement.code, migration=acknowledgement.migration, origin=acknowledgement.origin)
            for acknowledgement in self.assessment.unmatched
        ]
