"""Skips a test that lacks something, and says at the end what was lacking: a pytest plugin, loaded with `-p`.

Under `CI=true` a test that lacks something fails, unless `TESTS_WITHOUT` hides it on purpose.
"""

from __future__ import annotations

import functools
import os
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest

from tests import requirements
from tests.requirements import Missing, Requirement
from tools.servers import ServerMissing

LACKS = pytest.StashKey[list[ServerMissing]]()


def pytest_configure(config: pytest.Config) -> None:
    try:
        requirements.hide_modules()
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    config.stash[LACKS] = []


# -- a test that lacks something --------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from skipping(item))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    return (yield from skipping(item))


def skipping(item: pytest.Item) -> Generator[None, Any, Any]:
    """Skip the test where it lacks something, wherever in it that shows."""
    lack: ServerMissing | None = None
    result = None
    requirements.ASKED.clear()
    try:
        result = yield
    except ServerMissing as missing:
        lack = missing
    if requirements.ASKED and item.get_closest_marker("optional") is None:
        titles = ", ".join(each.title for each in requirements.ASKED)
        pytest.fail(f"This test uses {titles}, and `is_optional` of {__name__} does not see it.", pytrace=False)
    if lack is None:
        return result
    item.config.stash[LACKS].append(lack)
    if os.environ.get("CI") == "true" and not is_hidden(lack):
        pytest.fail(str(lack), pytrace=False)
    pytest.skip(str(lack))


def is_hidden(lack: ServerMissing) -> bool:
    """Return whether it is lacking on purpose."""
    return isinstance(lack, Missing) and lack.is_hidden


# -- the line at the end ----------------------------------------------------------------------------------------------


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> Generator[None]:
    yield
    if lacks := config.stash[LACKS]:
        terminalreporter.write_line(summary(lacks), yellow=True)


def summary(lacks: list[ServerMissing]) -> str:
    """Return the line that says what was lacking, and the command to have it."""
    hidden = [lack for lack in lacks if is_hidden(lack)]
    wanted = [lack for lack in lacks if not is_hidden(lack)]
    parts = []
    if hidden:
        parts.append(f"{number_of(hidden)} did not run since TESTS_WITHOUT hides {counted(hidden)}.")
    if wanted:
        parts.append(f"{number_of(wanted)} did not run for want of {counted(wanted)}.")
    if remedy := requirements.command({each for lack in wanted for each in getattr(lack, "requirements", ())}):
        parts.append(f"To run them: {remedy}")
    return " ".join(parts)


def number_of(lacks: list[ServerMissing]) -> str:
    """Return how many tests that are."""
    return f"{len(lacks)} test{'' if len(lacks) == 1 else 's'}"


def counted(lacks: list[ServerMissing]) -> str:
    """Return what was lacking, each with the number of tests that lacked it."""
    titles = Counter(title for lack in lacks for title in titles_of(lack))
    return ", ".join(f"{title} ({number})" for title, number in titles.most_common())


def titles_of(lack: ServerMissing) -> list[str]:
    """Return what was lacking, one by one."""
    if not isinstance(lack, Missing):
        return [str(lack)]
    return [each.title for each in lack.requirements if each.is_hidden or not lack.is_hidden]


# -- tests that may lack something ------------------------------------------------------------------------------------


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark it `optional`, for `-m`, if it uses what a machine may lack."""
    if isinstance(item, pytest.Function) and is_optional(item):
        item.add_marker("optional")


def is_optional(item: pytest.Function) -> bool:
    """Return whether the test, a fixture of it, or one that its parameters name uses a `Requirement`."""
    parameters = item.callspec.params.values() if hasattr(item, "callspec") else ()
    names = {*item.fixturenames, *(value for value in parameters if isinstance(value, str))}
    assert item.parent
    return uses_requirement(item.function) or any(fixture_is_optional(item.parent, name) for name in names)


@functools.cache
def fixture_is_optional(parent: pytest.Collector, name: str) -> bool:
    """Return whether a fixture, as the tests of a module see it, or one that it takes uses a `Requirement`."""
    names, seen = [name], set()
    while names:
        if (name := names.pop()) in seen:
            continue
        seen.add(name)
        for definition in parent.session._fixturemanager.getfixturedefs(name, parent) or ():
            if uses_requirement(definition.func):
                return True
            names.extend(definition.argnames)
    return False


@functools.cache
def uses_requirement(function: Callable[..., object]) -> bool:
    """Return whether it names a requirement or what `needs` one, itself or through functions and classes of ours."""
    left: list[Any] = [function]
    seen = set()
    while left:
        used = left.pop()
        if isinstance(used, Requirement) or hasattr(used, "needs"):
            return True
        if used not in seen:
            seen.add(used)
            left.extend(value for value in named_by(used) if isinstance(value, Requirement) or is_ours(value))
    return False


def is_ours(value: object) -> bool:
    """Return whether it is a function or a class of the tests, the place that answers aside."""
    module = getattr(value, "__module__", None) or ""
    return isinstance(value, FunctionType | type) and module.startswith("tests.") and module != requirements.__name__


def named_by(used: Any) -> Iterator[object]:
    """Return the globals that a function names, or what a class is made of."""
    if isinstance(used, type):
        yield from used.__bases__
        yield from vars(used).values()
    elif isinstance(used, FunctionType):
        yield from (used.__globals__.get(name) for name in names_in(used.__code__))


def names_in(code: CodeType) -> Iterator[str]:
    """Return the names in a function and in those that it defines."""
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from names_in(inner)
