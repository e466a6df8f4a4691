"""What the statements of the running release say of a finding, and what follows for its level."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator

from django.utils.translation import gettext as _

from auto_migrate.changes.change import Change
from auto_migrate.changes.former_names import FormerNames
from auto_migrate.findings import Basis, Evidence, Level
from auto_migrate.safety.hazard import Harm
from auto_migrate.workload.impact import Impact, WorkloadImpact, told

# The harms that are done to the code that is running.
TO_RELEASE = frozenset({Harm.LOSES_DATA, Harm.BREAKS})


@dataclasses.dataclass
class WorkloadEvidence:
    """Asks the workload about changes, under the names that tables and columns have before the plan.

    `former` has those names up to the migration that is judged; `begin` comes before each.
    """

    workload: Callable[[], WorkloadImpact | None]
    former: FormerNames
    _names: dict[int, tuple[str, str]] = dataclasses.field(default_factory=dict)

    def begin(self, changes: Iterable[Change]) -> None:
        """Note the names that the changes of the next migration are about, each in the light of those before it."""
        former, self._names = self.former.copy(), {}
        for change in changes:
            column = former.column(change.table, getattr(change, "column", ""))
            self._names[id(change)] = (former.table(change.table), column)
            former.follow(change)

    def of(self, harm: Harm, change: Change | None) -> Impact | None:
        """Return what is known of a harm to the running release, None where there is nothing to be asked or heard."""
        if harm not in TO_RELEASE or change is None or (workload := self.workload()) is None:
            return None
        return workload.impact_of(change, *self._names.get(id(change), ("", "")))


def level_with(account: Impact | None, level: Level) -> Level:
    """Return the level of a finding: an error if a statement is sure to be hurt, one lower if none is."""
    if account is None:
        return level
    if any(each.certain for each in account.affected):
        return Level.ERROR
    return list(Level)[max(level.rank - 1, 0)] if account.clears else level


def evidence_of(account: Impact | None) -> Iterator[Evidence]:
    """Say what was seen, or that nothing was and whether that proves anything."""
    if account is None:
        return
    yield from (Evidence(Basis.STATEMENTS, sentence) for sentence in told(account.affected))
    names = {"source": account.source, "doubts": "; ".join(account.doubts)}
    if account.affected:
        text = _("Seen in {source}.")
    elif account.doubts:
        text = _("No statement of {source} has to do with it, which proves nothing: {doubts}.")
    else:
        text = _("No statement of {source} has to do with it, so the level is one lower.")
    yield Evidence(Basis.STATEMENTS, text.format(**names))
