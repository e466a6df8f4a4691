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
import urllib.error
from collections.abc import Callable
from urllib.parse import SplitResult, unquote, urlsplit

from django.core.mail import send_mail
from django.utils.translation import gettext as _

from auto_migrate.reporting.notifications.message import Message
from auto_migrate.reporting.notifications.recipient import WEB, DeliveryFailed, Recipient
from auto_migrate.reporting.notifications.slack import by_slack, by_slack_bot
from auto_migrate.reporting.notifications.teams import by_teams
from auto_migrate.reporting.notifications.webhook import by_webhook

TEAMS_HOSTS = (".webhook.office.com", ".logic.azure.com", ".powerplatform.com")
Delivery = Callable[[Recipient, Message], None]


def deliver(recipient: Recipient, message: Message) -> None:
    """Deliver a message; raise `DeliveryFailed`."""
    try:
        delivery_to(recipient.parts)(recipient, message)
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


def is_missing_apprise(address: str) -> bool:
    """Return whether an address takes a package that is not installed."""
    return delivery_to(urlsplit(address)) is by_apprise and importlib.util.find_spec("apprise") is None


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
