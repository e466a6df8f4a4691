"""What stands where Django keeps models and relations, until somebody looks and they are rendered."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from django.db import models
from django.db.migrations.utils import resolve_relation
from django.db.models.utils import make_model_tuple

from auto_migrate.applying.states.model_relations import ON_DEMAND, Key

# A class of models, of which Django's stubs leave out what the registry lives on, such as `_expire_cache`.
Model = Any


class Renderer(Protocol):
    """The registry that renders: `registry.LazyApps`."""

    @property
    def _rendering(self) -> bool: ...

    def render(self, wanted: Iterable[Key]) -> None: ...

    def render_named(self, label: str, name: str) -> None: ...

    def render_all(self) -> None: ...

    def await_others(self) -> None: ...

    def known(self, key: Key) -> Model | None: ...

    def relations_to(self, model: Model) -> list[Any]: ...

    def unregister_model(self, app_label: str, model_name: str) -> None: ...


class AppModels(dict[str, Model]):
    """The models of one app by name, rendered when they are asked for."""

    def __init__(self, apps: Renderer, label: str) -> None:
        super().__init__()
        self.apps = apps
        self.label = label

    def sort(self, places: Mapping[str, int]) -> None:
        """Put the models into this order, automatic ones before their owners, and those at the end that were added."""

        def place(item: tuple[str, Model]) -> tuple[int, bool]:
            owner = item[1]._meta.auto_created
            return places.get(owner._meta.model_name if owner else item[0], len(places)), not owner

        known = sorted(dict.items(self), key=place)
        dict.clear(self)
        dict.update(self, known)

    def __getitem__(self, name: str) -> Model:
        self.apps.await_others()
        model = dict.get(self, name)
        if model is None:
            model = self._render(name)
        return model

    def _render(self, name: str) -> Model:
        if not self.apps._rendering:
            self.apps.render_named(self.label, name)
        if (model := dict.get(self, name)) is None:
            raise KeyError(name)
        return model

    def __delitem__(self, name: str) -> None:
        _ = self[name]
        self.apps.unregister_model(self.label, name)

    def pop(self, name: str, *default: Any) -> Any:
        try:
            model = self[name]
        except KeyError:
            if default:
                return default[0]
            raise
        del self[name]
        return model

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        self.apps.render_all()
        return dict.__iter__(self)

    def __len__(self) -> int:
        self.apps.render_all()
        return dict.__len__(self)

    def keys(self) -> Any:
        self.apps.render_all()
        return dict.keys(self)

    def values(self) -> Any:
        self.apps.render_all()
        return dict.values(self)

    def items(self) -> Any:
        self.apps.render_all()
        return dict.items(self)


class AllModels(dict[str, AppModels]):
    """The models of each app, as `Apps.all_models` has them."""

    def __init__(self, apps: Renderer) -> None:
        super().__init__()
        self.apps = apps

    def __missing__(self, label: str) -> AppModels:
        found = self[label] = AppModels(self.apps, label)
        return found


class RelationTree(Sequence[Any]):
    """The relations to one model, looked for when they are first asked for. Stands where Django keeps its own list."""

    def __init__(self, apps: Renderer, model: Model) -> None:
        self.apps = apps
        self.model = model

    @cached_property
    def found(self) -> list[Any]:
        return self.apps.relations_to(self.model)

    def __getitem__(self, index: Any) -> Any:
        return self.found[index]

    def __len__(self) -> int:
        return len(self.found)


class Accessor:
    """Stands for the attribute that another model puts on this one, until that model is rendered."""

    def __init__(self, apps: Renderer, source: Key, name: str) -> None:
        self.apps = apps
        self.source = source
        self.name = name

    def __get__(self, instance: models.Model | None, owner: Model) -> Any:
        self._render(owner)
        return getattr(owner if instance is None else instance, self.name)

    def __set__(self, instance: models.Model, value: Any) -> None:
        self._render(type(instance))
        setattr(instance, self.name, value)

    def _render(self, owner: Model) -> None:
        self.apps.render([self.source])
        for kind in owner.__mro__:
            if kind.__dict__.get(self.name) is self:
                with contextlib.suppress(AttributeError):
                    delattr(kind, self.name)


class OnDemand:
    """The other end of a relation, whose model is rendered when somebody looks at it."""

    apps: Renderer
    field: Any
    set_field_name: Callable[[], None]

    @property
    def model(self) -> Any:
        """The model pointed to; while models are being rendered perhaps its name, as Django has it."""
        awaited = self.awaited
        if awaited is not None and not self.apps._rendering:
            self.apps.render([awaited])
            # Django ties the two when the other is registered; of a copy of this end it does not know.
            if self.awaited is not None and (model := self.apps.known(awaited)) is not None:
                self.model = model
                self.set_field_name()
        return vars(self)["model"]

    @model.setter
    def model(self, model: Any) -> None:
        vars(self)["model"] = model

    @property
    def awaited(self) -> Key | None:
        """The model pointed to, as long as nobody has looked."""
        model, own = vars(self)["model"], self.field.model._meta
        return (
            make_model_tuple(resolve_relation(model, own.app_label, own.model_name)) if isinstance(model, str) else None
        )


STANDING_IN: dict[Any, type[Any]] = {
    kind: type(kind.__name__, (OnDemand, kind), {"__doc__": kind.__doc__}) for kind in ON_DEMAND
}
