"""The history of one database, narrowed down by a form."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.history.store import ACTIVE
from auto_migrate.values import RunStatus
from auto_migrate.web.pages import words
from auto_migrate.web.pages.frame import BUSY, IDLE, Screen, Section, own_address, page
from auto_migrate.web.pages.markup import tag
from auto_migrate.web.pages.overview import run_list


def run_list_page(request: HttpRequest, database: str, content: Mapping[str, Any]) -> HttpResponse:
    """Return the page of what the index has found."""
    runs = content["results"]
    count = ngettext("{count} run", "{count} runs", content["count"]).format(count=content["count"])
    screen = Screen(
        _("Runs on {name}").format(name=database),
        lambda: [
            Section("am-filter", _("Narrow down"), [_form(request, database)]),
            Section("am-runs", count, [run_list(request, runs), _pages(content)], live=True),
        ],
        digest=hashlib.sha256(json.dumps(content, cls=DjangoJSONEncoder).encode()).hexdigest(),
        interval=BUSY if any(run["status"] in ACTIVE for run in runs) else IDLE,
        trail=[(_("State and plan"), own_address(request, "debug"))],
    )
    return page(request, screen)


def _form(request: HttpRequest, database: str) -> SafeString:
    given = request.GET
    anything = {"": words.NONE}
    states = {str(name): _(words.STATES[name]) for name in RunStatus}
    phases = {name: _(text) for name, text in words.PHASES.items()}
    fields = [
        _choice("database", _("Database"), {alias: alias for alias in connections}, database),
        _choice("status", _("State"), {**anything, **states}, given.get("status")),
        _choice("phase", _("Phase"), {**anything, **phases}, given.get("phase")),
        _input("release", _("Release"), "text", given.get("release", "")),
        _input("since", _("From"), "date", given.get("since", "")),
        _input("until", _("To"), "date", given.get("until", "")),
    ]
    return tag("form", fields, tag("p", tag("button", _("Show"), type="submit")), method="get", class_="am-form")


def _choice(name: str, label: str, choices: Mapping[str, str], chosen: str | None) -> SafeString:
    options = [tag("option", text, value=value, selected=value == (chosen or "")) for value, text in choices.items()]
    return tag("p", tag("label", label, for_=f"am-{name}"), tag("select", options, name=name, id=f"am-{name}"))


def _input(name: str, label: str, kind: str, value: str) -> SafeString:
    return tag(
        "p", tag("label", label, for_=f"am-{name}"), tag("input", type=kind, name=name, value=value, id=f"am-{name}")
    )


def _pages(content: Mapping[str, Any]) -> SafeString | None:
    ways = [(content["previous"], _("Newer"), "prev"), (content["next"], _("Older"), "next")]
    links = [tag("a", text, href=address, rel=rel, id=f"am-{rel}") for address, text, rel in ways if address]
    here = _("Page {number} of {count}").format(number=content["page"], count=content["pages"])
    return tag("nav", links, " ", here, aria_label=_("More runs"), class_="am-pages") if content["pages"] > 1 else None
