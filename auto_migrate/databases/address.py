"""Who connects where, as people and machines are told."""

from __future__ import annotations

import dataclasses

from django.utils.translation import gettext as _

from auto_migrate.values import ValueObject


class Address(ValueObject):
    """Who connects where; never a secret."""

    alias: str
    host: str
    role: str
    name: str

    def __str__(self) -> str:
        return _("role {role} at {host}, database {name}").format(**dataclasses.asdict(self))


class FileAddress(Address):
    """A database that this process opens itself, as a file."""

    def __str__(self) -> str:
        return _("file {name}").format(name=self.name)
