"""What a model is tied to, read from its state: so that nothing has to be rendered to find out what must be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.db.migrations.state import ModelState
from django.db.migrations.utils import resolve_relation
from django.db.models.utils import make_model_tuple

Key = tuple[str, str]

# The other ends of relations that `stand_ins.OnDemand` can stand for.
ON_DEMAND = (models.ManyToOneRel, models.OneToOneRel)
# Where Django's own relation fields and their other ends are written.
RELATED = "django.db.models.fields.related"
REVERSE_RELATED = "django.db.models.fields.reverse_related"


@dataclasses.dataclass(frozen=True)
class ModelRelations:
    """The ties of one model, each to a model by its app label and its name in lower case."""

    bases: tuple[Key, ...]
    # What it points to or is made of.
    targets: frozenset[Key]
    # Those of them without which none of its classes is whole; the others follow on demand.
    needs: frozenset[Key]
    # The attributes that its relations put on other models.
    accessors: tuple[tuple[Key, str], ...]
    # What it changes in ways that only rendering tells, so that these are not whole without it.
    visits: frozenset[Key]
    # The models that Django makes with it, for the tables of its many-to-many fields.
    automatic: tuple[Key, ...]
    # Whether it extends a class of the running code that is a model with a table.
    extends_real: bool
    # Whether rendering it may do more than to make it, since a field or a base of the project's own has a say.
    does_more: bool


def model_relations(state: ModelState) -> ModelRelations:
    """Return the relations of a state that does not change any more; the state, which is not hashable, keeps it."""
    found: ModelRelations | None = vars(state).get("_auto_migrate_relations")
    if found is None:
        found = vars(state)["_auto_migrate_relations"] = _read(state)
    return found


def key_of(state: ModelState) -> Key:
    """Return the key by which project states and registries know the model."""
    return state.app_label, state.name_lower


def _read(state: ModelState) -> ModelRelations:
    key = key_of(state)
    bases = tuple(make_model_tuple(base) for base in state.bases if isinstance(base, str))
    abstract = [base for base in state.bases if hasattr(base, "_meta") and base is not models.Model]
    inherited = [field for base in abstract for field in relations(base._meta.get_fields(include_hidden=True))]
    own = list(relations(state.fields.values()))
    foreseen = [field for field in own if is_djangos(field)]
    unforeseen = [field for field in own if not is_djangos(field)] + inherited
    needs = ends([*unforeseen, *(field for field in foreseen if type(field.remote_field) not in ON_DEMAND)], key)
    visits = ends(unforeseen, key)
    if "order_with_respect_to" in state.options or "swappable" in state.options:
        visits = ends([*own, *inherited], key)
    if not state.options.get("proxy") and not any(field.remote_field.parent_link for field in own):
        # Django makes the link to the parent itself.
        visits |= set(bases)
    return ModelRelations(
        bases=bases,
        targets=frozenset({*bases, *ends([*own, *inherited], key)} - {key}),
        needs=frozenset({*bases, *needs} - {key}),
        accessors=tuple(found for field in foreseen for found in _accessor(state, field)),
        visits=frozenset(visits - {key}),
        automatic=tuple(_automatic(state, inherited)),
        extends_real=any(not base._meta.abstract for base in abstract),
        does_more=any(map(contributes_more, state.fields.values())) or any(map(registers_subclasses, state.bases)),
    )


def _automatic(state: ModelState, inherited: Iterable[Any]) -> Iterator[Key]:
    """Return what `create_many_to_many_intermediary_model` makes of the model's own fields and of inherited ones."""
    for name, field in (*state.fields.items(), *((field.name, field) for field in inherited)):
        if field.many_to_many and getattr(field, "remote_field", None) and not field.remote_field.through:
            yield state.app_label, f"{state.name_lower}_{name.lower()}"


def contributes_more(field: Any) -> bool:
    """Return whether a field does more to its class than Django's fields do."""
    return not is_of_django(type(field).contribute_to_class)


def registers_subclasses(base: Any) -> bool:
    """Return whether a base of the project's own wants to hear of the classes that extend it."""
    kinds = base.__mro__[:-1] if isinstance(base, type) else ()
    return any("__init_subclass__" in vars(kind) and not is_of_django(kind) for kind in kinds)


def is_of_django(thing: Any) -> bool:
    """Return whether a class or a function is one of Django's."""
    return str(thing.__module__).startswith("django.")


def relations(fields: Iterable[Any]) -> Iterator[Any]:
    """Return those of the fields that point to a model."""
    return (field for field in fields if field.is_relation and getattr(field, "remote_field", None))


def ends(fields: Iterable[Any], key: Key) -> set[Key]:
    """Return the models that relations of the model `key` point to, and the tables between that are models."""
    found = [
        end for field in fields for end in (field.remote_field.model, getattr(field.remote_field, "through", None))
    ]
    return {make_model_tuple(resolve_relation(end, *key)) for end in found if end}


def is_djangos(field: Any) -> bool:
    """Return whether what a relation does to the other model is known, since no library or project has a say in it."""
    kind, other_end = type(field), type(field.remote_field)
    ways = (
        (kind, "contribute_to_class", RELATED),
        (kind, "contribute_to_related_class", RELATED),
        (other_end, "get_accessor_name", REVERSE_RELATED),
    )
    return all(getattr(getattr(owner, name, None), "__module__", None) == module for owner, name, module in ways)


def _accessor(state: ModelState, field: Any) -> Iterator[tuple[Key, str]]:
    """Return the other model and the attribute there, as `RelatedField.contribute_to_class` names it."""
    remote = field.remote_field
    key = key_of(state)
    target = make_model_tuple(resolve_relation(remote.model, *key))
    name = remote.related_name or state.options.get("default_related_name") or ""
    words = {"class": state.name_lower, "model_name": state.name_lower, "app_label": state.app_label.lower()}
    name = name % words or state.name_lower + ("_set" if remote.multiple else "")
    mirrored = field.many_to_many and remote.symmetrical and target == key
    if not mirrored and not name.endswith("+"):
        yield target, name
