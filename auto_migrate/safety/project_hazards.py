"""The project's own hazards, which the setting `HAZARDS` names."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db import Error
from django.utils.translation import gettext as _

from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.conf import HAZARD_CODE, load_callable, unusable
from auto_migrate.exceptions import UsageError
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts

KEY = "HAZARDS"
# What the codes of the package's own begin with, those of later versions included.
RESERVED = "AM"


@functools.lru_cache(maxsize=8)
def project_hazards(paths: tuple[str, ...]) -> Mapping[str, Hazard]:
    """Return the hazards that dotted paths name, by their codes and in the order of these.

    Raise `UsageError` for a path that names none, and for two hazards of one code.
    """
    found: dict[str, Hazard] = {}
    for path in paths:
        hazard = load_hazard(path)
        if hazard.code in found:
            other = type(found[hazard.code]).__qualname__
            raise unusable(KEY, path, _("{code} is the code of {other} already").format(code=hazard.code, other=other))
        found[hazard.code] = hazard
    return dict(sorted(found.items()))


def load_hazard(path: str) -> Hazard:
    """Return the hazard that a dotted path names; raise `UsageError` for what is none, or not a whole one."""
    kind = load_callable(KEY, path)
    if not (isinstance(kind, type) and issubclass(kind, Hazard)):
        raise unusable(KEY, path, _("it is not a subclass of auto_migrate.hazards.Hazard"))
    if reasons := list(lacks(kind)):
        raise unusable(KEY, path, "; ".join(reasons))
    try:
        return kind()
    except Exception as error:
        raise unusable(KEY, path, f"{type(error).__name__}: {error}") from error


def lacks(kind: type[Hazard]) -> Iterator[str]:
    """Say what a class lacks to be a hazard."""
    code: Any = getattr(kind, "code", "")
    vendors: Any = kind.vendors
    if inspect.isabstract(kind):
        yield _("it is abstract: it does not define {names}").format(names=", ".join(sorted(kind.__abstractmethods__)))
    if not (isinstance(code, str) and re.fullmatch(HAZARD_CODE, code)):
        yield _("its `code` is {code!r}, not letters and a number such as SHOP001").format(code=code)
    elif code.startswith(RESERVED):
        text = _("codes such as {code} are those of auto_migrate: take letters of your own, as in SHOP001")
        yield text.format(code=code)
    for name in ("title", "page"):
        if not str(getattr(kind, name, None) or "").strip():
            yield _("it has no `{name}`").format(name=name)
    if not isinstance(getattr(kind, "harm", None), Harm):
        yield _("its `harm` is not one of auto_migrate.hazards.Harm")
    if not vendors or isinstance(vendors, str) or not EVERYWHERE.issuperset(vendors):
        known = ", ".join(sorted(EVERYWHERE))
        yield _("its `vendors` are {vendors!r}, not a set of {known}").format(vendors=vendors, known=known)


def ask(hazard: Hazard, read: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> list[Found]:
    """Return what a hazard finds in a migration; raise `UsageError` where one of the project's own cannot tell.

    No plan can be called harmless by passing it over.
    """
    try:
        return list(hazard.look(read, server, new))
    except Error:
        raise
    except Exception as error:
        if hazard.code.startswith(RESERVED):
            raise
        text = _("The hazard {code} ({name}) failed at {migration}: {error}.")
        raise UsageError(
            text.format(
                code=hazard.code,
                name=f"{type(hazard).__module__}.{type(hazard).__qualname__}",
                migration=read.key,
                error=f"{type(error).__name__}: {error}",
            ),
            hint=_("Nothing was changed. Mend it, or take it out of AUTO_MIGRATE['HAZARDS']."),
        ) from error
