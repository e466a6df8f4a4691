"""The module of the tasks, which others than Celery look for in every app."""

from __future__ import annotations

import runpy
import sys
from types import FunctionType

import pytest

from auto_migrate import tasks


def test_a_project_without_celery_can_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "celery", None)
    imported = runpy.run_path(tasks.__file__)
    assert isinstance(imported["run_migrations"], FunctionType)


def test_a_celery_that_is_broken_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "celery")
    monkeypatch.setitem(sys.modules, "kombu", None)
    monkeypatch.setattr(sys, "path_importer_cache", {})
    for name in [name for name in sys.modules if name.startswith("celery.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match="kombu"):
        runpy.run_path(tasks.__file__)
