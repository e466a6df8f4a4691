"""As much of a project's state as one operation is about, so that a few models are rendered and not all of them.

Django renders every model that is related to the one that an operation changes, and in most projects all of them are,
through their users: reading a plan would cost the square of its length. What an operation on a model asks of others is
what refers to it, where its own columns change, and the keys of what it refers to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState
from django.db.migrations.utils import resolve_relation

Key = tuple[str, str]

# What an outline keeps of a model's options: that by which its table is found.
KEPT = frozenset({"apps", "app_label", "db_table", "managed", "proxy", "swappable"})

# What changes columns or names that other tables refer to.
REFERRED_TO = (ops.AlterField, ops.RemoveField, ops.RenameField, ops.RenameModel, ops.DeleteModel)


def sliced(
    operation: Operation, app_label: str, before: ProjectState, after: ProjectState, *, backwards: bool = False
) -> tuple[ProjectState, ProjectState]:
    """Return the parts of the states around an operation that it is about; all of them if it names no model.

    Backwards, states that render a model when somebody looks at it are as they should be: forwards, the executor's own
    would keep what was rendered for the reader.
    """
    if backwards and renders_on_demand(before):
        return before, after
    named = {
        (app_label, str(name).lower())
        for attribute in ("model_name", "name", "old_name", "new_name")
        if (name := getattr(operation, attribute, None))
    }
    start = {key for key in named if key in before.models or key in after.models}
    if not start:
        return before, after
    if backwards or isinstance(operation, REFERRED_TO):
        start = closure(start, _referrers(before, after))
    whole = closure(start, lambda key: _parts_there(key, before, after))
    return _part(before, whole), _part(after, whole)


def renders_on_demand(state: ProjectState) -> bool:
    """Return whether a state is none of Django's, which renders all models for whoever looks at one."""
    return bool(getattr(state, "renders_on_demand", False))


def djangos_own(state: ProjectState) -> ProjectState:
    """Return a state of Django's with the same models."""
    return ProjectState({key: model.clone() for key, model in state.models.items()}, state.real_apps)


def closure(start: Iterable[Key], following: Callable[[Key], Iterable[Key]]) -> set[Key]:
    """Return what can be reached from some models."""
    found, ahead = set(start), list(start)
    while ahead:
        new = set(following(ahead.pop())) - found
        found |= new
        ahead += new
    return found


def references(model: ModelState) -> Iterator[Key]:
    """Name the models to which a model refers by its fields, and those that it extends."""
    yield from parts(model)
    for field in model.fields.values():
        if (other := getattr(field.remote_field, "model", None)) is not None:
            yield resolve_relation(other, model.app_label, model.name_lower)


def parts(model: ModelState) -> Iterator[Key]:
    """Name the models that a model is made of: those that it extends, and the tables of its many-to-many fields."""
    yield from bases(model)
    for field in model.fields.values():
        if (other := getattr(field.remote_field, "through", None)) is not None:
            yield resolve_relation(other, model.app_label, model.name_lower)


def bases(model: ModelState) -> Iterator[Key]:
    """Name the models that a model extends."""
    return (resolve_relation(base) for base in model.bases if isinstance(base, str))


def maker(key: Key, state: ProjectState) -> Key:
    """Return the model with which Django makes another: itself, or the one that an automatic table belongs to."""
    if key in state.models:
        return key
    app_label, name = key
    for other in state.models.values():
        if other.app_label == app_label and name.startswith(f"{other.name_lower}_"):
            field = {field.lower(): field for field in other.fields}.get(name.removeprefix(f"{other.name_lower}_"))
            if field is not None and other.fields[field].many_to_many:
                return app_label, other.name_lower
    return key


def outline(model: ModelState) -> ModelState:
    """Return a model with its own columns and those that others can refer to, and without what it refers to itself."""
    composite = {name for field in model.fields.values() for name in getattr(field, "field_names", ())}
    fields = {
        name: field
        for name, field in model.fields.items()
        if field.remote_field is None or field.unique or name in composite
    }
    options = {name: value for name, value in model.options.items() if name in KEPT}
    return ModelState(model.app_label, model.name, fields, options, model.bases)


def _at(key: Key, *states: ProjectState) -> Iterator[ModelState]:
    return (state.models[key] for state in states if key in state.models)


def _parts_there(key: Key, *states: ProjectState) -> Iterator[Key]:
    for state in states:
        for model in _at(key, state):
            yield from (maker(other, state) for other in parts(model))


def _referrers(*states: ProjectState) -> Callable[[Key], Iterable[Key]]:
    found: dict[Key, set[Key]] = {}
    for state in states:
        for key, model in state.models.items():
            for other in references(model):
                found.setdefault(other, set()).add(key)
    return lambda key: found.get(key, ())


def _part(state: ProjectState, whole: set[Key]) -> ProjectState:
    models = {key: state.models[key] for key in whole & state.models.keys() if _is_whole(state, key)}
    ahead = list(models)
    while ahead:
        for key in references(models[ahead.pop()]):
            made_by = maker(key, state)
            if made_by != key and models.get(made_by) is not state.models[made_by]:
                # Without its fields there would be no automatic table to extend.
                models[made_by] = state.models[made_by]
                ahead.append(made_by)
            elif key in state.models and key not in models:
                models[key] = outline(state.models[key])
                ahead.append(key)
    return ProjectState(models, real_apps=state.real_apps)


def _is_whole(state: ProjectState, key: Key) -> bool:
    # Where what it extends was renamed, Django leaves the old name behind, and goes on only if it rendered it before.
    found = (maker(base, state) for base in bases(state.models[key]))
    return all(base in state.models or base[0] in state.real_apps for base in found)
