"""The models of the code in one hash, made of all that `makemigrations` would compare with the migrations.

Where migrations and this hash are as they were when Django last found no difference between the two, there is none.
The hash is made of what `ModelState.from_model` takes from a model, deconstructed as Django's autodetector does it.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import functools
import hashlib
import re
import types
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import override

from auto_migrate.planning.sources import Unreadable

# What always has the same text, and no two of it the same.
PLAIN = frozenset({
    bool, int, float, str, bytes, type(None), decimal.Decimal, uuid.UUID,
    datetime.date, datetime.datetime, datetime.time, datetime.timedelta,
})  # fmt: skip


def model_digest(values_read: Iterable[str] = ()) -> str:
    """Return 8 hexadecimal digits; raise `Unreadable` for a model with something that cannot be told from others.

    `values_read` is what else the migrations depend on, beside their source.
    """
    whole = hashlib.blake2b("\n".join(values_read).encode("utf-8", "surrogatepass"), digest_size=4)
    with override(None):
        for model in apps.get_models(include_swapped=True):
            whole.update("\n".join(_model(model)).encode("utf-8", "surrogatepass"))
    return whole.hexdigest()


def _model(model: type[models.Model]) -> Iterator[str]:
    options = model._meta
    yield f"{options.label} {', '.join(map(_written, model.__bases__))} {_text(options.original_attrs)}"
    for field in (*options.local_fields, *options.local_many_to_many):
        _name, path, arguments, keywords = field.deconstruct()
        yield f"{field.name} {path} {_text(arguments)} {_text(keywords)}"
    for manager in options.managers:
        taken = manager.deconstruct() if manager.use_in_migrations else ()
        yield f"{manager.name} {manager is model._default_manager} {_text(taken)}"


def _text(value: Any) -> str:
    """Return a value as text in which everything stands that the autodetector compares."""
    kind = type(value)
    if kind in PLAIN:
        return repr(value)
    if isinstance(value, list | tuple):
        return f"{_written(kind)}({', '.join(map(_text, value))})"
    if isinstance(value, set | frozenset):
        return f"{_written(kind)}({', '.join(sorted(map(_text, value)))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_text(key)}: {_text(item)}' for key, item in value.items())}}}"
    if isinstance(value, type | types.FunctionType | types.BuiltinFunctionType) and not _is_deconstructible(value):
        return _written(value)
    return _object(value)


def _object(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"{_written(type(value))}.{value.name}"
    # Django's references to settings are text, and the fingerprint's first part has what they refer to.
    if isinstance(value, Promise | str):
        return repr(str(value))
    if isinstance(value, functools.partial):
        return f"partial({_text(value.func)}, {_text(value.args)}, {_text(value.keywords)})"
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r} {value.flags}"
    if _is_deconstructible(value):
        return _text(value.deconstruct())
    raise Unreadable(f"{value!r} of a model cannot be told from others")


def _is_deconstructible(value: Any) -> bool:
    return hasattr(value, "deconstruct") and not isinstance(value, type)


def _written(function_or_class: Any) -> str:
    """Return where something is written; several functions without a name may be written in one place."""
    name = f"{function_or_class.__module__}.{function_or_class.__qualname__}"
    if "<" in name:
        raise Unreadable(f"{name} of a model has no name of its own")
    return name
