"""Where a rehearsal saw something else than the rules say of the same operation."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from django.utils.translation import gettext as _

from auto_migrate.changes.change import DATA, OpaqueChange, RenameTable
from auto_migrate.changes.new_objects import NewObjects
from auto_migrate.changes.reading import MigrationChanges, OperationChanges
from auto_migrate.databases.lock_modes import LockMode
from auto_migrate.history.models import OWN_TABLES
from auto_migrate.rehearsal.rehearsal_events import RuleContradicted, StatementObserved
from auto_migrate.rehearsal.relations import MODES, strength, words
from auto_migrate.safety.effects import effects
from auto_migrate.safety.hazard import ServerFacts
from auto_migrate.values import OperationKey


@dataclasses.dataclass(frozen=True)
class Toll:
    """What one operation takes from one table: the strongest lock (0 for none), and what is done to its rows."""

    lock: int = 0
    rewrites: bool = False
    scans: bool = False

    def and_also(self, other: Toll) -> Toll:
        """Return what both take together."""
        return Toll(max(self.lock, other.lock), self.rewrites or other.rewrites, self.scans or other.scans)

    def __str__(self) -> str:
        """Say it in a few words: `ACCESS EXCLUSIVE, rewrites it`."""
        lock = words(MODES[self.lock - 1]) if self.lock else _("no lock")
        work = _("rewrites it") if self.rewrites else _("reads all of it") if self.scans else ""
        return ", ".join(filter(None, (lock, work)))


Tolls = dict[str, Toll]


@dataclasses.dataclass
class RuleComparison:
    """Compares migrations in the order of the plan; `filled` are the tables with rows: of others no scan is seen.

    What `held` operations do is done when the old code is gone.
    """

    server: ServerFacts
    filled: frozenset[str]
    held: frozenset[OperationKey] = frozenset()
    new: NewObjects = dataclasses.field(default_factory=NewObjects)
    renamed: dict[str, str] = dataclasses.field(default_factory=dict)

    def contradictions(self, read: MigrationChanges, seen: Sequence[StatementObserved]) -> Iterator[RuleContradicted]:
        """Return the tables of which a rule and the rehearsal say different things, operation by operation."""
        held = observed(seen)
        for operation in read.operations:
            told = self._rules(operation)
            # Nothing is told of what nobody can read, so there is nothing to contradict.
            if (read.key, operation.index) in self.held or any(
                isinstance(change, (OpaqueChange, *DATA)) for change in operation.changes
            ):
                continue
            facts = observed(one for one in seen if one.operation == operation.index)
            # What this app writes down beside an operation is none of its doing.
            for table in sorted({*told, *facts} - OWN_TABLES):
                rule, fact = told.get(table, Toll()), facts.get(table, Toll())
                had = held.get(table, Toll()).and_also(held.get(self.renamed.get(table, ""), Toll()))
                # With nothing on one side of a foreign key, the other is not read.
                visible = self.filled >= told.keys() - self.new.tables
                if self._differ(rule, fact, had, scans_show=visible):
                    yield RuleContradicted(read.key, operation.index, table, str(rule), str(fact))

    def _rules(self, operation: OperationChanges) -> Tolls:
        """Return what the rules say of the tables that the plan does not make itself."""
        tolls: Tolls = {}
        for change in operation.changes:
            for effect in effects(change, self.server):
                if effect.table not in self.new.tables:
                    toll = Toll(int(effect.mode or 0), effect.rewrites, effect.scans)
                    tolls[effect.table] = tolls.get(effect.table, Toll()).and_also(toll)
            self.new.follow(change)
            if isinstance(change, RenameTable):
                self.renamed[change.to] = self.renamed.get(change.table, change.table)
        return tolls

    def _differ(self, rule: Toll, fact: Toll, held: Toll, *, scans_show: bool) -> bool:
        # Weaker locks stop nobody, and rules need not tell them. What the transaction had already is not taken anew.
        unforeseen = fact.lock > max(rule.lock, LockMode.SHARE_UPDATE_EXCLUSIVE)
        missing = rule.lock > max(fact.lock, held.lock, LockMode.SHARE_UPDATE_EXCLUSIVE)
        # Whether a table that is merely looked up is read at all depends on the rows of others.
        unseen = rule.scans and rule.lock and not fact.scans and scans_show
        return unforeseen or missing or unseen or (fact.scans and not rule.scans) or fact.rewrites is not rule.rewrites


def observed(seen: Iterable[StatementObserved]) -> Tolls:
    """Sum up what statements were seen to take from each table; a lock on an index counts where the table has none."""
    on_tables: dict[str, int] = {}
    on_indexes: dict[str, int] = {}
    tolls: Tolls = {}
    for one in seen:
        for lock in one.locks:
            locks = on_indexes if lock.index else on_tables
            locks[lock.table] = max(locks.get(lock.table, 0), strength(lock.mode))
        for table in one.rewrites:
            tolls[table] = tolls.get(table, Toll()).and_also(Toll(rewrites=True))
        for scan in one.scans:
            tolls[scan.table] = tolls.get(scan.table, Toll()).and_also(Toll(scans=True))
    for table, strongest in {**on_indexes, **on_tables}.items():
        tolls[table] = tolls.get(table, Toll()).and_also(Toll(strongest))
    return tolls
