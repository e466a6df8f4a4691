"""As much of a project's state as one operation is about, so that a few models are rendered and not all of them.

Django renders every model that is related to the one that an operation changes, and in most projects all of them are,
through their users: reading a plan would cost the square of its length. What an operation on a model asks of others is
their columns: those of what the model refers to, and where its own columns change, of what refers to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

Key = tuple[str, str]

# What changes columns or names that other tables refer to.
REFERRED_TO = (ops.AlterField, ops.RemoveField, ops.RenameField, ops.RenameModel, ops.DeleteModel)


def sliced(
    operation: Operation, app_label: str, before: ProjectState, after: ProjectState
) -> tuple[ProjectState, ProjectState]:
    """Give the parts of the states around an operation that it is about; all of them if it names no model."""
    named = {
        (app_label, str(name).lower())
        for attribute in ("model_name", "name", "old_name", "new_name")
        if (name := getattr(operation, attribute, None))
    }
    start = {key for key in named if key in before.models or key in after.models}
    if not start:
        return before, after
    if isinstance(operation, REFERRED_TO):
        start = closure(start, _referrers(before, after))
    keys = closure(start, lambda key: _referred(key, before, after))
    return _part(before, keys), _part(after, keys)


def closure(start: Iterable[Key], following: Callable[[Key], Iterable[Key]]) -> set[Key]:
    """Give what can be reached from some models."""
    found, ahead = set(start), list(start)
    while ahead:
        new = set(following(ahead.pop())) - found
        found |= new
        ahead += new
    return found


def references(model: ModelState) -> Iterator[Key]:
    """Name the models to which a model refers by its fields, and those that it extends."""
    yield from bases(model)
    for field in model.fields.values():
        relation: Any = field.remote_field
        for other in (getattr(relation, "model", None), getattr(relation, "through", None)):
            if other is not None:
                yield resolve_relation(other, model.app_label, model.name_lower)


def bases(model: ModelState) -> Iterator[Key]:
    """Name the models that a model extends."""
    return (resolve_relation(base) for base in model.bases if isinstance(base, str))


def _referred(key: Key, *states: ProjectState) -> Iterator[Key]:
    for state in states:
        if key in state.models:
            yield from references(state.models[key])


def _referrers(*states: ProjectState) -> Callable[[Key], Iterable[Key]]:
    found: dict[Key, set[Key]] = {}
    for state in states:
        for key, model in state.models.items():
            for other in references(model):
                found.setdefault(other, set()).add(key)
    return lambda key: found.get(key, ())


def _part(state: ProjectState, keys: set[Key]) -> ProjectState:
    models = {key: state.models[key] for key in keys & state.models.keys() if _is_whole(state, key)}
    return ProjectState(models, real_apps=state.real_apps)


def _is_whole(state: ProjectState, key: Key) -> bool:
    # Where what it extends was renamed, Django leaves the old name behind, and goes on only if it rendered it before.
    return all(base in state.models or base[0] in state.real_apps for base in bases(state.models[key]))
