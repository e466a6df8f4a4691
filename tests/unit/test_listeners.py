"""What can never hear anything is refused by name; whatever may be able to is taken."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from auto_migrate.exceptions import UsageError
from auto_migrate.listeners import load_listener
from tests.entries import each_entry

HERE = "tests.unit.test_listeners"


def one(event: object) -> None: ...


def by_name(event: object, *, context: object) -> None: ...


async def coroutine(event: object, context: object) -> None: ...


def generator(event: object, context: object) -> Iterator[None]:
    yield


class NeedsArguments:
    def __init__(self, address: str) -> None: ...

    def __call__(self, event: object, context: object) -> None: ...


class TakesOne:
    def __call__(self, event: object) -> None: ...


class Awaited:
    async def __call__(self, event: object, context: object) -> None: ...


awaited = Awaited()

REFUSED = {
    "one": "it is called with two arguments",
    "by_name": "it is called with two arguments",
    "TakesOne": "it is called with two arguments",
    "coroutine": "a coroutine or a generator does nothing",
    "generator": "a coroutine or a generator does nothing",
    "Awaited": "a coroutine or a generator does nothing",
    "awaited": "a coroutine or a generator does nothing",
    "NeedsArguments": "it cannot be instantiated without arguments",
}


@each_entry("name", REFUSED)
def test_what_cannot_hear_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_listener(f"{HERE}.{name}")
    assert f"AUTO_MIGRATE['LISTENERS']: {HERE}.{name} cannot be used: {REFUSED[name]}" in refused.value.message


def any_number(*arguments: object) -> None: ...


def with_more(event: object, context: object, more: object = None) -> None: ...


def three(more: object, event: object, context: object) -> None: ...


def handing_on(function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def wrapper(*arguments: Any) -> None:
        function("more", *arguments)

    return wrapper


wrapped = handing_on(three)
partial = functools.partial(three, "more")


class Static:
    @staticmethod
    def __call__(event: object, context: object) -> None: ...


class Instance:
    def __call__(self, event: object, context: object) -> None: ...


instance = Instance()
bound = instance.__call__


@each_entry(
    "name", ["any_number", "with_more", "wrapped", "partial", "Static", "Instance", "instance", "bound", "print"]
)
def test_what_can_hear_is_taken(name: str) -> None:
    path = "builtins.print" if name == "print" else f"{HERE}.{name}"
    assert callable(load_listener(path))
