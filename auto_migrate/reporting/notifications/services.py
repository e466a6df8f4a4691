"""The services that carry messages, told apart by the scheme and the host of an address.

| address | service |
|---|---|
| `https://hooks.slack.com/…`, `slack+https://…` | a webhook of Slack's, a message each time |
| `slack://TOKEN@CHANNEL` | a bot of Slack's, which edits its one message of a run |
| `https://….logic.azure.com/…`, `teams+https://…` | a webhook of Teams, an Adaptive Card |
| any other `https://…` or `http://…` | a webhook that takes JSON |
| `mailto:ops@example.com` | e-mail, as the project's settings send it |
| anything else | Apprise, with the extra `notify` |

The texts of errors never hold an address: it is a secret.
"""

from __future__ import annotations

import importlib.util
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from auto_migrate.reporting.notifications.message import Message

# Seconds for one request.
PATIENCE = 3.0
SLACK_API = "https://slack.com/api"
TEAMS_HOSTS = (".webhook.office.com", ".logic.azure.com", ".powerplatform.com")
WEB = frozenset({"http", "https"})


class DeliveryFailed(Exception):
    """A service did not take a message; the text says why, and holds no address."""


class Recipient:
    """Carries the messages of one run to one address; `edited` is what a service needs to edit the first of them."""

    def __init__(self, address: str) -> None:
        self.parts = urlsplit(address)
        self.address = address
        self.deliver = delivery_to(self.parts)
        self.edited: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The service as it may be shown."""
        return shown_address(self.address)

    def __call__(self, message: Message) -> None:
        """Deliver a message; raise `DeliveryFailed`."""
        try:
            self.deliver(self, message)
        except DeliveryFailed:
            raise
        except urllib.error.HTTPError as error:
            raise DeliveryFailed(_("it answered {status}").format(status=error.code)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise DeliveryFailed(_("it did not answer ({kind})").format(kind=type(reason).__name__)) from None
        except Exception as error:
            # Whatever a mail backend or Apprise raises may hold the address.
            raise DeliveryFailed(type(error).__name__) from error


Delivery = Callable[[Recipient, Message], None]


def delivery_to(parts: SplitResult) -> Delivery:
    """Return what delivers to an address."""
    host = parts.hostname or ""
    if parts.scheme == "mailto":
        return by_mail
    if parts.scheme == "slack":
        return by_slack_bot
    if parts.scheme.startswith("slack+") or (parts.scheme in WEB and host == "hooks.slack.com"):
        return by_slack
    if parts.scheme.startswith("teams+") or (parts.scheme in WEB and host.endswith(TEAMS_HOSTS)):
        return by_teams
    return by_webhook if parts.scheme in WEB else by_apprise


def shown_address(address: str) -> str:
    """Return as much of an address as is no secret: its scheme, and the host where that is one."""
    parts = urlsplit(address)
    is_web = parts.scheme.rpartition("+")[2] in WEB
    return f"{parts.scheme}://{parts.hostname}" if is_web else parts.scheme


def is_missing_apprise(address: str) -> bool:
    """Return whether an address takes a package that is not installed."""
    return delivery_to(urlsplit(address)) is by_apprise and importlib.util.find_spec("apprise") is None


# -- webhooks ---------------------------------------------------------------------------------------------------------


class _Unredirected(urllib.request.HTTPRedirectHandler):
    """What is sent somewhere stays there: a redirect would carry it to whoever the first host names."""

    def redirect_request(self, *_arguments: Any, **_options: Any) -> None:
        return None


_opener = urllib.request.build_opener(_Unredirected)


def post(address: str, content: Mapping[str, Any], **headers: str) -> bytes:
    """Post JSON to an http(s) address and return the answer."""
    request = urllib.request.Request(  # noqa: S310 # the callers have looked at the scheme
        address,
        data=json.dumps(content).encode(),
        headers={"Content-Type": "application/json; charset=utf-8", "User-Agent": "auto_migrate", **headers},
        method="POST",
    )
    with _opener.open(request, timeout=PATIENCE) as answer:
        body: bytes = answer.read(100_000)
        return body


def by_webhook(recipient: Recipient, message: Message) -> None:
    """Post the message as JSON."""
    post(recipient.address, message.as_dict())


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


# -- all others -------------------------------------------------------------------------------------------------------


def by_mail(recipient: Recipient, message: Message) -> None:
    """Send an e-mail by the project's own settings."""
    send_mail(message.title, message.lines, None, [unquote(recipient.parts.path)])


def by_apprise(recipient: Recipient, message: Message) -> None:
    """Hand the message to Apprise, which knows a hundred services (https://github.com/caronc/apprise)."""
    try:
        import apprise
    except ImportError:
        raise DeliveryFailed(_("Apprise is not installed: pip install 'django-auto-migrate[notify]'")) from None
    services = apprise.Apprise()
    if not services.add(recipient.address):
        raise DeliveryFailed(_("Apprise does not know such an address"))
    if not services.notify(title=message.title, body="\n".join(filter(None, (message.text, message.url)))):
        raise DeliveryFailed(_("Apprise could not deliver it"))
