"""Operations of the project's own, of which nobody else knows what they do."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


class AddOwnField(migrations.AddField):
    """Also changes the model's options, and not by the state's methods."""

    def state_forwards(self, app_label: str, state: Any) -> None:
        super().state_forwards(app_label, state)
        state.models[app_label, self.model_name_lower].options["verbose_name"] = "own"


def see(apps: Any, schema_editor: Any) -> None:
    """Write down every model with its fields, reverse relations included."""
    lines = [
        f"{model._meta.label} {model._meta.verbose_name}: {sorted(field.name for field in model._meta.get_fields())}"
        for model in apps.get_models(include_auto_created=True)
    ]
    apps.get_model("odd", "Note").objects.create(text="\n".join(sorted(lines)))


class Mixin:
    """A base of a historical model that is no model."""

    def shout(self) -> str:
        return str(self).upper()


class People(models.Manager):  # type: ignore[type-arg] # of any model
    use_in_migrations = True

    def named(self, name: str) -> Any:
        return self.filter(name=name)
