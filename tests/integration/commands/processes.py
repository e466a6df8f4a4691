"""Commands that run beside a test."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.manage import start_manage


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """Run `manage.py`, with the options of `start_manage`; kill it if the block is left before its end."""
    with start_manage(*arguments, **options) as process:
        try:
            yield process
        finally:
            process.kill()
