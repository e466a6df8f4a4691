"""What a provider does, and the three ways in which it can fail.

ProviderError
├── Rejected        it refused this SMS and would again: not sent, not tried again
│   └── OptedOut    because the number has told the provider that it wants none
├── NotSent         it was not reached: not sent, tried again later
│   └── AccountTrouble  it takes nothing of ours until somebody sees to the account: tried again until it does
└── OutcomeUnknown  it may have been sent: never tried again by a program, since twice is worse than not at all
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Protocol

from django.conf import settings


class ProviderError(Exception):
    """Something went wrong between us and the provider."""


class Rejected(ProviderError):
    """The provider refused the SMS for good."""


class OptedOut(Rejected):
    """The number has told the provider that it wants no SMS."""


class NotSent(ProviderError):
    """The provider was certainly not given the SMS."""


class AccountTrouble(NotSent):
    """The provider takes nothing of ours: the credentials are wrong, or the account is suspended."""


class OutcomeUnknown(ProviderError):
    """The provider may or may not have been given the SMS."""


class Provider(Protocol):
    """Carries SMS."""

    def send(self, *, to: str, body: str, reference: str, valid_for: int) -> str:
        """Send one SMS and return the provider's id of it, or raise a `ProviderError`.

        `reference` is our own of this attempt, for the provider to report its delivery under, if it can. After
        `valid_for` seconds the SMS is not wanted any more.
        """
        ...

    def find(self, *, to: str, body: str, since: datetime) -> list[str]:
        """Return the ids of SMS with this text that went to this number, newest first; empty if it cannot be told."""
        ...


def setting(name: str) -> str:
    """Return a setting, else the variable of the environment by that name, so that a provider's need no line each."""
    return str(getattr(settings, name, None) or os.environ.get(name, "")).strip()
