"""The state of a project between two operations, cheap to copy and rendered only where somebody looks.

Django copies every model's state before each operation, keeps all models rendered, and renders those again that an
operation touches, with their neighbours. Here copies share the state of a model until one of them changes it, and a
change merely forgets what was rendered; `LazyApps` renders what is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, Self

from django.apps import apps as global_apps
from django.db.migrations import operations as ops
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState, StateApps
from django.db.migrations.utils import get_references
from django.db.models.signals import class_prepared
from django.dispatch.dispatcher import NONE_ID

from auto_migrate.applying.states.model_relations import Key, key_of, model_relations
from auto_migrate.applying.states.registry import ExplorableApps, LazyApps
from auto_migrate.changes.state_slices import djangos_own
from auto_migrate.changes.stock_operations import is_djangos


def is_known(operation: Operation) -> bool:
    """Return whether an operation does to the state what Django's own do, and nothing else."""
    kind = type(operation)
    parts = [*getattr(operation, "state_operations", ()), *getattr(operation, "database_operations", ())]
    return is_djangos(kind.state_forwards) and is_djangos(kind.database_forwards) and all(map(is_known, parts))


def state_for(operation: Operation, state: ProjectState) -> ProjectState:
    """Return the state in the form in which the operation can have it.

    What is not known gets Django's own, for which all models are rendered once; and Django's own it stays until the
    next `RunPython`, for which Django would render all models again. So this is never dearer than Django.
    """
    if not is_known(operation):
        own = djangos(state)
        # As with Django, before the operation changes what it would be rendered from.
        _ = own.apps
        return own
    if isinstance(operation, ops.RunPython) and state.is_delayed and vars(state).get("_auto_migrate_was_lazy"):
        return LazyState.of(state)
    return state


def advance(state: ProjectState, app_label: str, operation: Operation) -> tuple[ProjectState, ProjectState]:
    """Return the states before and after an operation that is carried out now; `state` is not to be used any more."""
    state = state_for(operation, state)
    before = state.clone()
    if isinstance(state, LazyState):
        # Who goes on from there needs no way from here: a chain of all states would add up.
        after, state.foreseen = state.after(app_label, operation), None
        return before, after
    operation.state_forwards(app_label, state)
    return before, state


def foresee(state: ProjectState, app_label: str, operations: Iterable[Operation]) -> ProjectState:
    """Return the state after operations that are yet to be carried out; `state` stays as it is.

    What a lazy state becomes is kept, with the models rendered for it, for when the operations are carried out.
    """
    state = state if isinstance(state, LazyState) else state.clone()
    for operation in operations:
        state = state_for(operation, state)
        if isinstance(state, LazyState):
            state = state.after(app_label, operation)
        else:
            operation.state_forwards(app_label, state)
    return state


def djangos(state: ProjectState) -> ProjectState:
    """Return Django's own state of the same models; nothing of it is shared."""
    if not isinstance(state, LazyState):
        return state
    own = djangos_own(state)
    vars(own)["_auto_migrate_was_lazy"] = True
    return own


