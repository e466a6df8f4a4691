from __future__ import annotations

from importlib import import_module

Migration = import_module("tests.projects.bridged.shop.two.0001_initial").Migration
