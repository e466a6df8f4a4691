"""Connections as they are made anew in the middle of something, by whomever."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created


@contextlib.contextmanager
def each_new(wrapper: BaseDatabaseWrapper, set_up: Callable[[], None]) -> Iterator[None]:
    """Call `set_up` whenever Django connects within the block.

    It does so by itself at the next statement after a connection was closed or lost, and nobody is asked.
    """

    def receive(*, connection: BaseDatabaseWrapper, **_: Any) -> None:
        if connection is wrapper:
            set_up()

    connection_created.connect(receive, weak=False)
    try:
        yield
    finally:
        connection_created.disconnect(receive)
