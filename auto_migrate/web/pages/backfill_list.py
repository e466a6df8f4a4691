"""The backfills of one database, each with how far it is and what may be done with it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from auto_migrate.backfills.progress import described, grouped, sum_of
from auto_migrate.backfills.records import ACTIONS, OPEN
from auto_migrate.history.models import BackfillRecord
from auto_migrate.web.pages import words
from auto_migrate.web.pages.frame import BUSY, IDLE, Screen, Section, own_address, page
from auto_migrate.web.pages.markup import tag
from auto_migrate.web.pages.run_page import button

# What is said on a button, what is asked back, and what is answered.
BUTTONS = {
    "pause": (gettext_noop("Pause"), gettext_noop("It stands still at once."), gettext_noop("Yes, pause it")),
    "resume": (
        gettext_noop("Resume"),
        gettext_noop("It goes on where it stopped, when a worker comes."),
        gettext_noop("Yes, resume it"),
    ),
    "cancel": (
        gettext_noop("Cancel"),
        gettext_noop("What it wrote stays, and nothing more is written."),
        gettext_noop("Yes, cancel it"),
    ),
}


def backfill_list_page(request: HttpRequest, database: str, records: Sequence[BackfillRecord]) -> HttpResponse:
    """Return the page of all backfills; what is alike in many schemas of tenants is one of them."""
    told = [(alike, described(sum_of(alike))) for alike in grouped(records)]

    def sections() -> list[Section]:
        listed = tag("ul", [_shown(request, database, *each) for each in told], class_="am-runs")
        content = [listed if records else tag("p", _("There are no backfills."))]
        return [Section("am-backfills", _("Backfills"), content, live=True)]

    screen = Screen(
        _("Backfills of {name}").format(name=database),
        sections,
        digest=hashlib.sha256(repr([(alike[0].state, text) for alike, text in told]).encode()).hexdigest(),
        interval=BUSY if any(record.state in OPEN for record in records) else IDLE,
        trail=[(_("State and plan"), own_address(request, "debug"))],
    )
    return page(request, screen)


def _shown(request: HttpRequest, database: str, alike: Sequence[BackfillRecord], text: str) -> SafeString:
    record = alike[0]
    # Of several schemas the backfill is meant wherever it is.
    alone = {"tenant": record.schema} if record.schema and len(alike) == 1 else {}
    offered = [
        button(
            f"am-{action}-{record.pk}",
            _(said),
            _(question),
            own_address(request, f"{action}-backfill", str(record.key), database=database, **alone),
            answer=_(answer),
        )
        for action, (said, question, answer) in BUTTONS.items()
        if record.state in ACTIONS[action][0]
    ]
    return tag(
        "li", words.state(record.state), " ", text, tag("div", offered, class_="am-buttons") if offered else None
    )
