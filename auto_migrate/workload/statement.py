"""One statement of the running release, and the list of them from one source."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Iterable, Mapping

WORD = re.compile(r"[\w$]+")


@dataclasses.dataclass(frozen=True, slots=True)
class RecordedStatement:
    """A statement without its values: `$1`, `$2`… stand for them.

    `calls` and `roles` are what a server counted. `nulls` are the numbers of the parameters that were NULL at least
    once, None where nobody looked. `vendor` is the database that it was written for.
    """

    text: str
    calls: int | None = None
    roles: tuple[str, ...] = ()
    nulls: frozenset[int] | None = None
    vendor: str = "postgresql"


@dataclasses.dataclass(frozen=True)
class Workload:
    """The statements of one source, as `source` names it in a sentence.

    `gaps` are the reasons for which the list may lack some: only without any does a column that no statement names
    count as unused.
    """

    statements: tuple[RecordedStatement, ...]
    source: str
    gaps: tuple[str, ...] = ()

    @functools.cached_property
    def _by_word(self) -> Mapping[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        for position, statement in enumerate(self.statements):
            for word in WORD.findall(statement.text):
                found.setdefault(word.lower(), set()).add(position)
        return {word: frozenset(positions) for word, positions in found.items()}

    def mentioning(self, names: Iterable[str]) -> list[RecordedStatement]:
        """Return the statements in which all words of one of the names stand, in their order."""
        found: set[int] = set()
        for name in names:
            words = [self._by_word.get(word.lower(), frozenset()) for word in WORD.findall(name)]
            found |= frozenset.intersection(*words) if words else frozenset(range(len(self.statements)))
        return [self.statements[position] for position in sorted(found)]


def together(workloads: Iterable[Workload]) -> Workload:
    """Return several lists as one, with each statement once."""
    every = list(workloads)
    merged: dict[tuple[str, str], RecordedStatement] = {}
    for one in (statement for workload in every for statement in workload.statements):
        key = (one.vendor, one.text)
        merged[key] = _joined(merged[key], one) if key in merged else one
    gaps = tuple(dict.fromkeys(gap for workload in every for gap in workload.gaps))
    return Workload(tuple(merged.values()), ", ".join(workload.source for workload in every), gaps)


def _joined(one: RecordedStatement, other: RecordedStatement) -> RecordedStatement:
    calls = None if one.calls is None and other.calls is None else (one.calls or 0) + (other.calls or 0)
    nulls = None if one.nulls is None or other.nulls is None else one.nulls | other.nulls
    roles = tuple(dict.fromkeys((*one.roles, *other.roles)))
    return dataclasses.replace(one, calls=calls, roles=roles, nulls=nulls)
