from __future__ import annotations

from importlib import import_module


class Migration(import_module("tests.projects.bridged.shop.three.0004_own_sql").Migration):  # type: ignore[misc] # its base is found at run time
    atomic = False
