"""The hazards, one a module named after its code, each with a page in `docs/hazards/`; then the project's own."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from auto_migrate.conf import get_settings
from auto_migrate.safety.hazard import Hazard
from auto_migrate.safety.project_hazards import project_hazards


def hazards() -> Mapping[str, Hazard]:
    """Return every hazard by its code; raise `UsageError` if one of the project's own cannot be used."""
    paths = get_settings().HAZARDS
    return {**built_in(), **project_hazards(paths)} if paths else built_in()


@functools.cache
def built_in() -> Mapping[str, Hazard]:
    """Return the package's own hazards by their codes, in the order of the codes."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    # A project's own are subclasses too, as soon as somebody imports them.
    kinds = [kind for kind in Hazard.__subclasses__() if kind.__module__.startswith(f"{__name__}.")]
    return dict(sorted((kind.code, kind()) for kind in kinds))
