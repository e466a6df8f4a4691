"""Where in the project's code something was raised, for people who have to mend it."""

from __future__ import annotations

import functools
import os
import sysconfig
import traceback
from pathlib import Path

import django
from django.apps import apps as registry
from django.utils.translation import gettext as _

from auto_migrate.databases.faults import causes

# Beside a file's own place, the parts of one's path that tell that it was installed.
INSTALLED = ("site-packages", "dist-packages")


def raised_at(error: BaseException) -> list[str]:
    """Return the line that tells where, if the code of the project or of an app was at work."""
    return [_("Raised at {place}.").format(place=place)] if (place := place_of(error)) else []


def place_of(error: BaseException) -> str:
    """Return file and line of the project's own code that raised, or that Python could not read.

    Else those of an app that was installed; empty where nobody but libraries and Python was at work.
    """
    installed, apps = "", tuple(config.path for config in registry.get_app_configs())
    for cause in causes(error):
        if isinstance(cause, SyntaxError) and cause.filename:
            return f"{cause.filename}:{cause.lineno}"
        for frame in reversed(traceback.extract_tb(cause.__traceback__)):
            is_installed = any(folder in Path(frame.filename).parts for folder in INSTALLED)
            # What was compiled names files that are nowhere.
            if frame.filename.startswith(_libraries(installed=is_installed)) or not os.path.isabs(frame.filename):
                continue
            if not is_installed:
                return f"{frame.filename}:{frame.lineno}"
            if frame.filename.startswith(apps):
                installed = installed or f"{frame.filename}:{frame.lineno}"
    return installed


@functools.cache
def _libraries(*, installed: bool) -> tuple[str, ...]:
    """Return how the names of files begin that nobody can mend; packages are installed below Python's own folder."""
    own = ("<", str(Path(django.__file__).parent), str(Path(__file__).parents[1]))
    python = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    return own if installed else (*own, *python)
