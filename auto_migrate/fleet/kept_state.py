"""The states of a plan, kept from one schema for the next: what was rendered for the first is so for all."""

from __future__ import annotations

from typing import Any

from django.db.migrations.operations.base import Operation

from auto_migrate.applying.states.lazy_state import LazyState


class KeptState(LazyState):
    """A state from which one thread carries out the same operations again and again."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._following: tuple[Operation, KeptState] | None = None

    def after(self, app_label: str, operation: Operation) -> KeptState:
        """Return the state after a known operation, which is kept with this one."""
        if self._following is None or self._following[0] is not operation:
            changed = self.clone()
            operation.state_forwards(app_label, changed)
            self._following = operation, KeptState.of(changed)
        return self._following[1]
