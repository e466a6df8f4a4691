"""Fields copied for the models that are rendered, where Django takes each apart and puts it together again.

`ModelState.render` clones every field of a model, by way of `deconstruct()` and its class: a tenth of all that carrying
out a plan takes in Python. A field of Django's own that was never part of a model is the same as its copy, but for the
place among its model's fields, which is that of when it was made, and for what was computed of it meanwhile.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
from typing import Any, cast

from django.db.migrations.state import ModelState
from django.db.models import Field, ForeignKey, OneToOneField
from django.db.models.fields import json
from django.utils.functional import cached_property

# Whose classes do nothing when they are made but keep what they are given, and lose none when they are taken apart.
# A file's storage may be called, and many-to-many relations become symmetrical.
PLAIN = frozenset({Field.__module__, json.__name__})
KEYS = frozenset({ForeignKey, OneToOneField})


@dataclasses.dataclass(frozen=True, slots=True)
class Cloneable:
    """What a model is rendered from in the place of a field."""

    field: Any

    def __getattr__(self, name: str) -> Any:
        """Be the field, for whatever else a version of Django asks of it."""
        return getattr(self.field, name)

    def clone(self) -> Any:
        """Return a field like this one, which belongs to no model."""
        return copied(self.field)


def with_cloneable_fields(state: ModelState) -> ModelState:
    """Return a state that renders the same model."""
    twin = copy.copy(state)
    twin.fields = cast("dict[str, Any]", {name: Cloneable(field) for name, field in state.fields.items()})
    return twin


def copied(field: Any) -> Any:
    """Return what `Field.clone` does."""
    is_plain = type(field).__module__ in PLAIN or type(field) in KEYS
    if not is_plain or field.name is not None or hasattr(field, "model"):
        return field.clone()
    twin = _as_made(field)
    if "validators" in vars(field):
        # Some put one of their own there as they are made.
        vars(twin)["validators"] = list(field.validators)
    if field.remote_field is not None:
        twin.remote_field = _as_made(field.remote_field)
        twin.remote_field.field = twin
    # As in `Field.__init__`.
    if field.auto_created:
        twin.creation_counter = Field.auto_creation_counter
        Field.auto_creation_counter -= 1
    else:
        twin.creation_counter = Field.creation_counter
        Field.creation_counter += 1
    return twin


def _as_made(original: Any) -> Any:
    """Return a field, or the other end of one, without what it was asked for since it was made."""
    kind: Any = type(original)
    twin, computed = kind.__new__(kind), _computed_names(kind)
    vars(twin).update({name: value for name, value in vars(original).items() if name not in computed})
    return twin


@functools.cache
def _computed_names(kind: Any) -> frozenset[str]:
    names = {name: value for base in reversed(kind.__mro__) for name, value in vars(base).items()}
    return frozenset(name for name, value in names.items() if isinstance(value, cached_property))
