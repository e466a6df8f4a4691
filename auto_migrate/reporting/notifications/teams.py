"""Teams: an Adaptive Card, posted to a webhook."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.reporting.notifications.message import Message
from auto_migrate.reporting.notifications.recipient import Recipient
from auto_migrate.reporting.notifications.webhook import post


def by_teams(recipient: Recipient, message: Message) -> None:
    """Post an Adaptive Card to a webhook of Teams' workflows, which edits nothing."""
    block = {"type": "TextBlock", "wrap": True}
    body = [{**block, "text": message.title, "weight": "Bolder", "size": "Medium"}, {**block, "text": message.text}]
    if message.origin:
        body.append({**block, "text": message.origin, "isSubtle": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if message.url:
        card["actions"] = [{"type": "Action.OpenUrl", "title": _("Open the run"), "url": message.url}]
    kind = "application/vnd.microsoft.card.adaptive"
    content = {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": card}]}
    post(recipient.address.removeprefix("teams+"), content)
