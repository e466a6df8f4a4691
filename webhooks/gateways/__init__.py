"""One module a gateway, from its payload to a `Notice`; one line in `settings.GATEWAYS` puts it to use.

How to add one: `docs/sms_sender.md`, "Add a gateway".
"""

from webhooks.gateways.notice import MalformedPayload, Notice, UnknownWord
from webhooks.gateways.registry import Gateway, choices, get, load, names

__all__ = ["Gateway", "MalformedPayload", "Notice", "UnknownWord", "choices", "get", "load", "names"]
