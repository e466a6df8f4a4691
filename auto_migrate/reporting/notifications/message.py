"""One message of a run, whatever service carries it."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

# What each kind of message says first.
TITLES = {
    "started": gettext_noop("Migrations of {database} have begun"),
    "waiting": gettext_noop("Migrations of {database} wait"),
    "failed": gettext_noop("Migrations of {database} failed"),
    "refused": gettext_noop("The plan for {database} is refused"),
    "succeeded": gettext_noop("Migrations of {database} are applied"),
    "left": gettext_noop("Migrations of {database} are left for after the deploy"),
    "backfill": gettext_noop("A backfill of {database} has ended"),
    "test": gettext_noop("A test of the notifications for {database}"),
}


@dataclasses.dataclass(frozen=True)
class Message:
    """What is told: `kind` is one of the setting's events, `text` what happened, `url` the page of the run or empty."""

    kind: str
    database: str
    run_id: str
    at: datetime.datetime
    text: str
    release: str = ""
    host: str = ""
    url: str = ""
    details: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What machines may want besides: `applied`, `total`, `exit_code`, `error`, `hint`, `migrations`, as there are."""

    @property
    def title(self) -> str:
        """The first line."""
        return _(TITLES[self.kind]).format(database=self.database)

    @property
    def origin(self) -> str:
        """Where it comes from, on one line."""
        parts = [_("release {name}").format(name=self.release[:12]) if self.release else "", self.host]
        return " · ".join(filter(None, parts))

    @property
    def lines(self) -> str:
        """All of it as plain text."""
        return "\n".join(filter(None, (self.title, self.text, self.origin, self.url)))

    def as_dict(self) -> dict[str, Any]:
        """Return it for a machine."""
        return {
            "event": self.kind,
            "title": self.title,
            "text": self.text,
            "database": self.database,
            "run_id": self.run_id,
            "at": self.at.isoformat(timespec="milliseconds"),
            "release": self.release,
            "host": self.host,
            "url": self.url,
            **self.details,
        }
