"""The hazards, one a module named after its code; each has a page in `docs/hazards/`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping

from auto_migrate.safety.hazard import Hazard


@functools.cache
def hazards() -> Mapping[str, Hazard]:
    """Return every hazard by its code, in the order of the codes."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    found = {kind.code: kind() for kind in Hazard.__subclasses__()}
    return dict(sorted(found.items()))
