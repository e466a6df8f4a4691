"""What a failed HTTP request means for an SMS: whether the provider can have been given it."""

from __future__ import annotations

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from webhooks.providers.base import AccountTrouble, NotSent, OutcomeUnknown, ProviderError, Rejected

TIMEOUT = 10.0
"""Seconds; well below `SMS_SENDING_TIMEOUT`, after which a row counts as abandoned."""
ACCOUNT = {401, 402, 403}
"""Nobody is let in, nothing is paid, nothing is allowed: none of it is about this SMS."""


def unanswered(name: str, error: Exception) -> ProviderError:
    """Return what it means that no answer came."""
    if isinstance(error, requests.ConnectTimeout) or _was_refused(error):
        return NotSent(f"{name} was not reached: {type(error).__name__}.")
    return OutcomeUnknown(f"{name} was asked and did not answer: {type(error).__name__}.")


def refused(status: int, told: str) -> ProviderError:
    """Return what an answer means that is no success."""
    if status == 429:
        return NotSent(told)
    if status in ACCOUNT:
        return AccountTrouble(told)
    return Rejected(told) if 400 <= status < 500 else OutcomeUnknown(told)


def _was_refused(error: Exception) -> bool:
    """Return whether not even a connection came about."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
