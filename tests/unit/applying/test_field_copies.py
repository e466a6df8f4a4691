"""Fields are copied as Django clones them."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import models
from django.db.models.fields.related import RelatedField

from auto_migrate.applying.states.field_copies import copied


def names() -> list[tuple[str, str]]:
    return [("a", "A")]


class Own(models.IntegerField):  # type: ignore[type-arg] # which has none when it runs
    """A field of a project's own."""

    made = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        Own.made += 1
        super().__init__(*args, **options)


FIELDS: list[Any] = [
    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
    models.CharField("name", max_length=3, choices=names, default=str, validators=[print], db_index=True),
    models.DecimalField(max_digits=3, decimal_places=1, null=True, blank=True, db_column="other"),
    models.DateTimeField(auto_now_add=True, error_messages={"null": "no"}),
    models.IntegerField(db_default=3, help_text="text", unique=True),
    models.JSONField(default=dict),
    models.ForeignKey("shop.Item", models.CASCADE, related_name="%(class)s_of", limit_choices_to={"a": 1}),
    models.ForeignKey("self", models.SET_NULL, null=True, to_field="name", db_constraint=False, related_name="+"),
    models.OneToOneField("shop.Item", models.CASCADE, parent_link=True, primary_key=True),
    models.ManyToManyField("shop.Item", through="shop.Through", through_fields=("a", "b"), related_query_name="q"),
    models.ManyToManyField("self", symmetrical=False, db_table="table"),
]


def parts(field: Any) -> dict[str, Any]:
    """What a field, or its other end, consists of; names of models may be written in capitals or not."""
    own = {name: value for name, value in vars(field).items() if name not in {"creation_counter", "field"}}
    if isinstance(field, models.Field):
        own["validators"] = field.validators
    if (other := own.pop("remote_field", None)) is not None:
        assert other.field is field
        own["remote_field"] = type(other), parts(other)
    model = own.get("model")
    return {**own, **({"model": model.lower()} if isinstance(model, str) else {})}


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: type(field).__name__)
def test_a_copy_is_what_a_clone_is_and_comes_last_of_its_model(field: Any) -> None:
    if isinstance(field, RelatedField):
        # What somebody has asked for is known of this one alone.
        _ = field.remote_field.hidden, field.related_model
    _ = field.validators, field._get_default, field.error_messages
    earlier, copy, clone = field.clone(), copied(field), field.clone()
    assert type(copy) is type(clone)
    assert parts(copy) == parts(clone)
    assert copy.deconstruct() == clone.deconstruct()
    assert (earlier < copy < clone) is not field.auto_created


def test_a_field_of_somebody_elses_or_of_a_model_is_cloned() -> None:
    own = Own()
    made = Own.made
    assert copied(own).deconstruct() == own.deconstruct()
    assert Own.made == made + 1
    bound = models.IntegerField()
    bound.set_attributes_from_name("price")
    assert copied(bound).name is None
