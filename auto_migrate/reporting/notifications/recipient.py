"""One address that messages of one run go to, and what came of those that went before."""

from __future__ import annotations

from urllib.parse import urlsplit

WEB = frozenset({"http", "https"})


class DeliveryFailed(Exception):
    """A service did not take a message; the text says why, and holds no address."""


class Recipient:
    """An address taken apart; `edited` is what its service needs to edit the first message of the run."""

    def __init__(self, address: str) -> None:
        self.parts = urlsplit(address)
        self.address = address
        self.edited: dict[str, str] = {}

    @property
    def name(self) -> str:
        """The service as it may be shown."""
        return shown_address(self.address)


def shown_address(address: str) -> str:
    """Return as much of an address as is no secret: its scheme, and the host where that is one."""
    parts = urlsplit(address)
    is_web = parts.scheme.rpartition("+")[2] in WEB
    return f"{parts.scheme}://{parts.hostname}" if is_web else parts.scheme
