"""The bridges that stand in one database, each with what takes it down."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from auto_migrate.conf import get_settings
from auto_migrate.reporting.bridge_words import line_of
from auto_migrate.values import LOOSENED, Bridge
from auto_migrate.web.pages import words
from auto_migrate.web.pages.frame import own_address
from auto_migrate.web.pages.markup import tag
from auto_migrate.web.pages.run_page import button


def described(bridge: Bridge, schemas: Sequence[str] = ()) -> dict[str, Any]:
    """Return what a bridge does, in which schemas, and what takes it down, in words; `due` if that can be asked for."""
    waits = bridge.kind in LOOSENED or bridge.released_at is None
    return {"does": line_of(bridge, schemas), "until": _until(bridge), "due": not waits}


def _until(bridge: Bridge) -> str:
    if bridge.kind in LOOSENED:
        return _("It goes with {migration}, after the deploy.").format(migration=bridge.migration)
    if bridge.released_at is None:
        return _("It stays until a release step has succeeded and its release is out.")
    if get_settings().PHASES:
        return _("The part after the deploy takes it down.")
    since = bridge.released_at + datetime.timedelta(seconds=get_settings().POST_DEPLOY_DELAY)
    text = _("The part after the deploy takes it down, or the release step of another release from {time} on.")
    return text.format(time=words.within(since))


def bridge_list(request: HttpRequest, alias: str, bridges: Sequence[dict[str, Any]]) -> list[object]:
    """Return the bridges as a list, with the button that takes them down."""
    listed = tag("ul", [tag("li", bridge["does"], tag("p", bridge["until"])) for bridge in bridges])
    if not any(bridge["due"] for bridge in bridges):
        return [listed]
    address = own_address(request, "force-migrate") + "?phase=post_deploy"
    question = _("It is for when no process of the release before is running any more.")
    text, answer = _("Take bridges down"), _("Yes, take them down")
    take_down = button(f"am-bridges-{alias}", text, question, address, answer=answer, database=alias)
    return [listed, tag("div", take_down, class_="am-buttons")]