class LazyState(ProjectState):
    """A project state that shares with its copies what neither has changed."""

    # For whoever reads what operations do.
    renders_on_demand = True

    def __init__(self, models: dict[Key, ModelState] | None = None, real_apps: set[str] | None = None) -> None:
        super().__init__(models, real_apps)
        # What nobody else holds, so that it may be changed in place.
        self._own: dict[int, ModelState] = {}
        self._explorable = False
        # What code that may go anywhere was given, for its copies of the same moment.
        self._explored: list[StateApps] = []
        # What a known operation makes of this state, once somebody has asked.
        self.foreseen: tuple[Operation, LazyState] | None = None
        self._real_models: list[ModelState] | None = None

    @classmethod
    def of(cls, state: ProjectState) -> Self:
        """Go on from a state of Django's, which is not to be used any more."""
        lazy = cls(dict(state.models), state.real_apps)
        lazy.is_delayed = state.is_delayed
        lazy._real_models = vars(state).get("_real_models")
        return lazy

    def clone(self) -> LazyState:
        """Return a state that changes independently of this one."""
        self._own.clear()
        twin = LazyState(dict(self.models), self.real_apps)
        twin.is_delayed = self.is_delayed
        twin._real_models = self._real_models
        twin._explored = self._explored
        # Django's own operations change no class, so that both can have the same; see `clear_delayed_apps_cache`.
        if "apps" in self.__dict__ and not self._explorable:
            twin.apps = self.apps
        return twin

    def after(self, app_label: str, operation: Operation) -> LazyState:
        """Return the state after a known operation, the same one to everybody; this one must not change any more."""
        if self.foreseen is None or self.foreseen[0] is not operation:
            self.foreseen = operation, self.clone()
            operation.state_forwards(app_label, self.foreseen[1])
        return self.foreseen[1]

    @cached_property
    def apps(self) -> StateApps:
        self._own.clear()
        models = dict(self.models)
        if not self._explorable:
            return LazyApps(models, self.real_models, self.real_apps)
        apps = self._explored_apps(models)
        if not self.is_delayed:
            self._explored[:] = [apps]
        return apps

    def _explored_apps(self, models: dict[Key, ModelState]) -> StateApps:
        if self._is_regular():
            return ExplorableApps(models, self.real_models, self.real_apps)
        return StateApps(self.real_apps, models)  # type: ignore[arg-type] # Django passes a set, too

    def clear_delayed_apps_cache(self) -> None:
        """Prepare for code that may look at any model, and may change what it finds.

        Its models are its own, and those of the next such code, if Django would not render them again in between.
        """
        self.__dict__.pop("apps", None)
        self._explorable = True
        if not self.is_delayed:
            for apps in self._explored:
                if not getattr(apps, "altered", False):
                    self.apps = apps

    def _is_regular(self) -> bool:
        """Return whether every relation and base is there; if not, it is for Django to say what is wrong.

        Who listens to models being prepared hears of all of them, too.
        """
        if any(sender == NONE_ID for (_receiver, sender), *_ in class_prepared.receivers):
            return False
        states = {**self.models, **{key_of(state): state for state in self.real_models}}
        relations = [model_relations(state) for state in states.values()]
        there = {*states, *(made for found in relations for made in found.automatic)}
        return all(there >= found.targets and not found.extends_real for found in relations)

    @property
    def real_models(self) -> list[ModelState]:
        """The models of apps without migrations, as `StateApps` takes them from the running code."""
        if self._real_models is None:
            configs = [global_apps.get_app_config(label) for label in self.real_apps]
            self._real_models = [
                ModelState.from_model(model, exclude_rels=True) for config in configs for model in config.get_models()
            ]
        return self._real_models

    def _touch(self, *keys: Key) -> None:
        """Make the state of these models this one's own, and forget what was rendered."""
        self._forget()
        for key in keys:
            if id(state := self.models[key]) not in self._own:
                state = self.models[key] = state.clone()
                self._own[id(state)] = state

    def _forget(self) -> None:
        """Forget what was rendered: this is another moment now."""
        self.__dict__.pop("apps", None)
        self._explored = []

    def reload_model(self, app_label: str, model_name: str, delay: bool = False) -> None:
        self.reload_models([(app_label, model_name)], delay=delay)

    def reload_models(self, models: Any, delay: bool = True) -> None:
        self.is_delayed = self.is_delayed or delay
        self._forget()

    def add_model(self, model_state: ModelState) -> None:
        self._forget()
        super().add_model(model_state)

    def remove_model(self, app_label: str, model_name: str) -> None:
        self._forget()
        super().remove_model(app_label, model_name)

    def rename_model(self, app_label: str, old_name: str, new_name: str) -> None:
        references = list(get_references(self, (app_label, old_name.lower())))
        self._touch(*(key_of(state) for state, *_ in references))
        super().rename_model(app_label, old_name, new_name)

    def rename_field(self, app_label: str, model_name: str, old_name: str, new_name: str) -> None:
        # Django writes the new name into the very fields that earlier states hold, too; these may not be rendered yet.
        key = (app_label, model_name)
        own = [(self.models[key], name, field, None) for name, field in self.models[key].fields.items()]
        referring = get_references(self, key, (old_name, self.models[key].fields.get(old_name)))
        changed = [(key_of(state), name, field) for state, name, field, _ in [*own, *referring]]
        for holder, name, field in changed:
            self._touch(holder)
            self.models[holder].fields[name] = field.clone()
        super().rename_field(app_label, model_name, old_name, new_name)


def _changing(name: str) -> Callable[..., None]:
    """Make a method that makes one model's state this one's own and then does what Django's does."""

    def change(self: LazyState, app_label: str, model_name: str, *args: Any, **kwargs: Any) -> None:
        self._touch((app_label, model_name))
        getattr(ProjectState, name)(self, app_label, model_name, *args, **kwargs)

    return change


for _name in (
    "add_field",
    "remove_field",
    "alter_field",
    "alter_model_options",
    "remove_model_options",
    "alter_model_managers",
    "_append_option",
    "_remove_option",
    "_alter_option",
    "rename_index",
):
    setattr(LazyState, _name, _changing(_name))
