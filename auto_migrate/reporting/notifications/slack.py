"""Slack: an incoming webhook takes a message each time, a bot edits its one message of a run."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, unquote

from django.utils.translation import gettext as _

from auto_migrate.reporting.notifications.message import Message
from auto_migrate.reporting.notifications.recipient import DeliveryFailed, Recipient
from auto_migrate.reporting.notifications.webhook import post

SLACK_API = "https://slack.com/api"


def by_slack(recipient: Recipient, message: Message) -> None:
    """Post to an incoming webhook (https://api.slack.com/messaging/webhooks)."""
    post(recipient.address.removeprefix("slack+"), slack_content(message))


def by_slack_bot(recipient: Recipient, message: Message) -> None:
    """Post a run's first message and edit it afterwards (https://api.slack.com/methods/chat.update)."""
    api = parse_qs(recipient.parts.query).get("api", [SLACK_API])[0]
    channel = recipient.edited.get("channel") or unquote(recipient.parts.hostname or "")
    content = {**slack_content(message), "channel": channel}
    method = "chat.postMessage"
    if "ts" in recipient.edited:
        method, content["ts"] = "chat.update", recipient.edited["ts"]
    token = unquote(recipient.parts.username or "")
    answer = json.loads(post(f"{api}/{method}", content, Authorization=f"Bearer {token}"))
    if not answer.get("ok"):
        raise DeliveryFailed(_("it answered {status}").format(status=str(answer.get("error"))[:80]))
    recipient.edited = {"ts": answer["ts"], "channel": answer["channel"]}


def slack_content(message: Message) -> dict[str, Any]:
    """Return a message as Slack's blocks; `text` is what notifications show."""
    told = f"*{escaped(message.title)}*\n{escaped(message.text)[:2800]}"
    blocks: list[dict[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": told}}]
    words = escaped(_("Open the run"))
    link = f"<{message.url}|{words}>" if message.url else ""
    if context := " · ".join(filter(None, (escaped(message.origin), link))):
        blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": context}]})
    return {"text": escaped(message.title), "blocks": blocks}


def escaped(text: str) -> str:
    """Return a text in which Slack finds no mention and no link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
