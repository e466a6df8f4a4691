"""A registry of historical models in which a model is rendered when somebody asks for it.

Django renders every model of the project again before each `RunPython`, and a model's neighbours at each change. Here
a registry stands for one moment of the project. Asked for a model, it has Django render that one with its bases; the
models that its foreign keys point to follow when somebody looks at the other end, and those that point to it when one
of their attributes is used, or when Django asks `_meta` for reverse relations. Whoever asks for all models gets all of
them, in the order in which Django gives them.
"""

from __future__ import annotations

import contextlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from django.apps.registry import Apps
from django.db.migrations.exceptions import InvalidBasesError
from django.db.migrations.state import AppConfigStub, ModelState, StateApps

from auto_migrate.applying.states.field_copies import with_cloneable_fields
from auto_migrate.applying.states.lazy_models import STANDING_IN, Accessor, AllModels, Model, OnDemand, RelationTree
from auto_migrate.applying.states.model_relations import Key, key_of, model_relations


class LazyApps(StateApps):
    """The models of one moment; `states` must not change any more."""

    all_models: AllModels  # type: ignore[assignment] # a dict of dicts, too

    def __init__(self, states: Mapping[Key, ModelState], real_models: Sequence[ModelState], labels: Iterable[str]):
        # StateApps would render everything.
        Apps.__init__(self, ())
        # As in StateApps; the locks of a registry that is in use by one thread.
        self._lock = None
        self.ready_event = None  # type: ignore[assignment]
        self.real_models = list(real_models)
        # A registry in which what is rendered here is to be rendered first; see `rendered_first`.
        self.earlier: LazyApps | None = None
        self.states = {**states, **{key_of(state): state for state in real_models}}
        self.all_models = AllModels(self)
        for label in sorted({*labels, *(label for label, _name in states)}):
            config = self.app_configs[label] = AppConfigStub(label)
            config.apps = self
            config.import_models()
        # A data migration may use threads; one of them renders at a time, and the others wait for whole models.
        self._access = threading.RLock()
        self._renderer: int | None = None
        self._whole = False
        self._new: list[Model] = []
        self._wanted: set[Key] = set()
        # Whether somebody took a model out, so that this is not the moment any more that it stands for.
        self.altered = False

    def render(self, keys: Iterable[Key]) -> None:
        """Render what is not yet of these models and of all that they are not whole without."""
        with self._access:
            while wanted := self._closure(map(self.maker, keys)):
                if self.earlier is not None:
                    self.earlier.render(wanted)
                self._render_with_bases(wanted)
                keys, self._wanted = self._wanted, set()

    def _render_with_bases(self, keys: Sequence[Key]) -> None:
        try:
            self.render_multiple([self.states[key] for key in keys])
        except InvalidBasesError:
            # What they extend comes into being with others, as a project's own fields make models.
            left = [key for key in self.states if self.known(key) is None]
            if set(left) <= set(keys):
                raise
            self.render_multiple([self.states[key] for key in left])

    def render_named(self, label: str, name: str) -> None:
        """Render one model, or those of an app between which Django may have made one."""
        if (label, name) in self.states:
            self.render([(label, name)])
        else:
            self.render(
                key for key, state in self.states.items() if key[0] == label and model_relations(state).automatic
            )

    def render_all(self) -> None:
        """Render what is left, and put all in Django's order."""
        if self._whole or self._rendering:
            return
        with self._access:
            self.render(self.states)
            for label, known in self.all_models.items():
                known.sort(self.places[label])
            self._whole = True

    def render_multiple(self, model_states: Iterable[ModelState]) -> None:
        """Render as Django does; what is asked for meanwhile is answered from what is there."""
        outer, self._renderer = self._renderer, threading.get_ident()
        try:
            super().render_multiple([with_cloneable_fields(state) for state in model_states])
        finally:
            self._renderer = outer

    @property
    def _rendering(self) -> bool:
        return self._renderer == threading.get_ident()

    def await_others(self) -> None:
        """Wait for another thread's models to be whole."""
        if self._renderer is not None and not self._rendering:
            with self._access:
                pass

    def clear_cache(self) -> None:
        """Forget what was computed of new models while they were incomplete, and await questions about them."""
        if not self.ready:
            return
        new, self._new = self._new, []
        for model in new:
            model._meta._expire_cache()
            self._await_questions(model)

    def lazy_model_operation(self, function: Callable[..., Any], *model_keys: Key) -> None:
        """Do as Django does; by this a relation that is being rendered asks for the model that it points to."""
        relation: Any = getattr(getattr(function, "keywords", {}).get("field"), "remote_field", None)
        if self._rendering and type(relation) in STANDING_IN:
            relation.__class__ = STANDING_IN[type(relation)]
            # A copy of it may become part of a model of another registry, as where SQLite's tables are remade.
            relation.apps = self
        elif self._rendering and relation is None:
            # Somebody else than a relation waits for these models, and nobody may ever ask for them.
            self._wanted.update(model_keys)
        super().lazy_model_operation(function, *model_keys)

    def register_model(self, app_label: str, model: Model) -> None:
        self._new.append(model)
        super().register_model(app_label, model)

    def unregister_model(self, app_label: str, model_name: str) -> None:
        """Forget a model as if it had never been; other registries still know it."""
        with self._access:
            self.altered = True
            self.states.pop((app_label, model_name), None)
            dict.pop(self.all_models[app_label], model_name, None)
            for computed in ("makers", "order", "pointing", "visitors", "places", "accessors"):
                self.__dict__.pop(computed, None)

    def get_models(self, include_auto_created: bool = False, include_swapped: bool = False) -> list[Model]:
        # Not cached: Django's cache is one for all registries, and would keep this one alive.
        self.render_all()
        return Apps.get_models.__wrapped__(self, include_auto_created, include_swapped)  # type: ignore[attr-defined, no-any-return]

    def get_swappable_settings_name(self, to_string: str) -> str | None:
        return Apps.get_swappable_settings_name.__wrapped__(self, to_string)  # type: ignore[attr-defined, no-any-return]

    def clone(self) -> LazyApps:
        """Return a registry of the same moment in which nothing is rendered yet."""
        return LazyApps(self.states, self.real_models, self.app_configs)

    @cached_property
    def makers(self) -> dict[Key, Key]:
        """The model with which each automatic one is made."""
        return {made: key for key, state in self.states.items() for made in model_relations(state).automatic}

    def maker(self, key: Key) -> Key:
        """Return the model that is rendered to have a model: as a rule itself."""
        return key if key in self.states else self.makers.get(key, key)

    @cached_property
    def order(self) -> list[Key]:
        """The order in which Django, asked for everything at once, would register the models."""
        ordered: dict[Key, None] = {}
        left = list(self.states)
        while left:
            early = []
            for key in left:
                if all(base in ordered for base in map(self.maker, model_relations(self.states[key]).bases)):
                    ordered[key] = None
                else:
                    early.append(key)
            if early == left:
                break
            left = early
        return [*ordered, *left]

    @cached_property
    def pointing(self) -> dict[Key, list[Key]]:
        """The models that point to each; what points to a proxy points to the model behind it."""
        found: dict[Key, list[Key]] = defaultdict(list)
        for key in self.order:
            for target in model_relations(self.states[key]).targets:
                found[self._concrete(target)].append(key)
        return found

    @cached_property
    def visitors(self) -> dict[Key, list[Key]]:
        """The models without which each is not whole."""
        found: dict[Key, list[Key]] = defaultdict(list)
        for key, state in self.states.items():
            for target in model_relations(state).visits:
                found[self.maker(target)].append(key)
        return found

    def relations_to(self, model: Model) -> list[Any]:
        """Return the fields that point to a model, as `Options._populate_directed_relation_graph` collects them."""
        if model._meta.swapped:
            return []
        with self._access:
            return self._relations_to(model)

    def _relations_to(self, model: Model) -> list[Any]:
        concrete = model._meta.concrete_model
        key = (concrete._meta.app_label, concrete._meta.model_name)
        self.render(self.pointing[key])
        # All that are here, and not only these: the project's code may have tied others to it.
        return [
            field
            for other in self._rendered_in_order()
            if not other._meta.swapped
            for field in other._meta._get_fields(reverse=False, include_parents=False)
            if field.is_relation and self._may_point_to(key, field) and isinstance(field.related_model, type)
            if field.remote_field.model._meta.concrete_model is concrete
        ]

    def _may_point_to(self, key: Key, field: Any) -> bool:
        """Return whether it is worth to look at the other end, without rendering anything."""
        awaited = field.remote_field.awaited if isinstance(field.remote_field, OnDemand) else None
        return awaited is None or self._concrete(awaited) == key

    def _rendered_in_order(self) -> Iterator[Model]:
        for label in self.app_configs:
            known = self.all_models[label]
            known.sort(self.places[label])
            yield from dict.values(known)

    @cached_property
    def places(self) -> dict[str, dict[str, int]]:
        """The place of each model among those of its app."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for label, name in self.order:
            found[label][name] = len(found[label])
        return found

    def _concrete(self, key: Key) -> Key:
        state = self.states.get(key)
        if state is not None and state.options.get("proxy"):
            for base in model_relations(state).bases:
                return self._concrete(base)
        return key

    def _closure(self, keys: Iterable[Key]) -> list[Key]:
        found: dict[Key, None] = {}
        left = list(keys)
        while left:
            key = left.pop()
            if key not in found and key in self.states and self.known(key) is None:
                found[key] = None
                left += self.ties(key)
        return list(found)

    def known(self, key: Key) -> Model | None:
        """Return a model if it is rendered already."""
        return dict.get(self.all_models[key[0]], key[1])

    def ties(self, key: Key) -> set[Key]:
        """Return what a model is not whole without."""
        needs = map(self.maker, model_relations(self.states[key]).needs)
        return ({*needs, *self.visitors.get(key, ())} & self.states.keys()) - {key}

    def _await_questions(self, model: Model) -> None:
        """Let reverse relations be looked for when Django first asks this model for them."""
        model._meta.__dict__["_relation_tree"] = RelationTree(self, model)


@contextlib.contextmanager
def rendered_first(earlier: Apps, later: Apps) -> Iterator[None]:
    """Let models be rendered in `earlier` before they are in `later`, as with Django.

    A model's fields are ordered by when they were made. SQLite's tables are made anew with fields of both, and have
    their columns in that order.
    """
    if not isinstance(earlier, LazyApps) or not isinstance(later, LazyApps) or earlier is later:
        yield
        return
    later.earlier = earlier
    try:
        yield
    finally:
        later.earlier = None


class ExplorableApps(LazyApps):
    """Models for code that may go anywhere from any of them: their reverse accessors are there too."""

    def __init__(self, states: Mapping[Key, ModelState], real_models: Sequence[ModelState], labels: Iterable[str]):
        super().__init__(states, real_models, labels)
        self.render(key for key, state in self.states.items() if model_relations(state).does_more)

    def _await_questions(self, model: Model) -> None:
        super()._await_questions(model)
        key = (model._meta.app_label, model._meta.model_name)
        for source, name in self.accessors[key]:
            if self.known(source) is None:
                setattr(model, name, Accessor(self, source, name))

    @cached_property
    def accessors(self) -> dict[Key, list[tuple[Key, str]]]:
        """The attributes that each model gets from others, with the models that put them there."""
        found: dict[Key, list[tuple[Key, str]]] = defaultdict(list)
        for key, state in self.states.items():
            for target, name in model_relations(state).accessors:
                found[self._concrete(target)].append((key, name))
        return found

    def clone(self) -> LazyApps:
        return ExplorableApps(self.states, self.real_models, self.app_configs)
