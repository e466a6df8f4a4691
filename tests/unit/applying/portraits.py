"""What there is to see of historical models, as values that can be compared."""

from __future__ import annotations

from typing import Any

from django.apps.registry import Apps
from django.db import models


def portraits(apps: Apps) -> dict[str, Any]:
    """Describe all models of a registry, and the order in which it gives them."""
    everything = apps.get_models(include_auto_created=True, include_swapped=True)
    return {
        "order": [model._meta.label for model in apps.get_models()],
        "all": [model._meta.label for model in everything],
        "configs": [
            (config.label, config.name, [model._meta.label for model in config.get_models(include_auto_created=True)])
            for config in apps.get_app_configs()
        ],
        "names": {label: list(named) for label, named in apps.all_models.items() if named},
        "models": {model._meta.label: portrait(model) for model in everything},
    }


def portrait(model: type[models.Model]) -> dict[str, Any]:
    """Describe one model with its fields, relations both ways, managers and attributes."""
    options = model._meta
    return {
        "name": (model.__module__, model.__qualname__, options.label, options.object_name, model.__doc__),
        "bases": [base.__module__ + "." + base.__qualname__ for base in model.__mro__],
        "parents": [(parent._meta.label, link and link.name) for parent, link in options.parents.items()],
        "concrete": options.concrete_model and options.concrete_model._meta.label,
        "table": (options.db_table, options.managed, options.proxy, options.swapped, bool(options.auto_created)),
        "options": {
            name: repr(getattr(options, name))
            for name in ("ordering", "unique_together", "indexes", "constraints", "verbose_name", "get_latest_by")
        },
        "fields": [field_portrait(field) for field in options.get_fields(include_hidden=True)],
        "related": [relation.name for relation in options.related_objects],
        "many": [field.name for field in options.many_to_many],
        "pk": options.pk and options.pk.name,
        "managers": [
            (manager.name, type(manager).__name__, manager.auto_created, manager.use_in_migrations)
            for manager in options.managers
        ],
        "default": [getattr(manager, "name", None) for manager in (options.default_manager, options.base_manager)],
        "attributes": {name: kind_of(model, name) for name in attributes(model)},
    }


def attributes(model: type[models.Model]) -> list[str]:
    """Name what a historical model has that no plain model has."""
    return sorted(name for name in dir(model) if not hasattr(models.Model, name) and not name.startswith("__"))


def kind_of(model: type[models.Model], name: str) -> str:
    """Return what kind of thing an attribute is; a swapped model refuses to show its managers."""
    try:
        return type(getattr(model, name)).__name__
    except AttributeError as error:
        return str(error)


def field_portrait(field: Any) -> tuple[Any, ...]:
    """Describe a field, or the other end of one."""
    target = field.related_model and field.related_model._meta.label
    if field.auto_created and not field.concrete:
        through = getattr(field, "through", None)
        return (
            "reverse", type(field).__name__, field.name, field.get_accessor_name(), target, field.field.name,
            field.model._meta.label, through and through._meta.label,
        )  # fmt: skip
    through = field.remote_field and getattr(field.remote_field, "through", None)
    return (
        field.name, getattr(field, "column", None), field.model._meta.label, target, repr(field.deconstruct()[1:]),
        [key.name for key in getattr(field, "foreign_related_fields", ())],
        through and (through._meta.label, through._meta.db_table),
    )  # fmt: skip
