"""A test of a catalogue fails for each entry that is wrong, and tells them all."""

from __future__ import annotations

import inspect

import pytest

from tests.entries import each_entry


def test_every_failure_is_told_with_its_entry() -> None:
    seen = []

    @each_entry("number", range(5), ids="number {}".format)
    def test_even(number: int) -> None:
        seen.append(number)
        assert number % 2 == 0

    with pytest.raises(ExceptionGroup, match="2 of 5 fail") as caught:
        test_even()
    assert seen == [0, 1, 2, 3, 4]
    assert [failure.__notes__ for failure in caught.value.exceptions] == [["number: number 1"], ["number: number 3"]]


def test_nothing_is_proven_of_an_empty_catalogue() -> None:
    @each_entry("number", [])
    def test_any(number: int) -> None:
        pass

    with pytest.raises(AssertionError, match="empty"):
        test_any()


def test_fixtures_are_asked_for_and_the_entry_is_not() -> None:
    given = []

    @each_entry("number", [1, 2])
    def test_both(number: int, folder: str) -> None:
        given.append((number, folder))

    assert list(inspect.signature(test_both).parameters) == ["folder"]
    test_both(folder="here")
    assert given == [(1, "here"), (2, "here")]
