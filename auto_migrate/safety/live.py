"""What the database about to be migrated says of the tables that a plan touches, and what follows for the findings."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from auto_migrate.changes.former_names import FormerNames
from auto_migrate.databases.statistics import Activity, Statistics, TableStatistics
from auto_migrate.duration_words import DAY, estimated_duration, window
from auto_migrate.findings import Basis, Evidence, Level
from auto_migrate.numerals import numeral
from auto_migrate.safety.effects.effect import Blocks, Effect
from auto_migrate.safety.hazard import Harm
from auto_migrate.safety.lock_time import held, rates_of

# A table that was touched less than once an hour for a day, in seconds, is one that nobody waits for.
SELDOM = 1 / 3600

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
    """Asks a database about tables as findings need them.

    `small` is the number of rows up to which a table is small, `budget` the seconds for which others may be held up.
    """

    def __init__(self, statistics: Statistics, small: int, budget: float) -> None:
        self.statistics = statistics
        self.small = small
        self.budget = budget
        self.rates = rates_of(statistics.connection.vendor)
        self.former = FormerNames()
        self._asked: dict[str, TableStatistics | None] = {}

    def table(self, name: str) -> TableStatistics | None:
        """Return how large and busy a table is, None where the database does not know it."""
        name = self.former.table(name)
        if name not in self._asked:
            self._asked[name] = self.statistics.of_tables([name], self.small).get(name) if name else None
        return self._asked[name]

    @functools.cached_property
    def activity(self) -> Activity:
        """What goes on in the database as a whole."""
        return self.statistics.activity()

    def level(self, harm: Harm, tables: Iterable[str], effects: Sequence[Effect] = ()) -> Level:
        """Return the level of a harm to some tables.

        What blocks goes by the time for which the effects on them hold others up. Where that cannot be told, and for
        every other harm, the largest table counts.
        """
        if harm is Harm.BLOCKS and (seconds := held(effects, self.table, self.rates)) is not None:
            if seconds <= self.budget:
                return Level.NOTICE
            return Level.WARNING if all(map(self.is_idle, effects)) else Level.ERROR
        known = [found for found in map(self.table, tables) if found is not None]
        if not known or not all(map(self.is_small, known)):
            return BY_RULE[harm]
        if harm is Harm.LOSES_DATA and all(table.counted and not table.rows for table in known):
            return Level.NOTICE
        return ON_SMALL_TABLES[harm]

    def is_small(self, table: TableStatistics) -> bool:
        """Return whether nothing that is done to a table takes long."""
        return table.is_small(self.small)

    def is_idle(self, effect: Effect) -> bool:
        """Return whether nobody was seen for a long time who would have to wait for an effect."""
        found = self.table(effect.table)
        traffic = found.traffic if found else None
        if effect.blocks is Blocks.NOTHING:
            return True
        if traffic is None or traffic.window < DAY:
            return False
        reads = traffic.reads if effect.blocks is Blocks.READS_AND_WRITES else 0
        return reads + traffic.writes < SELDOM

    def evidence(self, table: str, effects: Sequence[Effect]) -> Evidence | None:
        """Say how large and busy a table is and how long a lock on it would be held, if the database told.

        `effects` are those of the whole change: the locks on all of its tables are held until it is done.
        """
        if (found := self.table(table)) is None:
            return None
        parts = [
            self._size(table, found),
            self.statistics.scope(self.former.table(table)),
            self._traffic(found),
            self._held(table, effects),
            self._activity(),
        ]
        return Evidence(Basis.LIVE, "; ".join(filter(None, parts)) + ".")

    def _size(self, table: str, found: TableStatistics) -> str:
        if (name := self.former.table(table)) == table:
            table = self.statistics.told_as(name)
        if found.rows == self.small + 1 and not found.counted:
            text = _("{table} has more than {rows} rows").format(table=table, rows=numeral(self.small))
        else:
            text = ngettext("{table} has {rows} row", "{table} has {rows} rows", found.rows)
            text = text.format(table=table, rows=numeral(found.rows))
        return text if found.bytes is None else f"{text} ({megabytes(found.bytes)})"

    def _traffic(self, found: TableStatistics) -> str:
        if found.traffic is None:
            return ""
        return _("on average over the last {window} {reads} reads and {writes} rows written a second").format(
            window=window(found.traffic.window), reads=rate(found.traffic.reads), writes=rate(found.traffic.writes)
        )

    def _held(self, table: str, effects: Sequence[Effect]) -> str:
        waited_for = any(effect.table == table and effect.blocks is not Blocks.NOTHING for effect in effects)
        seconds = held(effects, self.table, self.rates)
        if seconds is None or not waited_for:
            return ""
        return _("the lock would be held for {duration}").format(duration=estimated_duration(seconds))

    def _activity(self) -> str:
        parts = []
        if (self.activity.oldest_transaction or 0) >= 1:
            parts.append(_("the oldest transaction is {age:.0f} s old").format(age=self.activity.oldest_transaction))
        if self.activity.replicas:
            text = ngettext("{count} replica follows", "{count} replicas follow", self.activity.replicas)
            parts.append(text.format(count=self.activity.replicas))
        return "; ".join(parts)


def rate(a_second: float) -> str:
    """Write a rate as a person says it."""
    return numeral(a_second, ".0f" if a_second >= 10 else ".1f")


def megabytes(size: int) -> str:
    """Write a size as a person says it."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        # What would be rounded to a thousand of the smaller unit is one of this.
        if size >= 0.9995 * factor:
            return f"{numeral(size / factor, '.3g')} {unit}"
    return f"{numeral(size / 1e3, '.3g')} kB"
