"""The project's own hazards, which the setting `HAZARDS` names."""

from __future__ import annotations

import copy
import dataclasses
import functools
import inspect
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from django.db import InterfaceError, OperationalError
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.conf import HAZARD_CODE, load_callable, unusable
from auto_migrate.exceptions import UsageError, summary_of
from auto_migrate.phases.classify import ClassifiedMigration
from auto_migrate.safety.hazard import EVERYWHERE, Found, Harm, Hazard, ServerFacts

KEY = "HAZARDS"
# What the codes of the package's own begin with, those of later versions included.
RESERVED = "AM"
# What a `Found` says in words.
TEXTS = ("table", "problem", "instead")


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
    try:
        reasons = list(lacks(kind))
        hazard = None if reasons else kind()
    except (Exception, SystemExit) as error:
        raise unusable(KEY, path, summary_of(error)) from error
    if hazard is None:
        raise unusable(KEY, path, "; ".join(reasons))
    return hazard


def lacks(kind: type[Hazard]) -> Iterator[str]:
    """Say what a class lacks to be a hazard."""
    code: Any = getattr(kind, "code", "")
    if inspect.isabstract(kind):
        yield _("it is abstract: it does not define {names}").format(names=", ".join(sorted(kind.__abstractmethods__)))
    if not (isinstance(code, str) and re.fullmatch(HAZARD_CODE, code)):
        yield _("its `code` is {code!r}, not letters and a number such as SHOP001").format(code=code)
    elif code.startswith(RESERVED):
        text = _("codes such as {code} are those of auto_migrate: take letters of your own, as in SHOP001")
        yield text.format(code=code)
    yield from _lacking_texts(kind)
    if not isinstance(getattr(kind, "harm", None), Harm):
        yield _("its `harm` is not one of auto_migrate.hazards.Harm")
    if not _is_some(kind.vendors):
        known = ", ".join(sorted(EVERYWHERE))
        yield _("its `vendors` are {vendors!r}, not a set of {known}").format(vendors=kind.vendors, known=known)


def _lacking_texts(kind: type[Hazard]) -> Iterator[str]:
    for name, kinds in {"title": str | Promise, "page": str, "slug": str}.items():
        value = getattr(kind, name, "")
        if name != "slug" and not str(value or "").strip():
            yield _("it has no `{name}`").format(name=name)
        elif not isinstance(value, kinds):
            yield _("its `{name}` is not text").format(name=name)


def _is_some(vendors: Any) -> bool:
    is_collection = isinstance(vendors, Collection) and not isinstance(vendors, str)
    return is_collection and bool(vendors) and EVERYWHERE.issuperset(vendors)


def ask(hazard: Hazard, read: ClassifiedMigration, server: ServerFacts, new: NewObjects) -> list[Found]:
    """Return what a hazard finds in a migration; raise `UsageError` where one of the project's own cannot tell.

    No plan can be called harmless by passing it over. It looks at a copy: what it does to that is done to no plan.
    """
    if hazard.code.startswith(RESERVED):
        return list(hazard.look(read, server, new))
    try:
        found = hazard.look(copied(read), server, new.copy())
        return [checked(one, read) for one in found]
    except (OperationalError, InterfaceError, KeyboardInterrupt):
        raise
    except BaseException as error:
        text = _("The hazard {code} ({name}) failed at {migration}: {error}.")
        raise UsageError(
            text.format(
                code=hazard.code,
                name=f"{type(hazard).__module__}.{type(hazard).__qualname__}",
                migration=read.key,
                error=summary_of(error),
            ),
            hint=_("Nothing was changed. Mend it, or take it out of AUTO_MIGRATE['HAZARDS']."),
        ) from error


def copied(read: ClassifiedMigration) -> ClassifiedMigration:
    """Return a migration whose operations are not those that will be carried out, if they can be copied."""
    migration: Any = copy.copy(read.migration)
    memo: dict[int, Any] = {}
    try:
        migration.operations = copy.deepcopy(list(migration.operations), memo)
        operations = [dataclasses.replace(one, operation=copy.deepcopy(one.operation, memo)) for one in read.operations]
    except Exception:  # noqa: BLE001 # one may hold whatever cannot be copied, such as a lock
        return read
    return dataclasses.replace(read, migration=migration, operations=tuple(operations))


def checked(found: Any, read: ClassifiedMigration) -> Found:
    """Return what a hazard found as reports take it; raise `TypeError` for what is no `Found`."""
    if not isinstance(found, Found):
        raise TypeError(_("{found!r} is no Found").format(found=found))
    others = found.others if isinstance(found.others, tuple | list) else [found.others]
    fits = {
        **{name: is_text(getattr(found, name)) for name in TEXTS},
        "others": all(map(is_text, others)),
        "operation": found.operation in {None, *(one.index for one in read.operations)},
        "change": isinstance(found.change, Change | None),
    }
    for name in (name for name, is_fit in fits.items() if not is_fit):
        text = _("the `{name}` of what it found is {value!r}")
        raise TypeError(text.format(name=name, value=getattr(found, name)))
    plain: dict[str, Any] = {name: str(getattr(found, name)) for name in TEXTS}
    return dataclasses.replace(found, others=tuple(map(str, others)), **plain)


def is_text(value: object) -> bool:
    """Return whether a value is text, or will be as soon as it is shown: a lazy translation."""
    return isinstance(value, str | Promise)
