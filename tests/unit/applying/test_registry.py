"""What data migrations may do to the models that they are given, beyond looking at them."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from django.db import migrations as m
from django.db import models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState, StateApps
from django.db.models.fields.related import lazy_related_operation
from django.db.models.signals import class_prepared

from auto_migrate.applying.states.lazy_state import LazyState, advance, is_known

COUNT = 40


class Tied(models.IntegerField):  # type: ignore[type-arg] # the stubs alone make it generic
    """A plain field that does something to another model as well."""

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)

        def tie(model: Any, other: Any) -> None:
            model.other, other.tied = other, model

        lazy_related_operation(tie, cls, "shop.Author")


class Tracked:
    """A base that keeps those who extend it."""

    registry: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Tracked.registry[cls.__name__] = cls


class Wrapped(m.AddField):
    """An operation that only goes by the name of Django's."""

    @functools.wraps(m.AddField.state_forwards)
    def state_forwards(  # type: ignore[override] # as the stubs see what is wrapped
        self, app_label: str, state: ProjectState
    ) -> None:
        super().state_forwards(app_label, state)
        state.models[app_label, self.model_name_lower].options["db_table"] = "other"


def pk() -> tuple[str, models.Field[Any, Any]]:
    return "id", models.BigAutoField(primary_key=True)


def shop() -> LazyState:
    """Return a state of two models, one of which points to the other."""
    state = LazyState()
    m.CreateModel("Author", [pk(), ("name", models.TextField())]).state_forwards("shop", state)
    key = models.ForeignKey("shop.Author", models.CASCADE, related_name="books")
    m.CreateModel("Book", [pk(), ("author", key)]).state_forwards("shop", state)
    state.is_delayed = False
    return state


def given(state: ProjectState) -> tuple[StateApps, ProjectState]:
    """Return what a data migration is given that runs now, and the state after it."""
    before, after = advance(state, "shop", m.RunPython(m.RunPython.noop))
    before.clear_delayed_apps_cache()
    return before.apps, after


def test_what_is_kept_from_one_data_migration_is_of_the_next_ones_models() -> None:
    first, state = given(shop())
    second, _state = given(state)
    assert second.get_model("shop.Book") is first.get_model("shop.Book")


@pytest.mark.parametrize(
    "between",
    [
        m.AlterModelOptions("Book", {"ordering": ["id"]}),
        m.CreateModel("Tag", [pk()]),
        m.AddField("Book", "pages", models.IntegerField(null=True)),
        m.DeleteModel("Book"),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_changes_the_models_gives_the_next_data_migration_its_own(between: Operation) -> None:
    first, state = given(shop())
    _before, state = advance(state, "shop", between)
    second, _state = given(state)
    assert second.get_model("shop.Author") is not first.get_model("shop.Author")


def test_where_django_renders_everything_again_each_data_migration_has_its_own() -> None:
    state = shop()
    state.is_delayed = True
    first, after = given(state)
    second, _state = given(after)
    assert second.get_model("shop.Book") is not first.get_model("shop.Book")


@pytest.mark.parametrize("way", ["unregister_model", "del", "pop"])
def test_a_model_that_is_taken_out_stays_out_of_this_registry_alone(way: str) -> None:
    apps, state = given(shop())
    if way == "unregister_model":
        apps.unregister_model("shop", "book")
    elif way == "del":
        del apps.all_models["shop"]["book"]
    else:
        assert apps.all_models["shop"].pop("book").__name__ == "Book"
    with pytest.raises(LookupError):
        apps.get_model("shop.Book")
    assert [model.__name__ for model in apps.get_models()] == ["Author"]
    assert apps.all_models["shop"].pop("book", None) is None
    other, _state = given(state)
    assert other.get_model("shop.Book").__name__ == "Book"


@pytest.mark.parametrize("first", ["shop.Author", "shop.Ring"])
def test_what_a_plain_field_ties_together_is_tied_whichever_is_asked_for_first(first: str) -> None:
    state = shop()
    m.CreateModel("Ring", [pk(), ("size", Tied())]).state_forwards("shop", state)
    apps, _state = given(state)
    apps.get_model(first)
    ring: Any = apps.get_model("shop.Ring")
    author: Any = apps.get_model("shop.Author")
    assert (ring.other, author.tied) == (author, ring)


def test_a_base_that_keeps_its_subclasses_has_those_of_the_data_migration() -> None:
    state = shop()
    m.CreateModel("Kept", [pk()], bases=(Tracked, models.Model)).state_forwards("shop", state)
    apps, _state = given(state)
    assert Tracked.registry["Kept"] is apps.get_model("shop.Kept")


@pytest.fixture
def prepared() -> Iterator[list[str]]:
    """Listen to models being prepared, and return their names."""
    names: list[str] = []

    def note(sender: Any, **_signal: Any) -> None:
        names.append(sender.__name__)

    class_prepared.connect(note)
    yield names
    class_prepared.disconnect(note)


def test_who_listens_to_models_hears_of_all_of_them(prepared: list[str]) -> None:
    apps, _state = given(shop())
    apps.get_model("shop.Author")
    assert {"Author", "Book"} <= set(prepared)


def test_an_operation_that_wraps_djangos_is_not_taken_for_it() -> None:
    assert not is_known(Wrapped("Author", "n", models.IntegerField(default=1)))
    state: Any = shop()
    before, state = advance(state, "shop", Wrapped("Author", "n", models.IntegerField(default=1)))
    assert before.apps.get_model("shop.Author")._meta.db_table == "shop_author"


def test_threads_of_one_data_migration_get_whole_models() -> None:
    state = LazyState()
    for number in range(COUNT):
        many: list[Any] = [("next", models.ManyToManyField(f"shop.M{number - 1}"))] if number else []
        m.CreateModel(f"M{number}", [pk(), *many]).state_forwards("shop", state)
    apps, _state = given(state)
    together = threading.Barrier(8)

    def look(number: int) -> list[str]:
        if number < 8:
            together.wait()
        model = apps.get_model(f"shop.M{number % COUNT}")
        return sorted(field.name for field in model._meta.get_fields())

    expected = StateApps([], {key: found.clone() for key, found in state.models.items()})
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(look, range(4 * COUNT)))
    for number, names in enumerate(found):
        model = expected.get_model(f"shop.M{number % COUNT}")
        assert names == sorted(field.name for field in model._meta.get_fields())
