"""Code to write instead, in the words of Django's migrations and with the project's own names."""

from __future__ import annotations

from typing import Any

from django.db.migrations.serializer import serializer_factory


def written(value: Any) -> str:
    """Write a field, an index, a constraint or a plain value as a migration file would."""
    code, _imports = serializer_factory(value).serialize()
    return str(code)


def model_name(model: str) -> str:
    """Give the name by which operations of its own app call a model, `app_label.ModelName`."""
    return model.rpartition(".")[2].lower()
