"""Registries of successive moments that share the classes of models which are the same in both.

Half of what an operation of Django's needs rendered is as it was before the last one. Only these operations share: the
classes that `RunPython` gets are its own, since its code may change them.
"""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.migrations.state import ModelState, StateApps

from auto_migrate.applying.outline import Key, outline
from auto_migrate.applying.registry import LazyApps, Model, RelationTree


@dataclasses.dataclass(frozen=True)
class Rendered:
    """What a state was rendered to: its class with those that Django made for it, and the classes it is tied to."""

    workshop: Workshop
    models: dict[str, Model]
    ties: dict[Key, Model]


class Workshop:
    """Stands for the registry of the moment in models that outlive it."""

    def __init__(self) -> None:
        self.current: LazyApps
        self.kept: dict[Key, ModelState] = {}
        # Which models were kept with ties to each; some may be tied otherwise by now.
        self.tied_to: dict[Key, set[Key]] = defaultdict(set)

    def keep(self, rendered: Mapping[Key, tuple[ModelState, Rendered]]) -> None:
        """Keep what states were rendered to, and nothing that was made for a class before it: that would add up."""
        for key, (state, made) in rendered.items():
            vars(state)["_auto_migrate_rendered"] = made
            self.kept[key] = state
            for tie in made.ties:
                self.tied_to[tie].add(key)
        replaced = list(rendered)
        while replaced:
            tie = replaced.pop()
            for other in list(self.tied_to[tie]):
                state_kept = self.kept.get(other)
                if state_kept is None or not self._stands(state_kept, tie):
                    self.tied_to[tie].discard(other)
                    if state_kept is not None:
                        vars(self.kept.pop(other)).pop("_auto_migrate_rendered", None)
                        replaced.append(other)

    def _stands(self, state: ModelState, tie: Key) -> bool:
        """Tell whether what is kept of a state is tied to the class that is kept of the other model."""
        found = self.rendered(state)
        return found is not None and found.ties.get(tie) in (None, self._model(tie))

    def rendered(self, state: ModelState) -> Rendered | None:
        """Give what is kept of a state, if anything is."""
        found: Rendered | None = vars(state).get("_auto_migrate_rendered")
        return found if found is not None and found.workshop is self else None

    def _model(self, key: Key) -> Model | None:
        found = self.rendered(self.kept[key]) if key in self.kept else None
        return found.models[key[1]] if found else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.current, name)


class SharingApps(LazyApps):
    """Models for Django's own schema operations, which take over from earlier moments what is still true of them.

    A class stays as long as its own state and all that it points to stay. Which models point to it may differ between
    two moments that share it: each moment says anew what it is when it hands the class out. These operations ask that
    of models that they change, and such a model is never shared between the moments before and after.
    """

    def __init__(
        self,
        states: Mapping[Key, ModelState],
        real_models: Sequence[ModelState],
        labels: Iterable[str],
        workshop: Workshop,
    ) -> None:
        super().__init__(states, real_models, labels)
        self.workshop = workshop

    def render(self, keys: Iterable[Key]) -> None:
        wanted = self._closure(keys)
        shared = self._shared(wanted)
        for key, rendered in shared.items():
            for name, model in rendered.models.items():
                dict.__setitem__(self.all_models[key[0]], name, model)
                self._throughs[key] = [other for other in rendered.models if other != key[1]]
        made = [key for key in wanted if key not in shared]
        if made:
            self.workshop.current = self
            states: list[Any] = [Shared(self.states[key], self.workshop) for key in made]
            self.render_multiple(states)
            self.workshop.keep({key: (self.states[key], self._result(key)) for key in made})
        for key in shared:
            self.hand_out(self.known(key))

    def _shared(self, wanted: Iterable[Key]) -> dict[Key, Rendered]:
        """Give what may be taken over: whatever is tied to the very classes that are, or will be, in this registry."""
        found = {key: kept for key in wanted if (kept := self.workshop.rendered(self.states[key]))}

        def stays(key: Key, kept: Rendered) -> bool:
            if kept.ties.keys() != self.ties(key):
                return False
            return all(
                model is (found[tie].models[tie[1]] if tie in found else self.known(tie))
                for tie, model in kept.ties.items()
            )

        while gone := [key for key, kept in found.items() if not stays(key, kept)]:
            for key in gone:
                del found[key]
        return found

    def _result(self, key: Key) -> Rendered:
        """Give what was made of a state, and take it off what it points to.

        Shared models know nothing of what points to them: they would hold a class of every moment, and these others.
        """
        for target, name in outline(self.states[key]).accessors:
            model = self.known(self._concrete(target))
            if model is not None and name in vars(model):
                delattr(model, name)
        names = (*self._throughs[key], key[1])
        models = {name: model for name in names if (model := self.known((key[0], name))) is not None}
        ties = {tie: model for tie in self.ties(key) if (model := self.known(tie)) is not None}
        return Rendered(self.workshop, models, ties)

    def hand_out(self, model: Model | None) -> None:
        """Let the model, its parents and what Django made for it answer for this moment."""
        if model is None:
            return
        for each in (model, *model._meta.all_parents):
            tree = each._meta.__dict__.get("_relation_tree")
            if not isinstance(tree, RelationTree) or tree.apps() is not self:
                each._meta._expire_cache(forward=False)
                self._await_questions(each)

    def clone(self) -> LazyApps:
        return SharingApps(self.states, self.real_models, self.app_configs, self.workshop)


class Shared:
    """A state that is rendered into the workshop, whatever registry it is rendered for."""

    def __init__(self, state: ModelState, workshop: Workshop) -> None:
        self.state = state
        self.workshop = workshop

    def render(self, _apps: StateApps) -> Any:
        return self.state.render(self.workshop)  # type: ignore[arg-type] # it does what a registry does

    def __repr__(self) -> str:
        return repr(self.state)
