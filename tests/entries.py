"""One test for all entries of a catalogue, where a case each would be hundreds that say the same.

    @each_entry("page", PAGES)
    def test_a_page_has_a_title(page: Path) -> None: ...

The function is called with every entry, and what fails is told together, each with its name. It may take fixtures
beside, which all entries share: what starts a process, or leaves something behind, is a case of its own. So is what
one wants to run alone.
"""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

T = TypeVar("T")


def each_entry(
    argument: str, entries: Iterable[T], *, ids: Callable[[T], str] = str, sampled: int = 1
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a test of all entries of a test of one, its argument of that name; `ids` names an entry that fails.

    Of so many entries one is taken, as of cases that are marked `sampled`.
    """
    catalogue = list(entries)[:: 1 if os.environ.get("SWEEP") else sampled]

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def test_all(**fixtures: Any) -> None:
            assert catalogue, "nothing is proven of an empty catalogue"
            failures = []
            for entry in catalogue:
                try:
                    test(**{argument: entry}, **fixtures)
                except Exception as failure:  # noqa: BLE001 # all of them are told below
                    failure.add_note(f"{argument}: {ids(entry)}")
                    failures.append(failure)
            if failures:
                raise ExceptionGroup(f"{len(failures)} of {len(catalogue)} fail", failures)

        parameters = dict(inspect.signature(test).parameters)
        del parameters[argument]
        # pytest looks here for the fixtures that it is to give.
        vars(test_all)["__signature__"] = inspect.Signature(list(parameters.values()))
        return test_all

    return decorate
