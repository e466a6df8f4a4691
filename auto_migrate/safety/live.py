"""What the database about to be migrated says of the tables that a plan touches, and what follows for the findings."""

from __future__ import annotations

import functools
from collections.abc import Iterable

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.databases.statistics import Activity, Statistics, TableStatistics
from auto_migrate.findings import Basis, Evidence, Level
from auto_migrate.safety.effects.effect import Effect
from auto_migrate.safety.hazard import Harm

# What a table of few rows may weigh, for each row that counts as few.
BYTES_A_ROW = 1024

# How fast a server that is busy with other things reads and writes a table, in bytes a second. Measured 150-400 MB/s
# for scans and 30-80 MB/s for rewrites with their indexes; the estimate shall rather be too long than too short.
SCANNED = 100e6
REWRITTEN = 25e6

BY_RULE = {
    Harm.LOSES_DATA: Level.ERROR,
    Harm.BLOCKS: Level.ERROR,
    Harm.BREAKS: Level.ERROR,
    Harm.FAILS: Level.ERROR,
    Harm.RISKS: Level.WARNING,
}
ON_SMALL_TABLES = {
    Harm.LOSES_DATA: Level.ERROR,
    Harm.BLOCKS: Level.NOTICE,
    Harm.BREAKS: Level.WARNING,
    Harm.FAILS: Level.ERROR,
    Harm.RISKS: Level.NOTICE,
}


class Live:
    """Asks a database about tables as findings need them; `small` is the number of rows up to which one is small."""

    def __init__(self, statistics: Statistics, small: int) -> None:
        self.statistics = statistics
        self.small = small
        # The name that a table has now, by the one that the plan gives it.
        self.renamed: dict[str, str] = {}
        self._asked: dict[str, TableStatistics | None] = {}

    def table(self, name: str) -> TableStatistics | None:
        """Return how large and busy a table is, None where the database does not know it."""
        name = self.renamed.get(name, name)
        if name not in self._asked:
            self._asked[name] = self.statistics.of_tables([name], self.small).get(name) if name else None
        return self._asked[name]

    @functools.cached_property
    def activity(self) -> Activity:
        """What goes on in the database as a whole."""
        return self.statistics.activity()

    def level(self, harm: Harm, tables: Iterable[str]) -> Level:
        """Return the level of a harm to some tables, of which the largest counts."""
        known = [found for found in map(self.table, tables) if found is not None]
        if not known or not all(map(self.is_small, known)):
            return BY_RULE[harm]
        if harm is Harm.LOSES_DATA and all(table.counted and not table.rows for table in known):
            return Level.NOTICE
        return ON_SMALL_TABLES[harm]

    def is_small(self, table: TableStatistics) -> bool:
        """Return whether nothing that is done to a table takes long."""
        return table.rows <= self.small and (table.bytes or 0) <= self.small * BYTES_A_ROW

    def evidence(self, table: str, effects: Iterable[Effect]) -> Evidence | None:
        """Say how large and busy a table is and how long a lock on it would be held, if the database told."""
        if (found := self.table(table)) is None:
            return None
        parts = [self._size(table, found), self._traffic(found), self._held(found, effects), self._activity()]
        return Evidence(Basis.LIVE, "; ".join(filter(None, parts)) + ".")

    def _size(self, table: str, found: TableStatistics) -> str:
        if found.rows == self.small + 1:
            text = _("{table} has more than {rows:,} rows").format(table=table, rows=self.small)
        else:
            text = ngettext("{table} has {rows:,} row", "{table} has {rows:,} rows", found.rows)
            text = text.format(table=table, rows=found.rows)
        return text if found.bytes is None else f"{text} ({megabytes(found.bytes)})"

    def _traffic(self, found: TableStatistics) -> str:
        if found.reads is None or found.writes is None:
            return ""
        return _("on average {reads} reads and {writes} rows written a second").format(
            reads=rate(found.reads), writes=rate(found.writes)
        )

    def _held(self, found: TableStatistics, effects: Iterable[Effect]) -> str:
        seconds = held(found, effects)
        if seconds is None:
            return ""
        return _("the lock would be held for {duration}").format(duration=duration(seconds))

    def _activity(self) -> str:
        parts = []
        if (self.activity.oldest_transaction or 0) >= 1:
            parts.append(_("the oldest transaction is {age:.0f} s old").format(age=self.activity.oldest_transaction))
        if self.activity.replicas:
            text = ngettext("{count} replica follows", "{count} replicas follow", self.activity.replicas)
            parts.append(text.format(count=self.activity.replicas))
        return "; ".join(parts)


def held(table: TableStatistics, effects: Iterable[Effect]) -> float | None:
    """Estimate the seconds for which the effects of a change hold their lock, None where nobody waits for it."""
    effects = [effect for effect in effects if effect.holds_up]
    if table.bytes is None or not effects:
        return None
    return sum(seconds(effect, table) for effect in effects)


def seconds(effect: Effect, table: TableStatistics) -> float:
    """Estimate for how many seconds an effect works on its table."""
    return (table.bytes or 0) * (effect.rewrites / REWRITTEN + effect.scans / SCANNED)


def rate(a_second: float) -> str:
    """Write a rate as a person says it."""
    return f"{a_second:,.0f}" if a_second >= 10 else f"{a_second:.1f}"


def duration(seconds: float) -> str:
    """Write a duration as a person says it."""
    if seconds < 1:
        return _("less than a second")
    if seconds < 90:
        return _("about {seconds:.0f} s").format(seconds=seconds)
    return _("about {minutes:.0f} min").format(minutes=seconds / 60)


def megabytes(size: int) -> str:
    """Write a size as a person says it."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if size >= factor:
            return f"{size / factor:.3g} {unit}"
    return f"{size / 1e3:.3g} kB"
