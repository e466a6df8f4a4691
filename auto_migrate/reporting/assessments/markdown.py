"""A judged plan as a comment on a pull request, in GitHub's and GitLab's Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.utils.translation import gettext as _

from auto_migrate.findings import Finding, Level
from auto_migrate.reporting.assessments.report import AssessmentReport
from auto_migrate.reporting.assessments.text import basis, level_name, settlement

# By this line a workflow finds the comment that it wrote before.
MARKER = "<!-- auto_migrate: assess_migrations -->"
# The most characters that GitHub takes in a comment, counted as JavaScript counts them.
LIMIT = 65_536
# What is kept free to say that something was left out.
RESERVE = 500
SIGNS = {Level.ERROR: "❌", Level.WARNING: "⚠️", Level.NOTICE: "💬"}
# What Markdown, or GitHub's additions to it, could take for markup.
SPECIAL = re.compile(r"([\\`*_{}\[\]()~|$!])")
# What begins a list, a heading or an underline where it begins a line.
OPENING = re.compile(r"^(\d*)([-+=#.])")
# What GitHub turns into a link to a person or to another pull request.
REFERENCE = re.compile(r"([@#])(?=\w)")


def render(report: AssessmentReport) -> str:
    """Write the comment, cut where GitHub would refuse it."""
    text, left_out = "", 0
    for block in blocks(report):
        # Once something is left out so is all that follows: no details without their row, no hole in the table.
        if left_out or length(text + block) > LIMIT - RESERVE:
            left_out += 1
        else:
            text += block
    if not left_out:
        return text
    told = _("This comment would be too long: {count} parts of it are left out. To see all of it, run this command.")
    command = block_of_code("manage.py assess_migrations --format text", "console")
    return f"{text}\n\n{escape(told.format(count=left_out))}\n\n{command}\n"


def blocks(report: AssessmentReport) -> Iterator[str]:
    """Return the parts of the comment, the weightiest first."""
    findings = sorted(report.assessment.findings, key=lambda found: (found.is_settled, -found.level.rank))
    yield f"{MARKER}\n### {heading(report)}\n\n{escape(report.summary())}\n"
    if findings:
        heads = [_("level"), _("code"), _("migration"), _("table"), _("finding")]
        yield f"\n{table_row(heads)}{table_row(['---'] * len(heads))}"
    yield from (row(finding, report) for finding in findings)
    yield from (detail(finding) for finding in findings if not finding.is_settled)
    yield from (f"\n{escape(text)}\n" for text in report.unmatched())


def heading(report: AssessmentReport) -> str:
    """Say in a few words how it went."""
    if report.failing:
        return "❌ " + _("These migrations should not be merged as they are")
    return "✅ " + _("Nothing in these migrations stands against merging them")


def row(finding: Finding, report: AssessmentReport) -> str:
    """Return the row of a finding."""
    page, place = report.page(finding.code), report.places.of(finding)
    where = str(finding.migration) if place is None else f"{place.path}:{place.lines.first}"
    level = f"{SIGNS[finding.level]} {level_name(finding.level)}"
    title = escape(finding.title)
    if finding.acknowledged is not None:
        level, title = "☑️ " + _("acknowledged"), f"{title}: {escape(finding.acknowledged)}"
    elif finding.is_settled:
        level, title = "☑️ " + _("handled"), f"{title}: {escape(settlement(finding))}"
    return table_row(
        [
            escape(level),
            f"[{finding.code}](<{page}>)" if page else finding.code,
            code(where, in_table=True),
            code(finding.table, in_table=True) if finding.table else "",
            title,
        ]
    )


def table_row(cells: list[str]) -> str:
    """Return a row of a table."""
    return f"| {' | '.join(cells)} |\n"


def detail(finding: Finding) -> str:
    """Return all that there is to say of a finding, folded."""
    summary = f"{SIGNS[finding.level]} {finding.code} {finding.migration}: {finding.title}"
    parts = [f"\n<details><summary>{unlinked(html(summary))}</summary>", escape(finding.problem)]
    parts.append("\n".join(f"- *{basis(evidence.basis)}:* {escape(evidence.text)}" for evidence in finding.evidence))
    if finding.instead:
        parts += [_("Instead:"), block_of_code(finding.instead)]
    return "\n\n".join([*filter(None, parts), "</details>\n"])


def escape(text: str) -> str:
    """Let a text be shown as it is, on one line."""
    return unlinked(OPENING.sub(r"\1\\\2", SPECIAL.sub(r"\\\1", html(text))))


def html(text: str) -> str:
    """Escape what HTML takes for markup, on one line."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unlinked(text: str) -> str:
    """Part names from their signs by a comment that nobody sees."""
    return REFERENCE.sub(r"\1<!-- -->", text)


def code(text: str, *, in_table: bool = False) -> str:
    """Return a text as code within a line, whatever backticks it has."""
    shown = " ".join(text.split())
    if in_table:
        # A table is cut into cells before anything else is read.
        shown = shown.replace("|", "\\|")
    fence = "`" * (longest_run(shown) + 1)
    return f"{fence} {shown} {fence}" if "`" in shown else f"{fence}{shown}{fence}"


def block_of_code(text: str, language: str = "python") -> str:
    """Return lines of code, whatever backticks they have."""
    fence = "`" * max(3, longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def longest_run(text: str) -> int:
    """Count the backticks of the longest run of them."""
    return max(map(len, re.findall("`+", text)), default=0)


def length(text: str) -> int:
    """Count characters as JavaScript does, in UTF-16."""
    return len(text.encode("utf-16-le")) // 2
