"""Models that are rendered when they are asked for, beside those that Django renders all at once."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest
from django.contrib.auth.models import UserManager
from django.db import migrations as m
from django.db import models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ModelState, ProjectState, StateApps
from django.test import override_settings

from auto_migrate.applying.states.lazy_state import LazyState, advance, djangos, foresee, is_known, state_for
from auto_migrate.applying.states.registry import ExplorableApps, LazyApps
from tests.unit.applying.portraits import portrait, portraits

Step = tuple[str, Operation]
S = TypeVar("S", bound=ProjectState)


class Mixin:
    """What a model's class may come from beside models."""

    shout = "!"


class Described(models.Model):
    """An abstract model that a migration names as a base, with a relation of its own."""

    owner = models.ForeignKey("library.Author", models.CASCADE, null=True, related_name="%(class)s_of_%(app_label)s")

    class Meta:
        abstract = True
        app_label = "library"


class LoudKey(models.ForeignKey):  # type: ignore[type-arg]
    """A relation that does more to the other model than Django's."""

    def contribute_to_related_class(self, cls: type[models.Model], related: Any) -> None:
        super().contribute_to_related_class(cls, related)
        cls.heard = related.related_model.__name__  # type: ignore[attr-defined]


def pk() -> tuple[str, models.Field[Any, Any]]:
    return "id", models.BigAutoField(primary_key=True)


def key(to: str, **options: Any) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(to, models.CASCADE, **options)


_LIBRARY: Sequence[Step] = [
    ("library", m.CreateModel("Author", [pk(), ("name", models.CharField(max_length=9, unique=True))])),
    ("library", m.CreateModel("Tag", [pk(), ("parent", key("self", null=True, related_name="children"))])),
    (
        "library",
        m.CreateModel(
            "Book",
            [pk(), ("author", key("library.Author")), ("tags", models.ManyToManyField("library.Tag"))],
            options={"ordering": ["id"], "default_related_name": "%(model_name)s_things"},
            bases=(Mixin, models.Model),
            managers=[("people", UserManager())],
        ),
    ),
    ("shop", m.CreateModel("Order", [pk(), ("book", models.OneToOneField("library.Book", models.CASCADE))])),
    (
        "shop",
        m.CreateModel(
            "Line",
            [
                pk(),
                ("order", key("shop.Order", related_name="lines")),
                ("author", key("library.Author", to_field="name", related_name="+")),
                ("friends", models.ManyToManyField("self")),
            ],
        ),
    ),
    ("shop", m.CreateModel("Fan", [pk(), ("line", key("shop.Line")), ("author", key("library.Author"))])),
    (
        "shop",
        m.AddField("Line", "fans", models.ManyToManyField("library.Author", related_name="idols", through="shop.Fan")),
    ),
    (
        "shop",
        m.CreateModel(
            "Rush",
            [
                (
                    "order_ptr",
                    models.OneToOneField(
                        "shop.Order", models.CASCADE, parent_link=True, auto_created=True, primary_key=True
                    ),
                ),
                ("by", models.DateField(null=True)),
            ],
            bases=("shop.order",),
        ),
    ),
    ("shop", m.CreateModel("Hurry", [], options={"proxy": True}, bases=("shop.rush",))),
    # Django makes the link to the parent where a migration leaves it out.
    ("shop", m.CreateModel("Bulk", [("size", models.IntegerField())], bases=("shop.order",))),
    ("notes", m.CreateModel("Note", [pk(), ("hurry", key("shop.Hurry")), ("rush", key("shop.Rush"))])),
    ("notes", m.CreateModel("Loud", [pk(), ("author", LoudKey("library.Author", models.CASCADE))])),
    ("notes", m.CreateModel("Inherits", [pk()], bases=(Described,))),
    ("notes", m.CreateModel("Page", [pk(), ("note", key("notes.Note")), ("at", models.IntegerField(default=0))])),
    ("notes", m.AlterOrderWithRespectTo("page", "note")),
    # What is made with another model, for its many-to-many field, can be extended as well.
    ("notes", m.CreateModel("BookTags", [], options={"proxy": True}, bases=("library.book_tags",))),
    ("notes", m.CreateModel("Tagging", [pk(), ("tagged", key("notes.BookTags", related_name="taggings"))])),
    ("notes", m.CreateModel("Reason", [pk(), ("row", key("library.book_tags", related_name="reasons"))])),
    ("auth2", m.CreateModel("User", [pk()], options={"swappable": "AUTH_USER_MODEL"})),
    ("auth2", m.CreateModel("Profile", [pk(), ("user", models.OneToOneField("auth2.User", models.CASCADE))])),
]

_CHANGES: Sequence[Step] = [
    ("library", m.AddField("Author", "born", models.DateField(null=True))),
    ("library", m.AlterField("Author", "name", models.CharField(max_length=20, unique=True))),
    ("library", m.AddField("Author", "mentor", key("library.Author", null=True, related_name="pupils"))),
    ("library", m.RenameField("Author", "name", "title")),
    ("library", m.RenameModel("Tag", "Label")),
    ("library", m.AddIndex("Book", models.Index(fields=["author"], name="by_author"))),
    ("library", m.RenameIndex("Book", new_name="of_author", old_name="by_author")),
    ("library", m.RemoveIndex("Book", "of_author")),
    ("library", m.AddConstraint("Book", models.CheckConstraint(condition=models.Q(id__gt=0), name="positive"))),
    ("library", m.RemoveConstraint("Book", "positive")),
    ("library", m.AlterUniqueTogether("Book", {("author", "id")})),
    ("library", m.AlterModelOptions("Book", {"verbose_name": "tome"})),
    ("library", m.AlterModelManagers("Book", [("objects", models.Manager())])),
    ("library", m.AlterModelTable("Book", "tomes")),
    ("shop", m.RemoveField("Line", "friends")),
    ("shop", m.AlterField("Line", "order", models.OneToOneField("shop.Order", models.CASCADE))),
    ("shop", m.RenameModel("Fan", "Admirer")),
    ("notes", m.AlterOrderWithRespectTo("page", None)),
    ("notes", m.DeleteModel("Page")),
    ("notes", m.DeleteModel("Loud")),
]


def library() -> Sequence[Step]:
    """Return the operations that make the models; Django changes the fields of operations when it renames."""
    return copy.deepcopy(_LIBRARY)


def changes() -> Sequence[Step]:
    """Return operations of every kind that change them."""
    return copy.deepcopy(_CHANGES)


def forwards(state: S, steps: Sequence[Step]) -> S:
    for app_label, operation in steps:
        operation.state_forwards(app_label, state)
    return state


def explorable(state: LazyState) -> StateApps:
    """Return the registry that `RunPython` gets."""
    twin = state.clone()
    twin.clear_delayed_apps_cache()
    assert isinstance(twin.apps, ExplorableApps)
    return twin.apps


def everything(state: ProjectState) -> StateApps:
    """Return the registry that Django renders of the same models."""
    return StateApps(list(state.real_apps), {key: model.clone() for key, model in state.models.items()})


STEPS = [*_LIBRARY, *_CHANGES]


@pytest.mark.parametrize("count", range(1, len(STEPS) + 1), ids=lambda count: STEPS[count - 1][1].describe())
def test_all_models_are_those_that_django_renders_in_its_order(count: int) -> None:
    django = forwards(ProjectState(), [*library(), *changes()][:count])
    ours = forwards(LazyState(), [*library(), *changes()][:count])
    assert portraits(explorable(ours)) == portraits(everything(django))


@pytest.mark.parametrize("count", [len(_LIBRARY), len(STEPS)], ids=["made", "changed"])
def test_each_model_is_what_django_renders_whichever_is_asked_for_first(count: int) -> None:
    django = everything(forwards(ProjectState(), [*library(), *changes()][:count]))
    ours = forwards(LazyState(), [*library(), *changes()][:count])
    for expected in django.get_models(include_auto_created=True, include_swapped=True):
        apps = explorable(ours)
        found = apps.get_model(expected._meta.app_label, expected._meta.object_name)
        assert portrait(found) == portrait(expected)
        found_sharing = ours.apps.get_model(expected._meta.label)
        assert portrait(found_sharing)["fields"] == portrait(expected)["fields"]


def test_a_state_is_as_it_was_after_every_change_to_its_copy() -> None:
    """What was not rendered before the change is rendered as it was before it, and shared classes answer for it."""
    ours, django = forwards(LazyState(), library()), forwards(ProjectState(), library())
    for step in changes():
        before, expected = ours.clone(), everything(django)
        forwards(ours, [step])
        forwards(django, [step])
        assert ours == django
        for model in expected.get_models(include_auto_created=True):
            label = model._meta.label
            assert portrait(before.apps.get_model(label))["fields"] == portrait(model)["fields"]
        assert portraits(explorable(before)) == portraits(expected)


def test_only_what_is_asked_for_is_rendered_and_what_somebody_looks_at() -> None:
    apps = explorable(forwards(LazyState(), library()))
    assert isinstance(apps, LazyApps)
    book = apps.get_model("library.Book")
    assert apps.known(("library", "author")) is None
    assert book._meta.get_field("author").related_model is apps.known(("library", "author"))
    assert apps.known(("shop", "order")) is None
    assert book.order is not None
    assert apps.known(("shop", "order")) is not None


def test_the_other_end_is_rendered_for_a_copy_of_the_field_too() -> None:
    apps = explorable(forwards(LazyState(), library()))
    copied = copy.deepcopy(apps.get_model("library.Book")._meta.get_field("author"))
    assert copied.remote_field.model is apps.get_model("library.Author")


def test_a_foreign_key_is_compared_and_shown_as_djangos() -> None:
    state = forwards(LazyState(), library())
    ours, django = (
        apps.get_model("library.Book")._meta.get_field("author") for apps in (state.apps, everything(state))
    )
    assert repr(ours.remote_field) == repr(django.remote_field)
    assert isinstance(ours.remote_field, models.ManyToOneRel)
    assert ours.remote_field == copy.copy(ours.remote_field)
    assert hash(ours.remote_field) == hash(copy.copy(ours.remote_field))


def test_a_state_looked_ahead_from_stays_as_it_is_and_keeps_no_way_that_was_gone() -> None:
    state, steps = forwards(LazyState(), library()), changes()[:1]
    label, operation = steps[0]
    foreseen = foresee(state, label, [operation])
    assert "born" not in state.models["library", "author"].fields
    _before, after = advance(state, label, operation)
    assert after is foreseen
    assert state.foreseen is None


def test_what_one_run_python_does_to_a_model_no_other_sees() -> None:
    state = forwards(LazyState(), library())
    explorable(state).get_model("library.Author")._meta.get_field("name").default = "changed"
    assert not explorable(state).get_model("library.Author")._meta.get_field("name").has_default()
    assert not state.apps.get_model("library.Author")._meta.get_field("name").has_default()


@pytest.mark.parametrize("name", ["get", "[]", "in", "config"])
def test_every_way_to_look_a_model_up_finds_it(name: str) -> None:
    apps = explorable(forwards(LazyState(), library()))
    ways: dict[str, Any] = {
        "get": lambda: apps.all_models["library"].get("book"),
        "[]": lambda: apps.all_models["library"]["book"],
        "in": lambda: "book" in apps.all_models["library"] and apps.get_registered_model("library", "Book"),
        "config": lambda: apps.get_app_config("library").get_model("Book"),
    }
    assert ways[name]()._meta.label == "library.Book"


@pytest.mark.parametrize("label", ["library.Nothing", "nowhere.Book"])
def test_a_model_that_is_not_there_is_missed_in_djangos_words(label: str) -> None:
    state = forwards(LazyState(), library())
    with pytest.raises(LookupError) as django:
        everything(state).get_model(label)
    for apps in (explorable(state), state.apps):
        with pytest.raises(LookupError) as ours:
            apps.get_model(label)
        assert str(ours.value) == str(django.value)


def test_an_automatic_table_is_found_by_its_own_name() -> None:
    state = forwards(LazyState(), library())
    assert explorable(state).get_model("library", "Book_tags")._meta.auto_created._meta.label == "library.Book"
    assert state.apps.get_model("library.Book_tags")._meta.db_table == "library_book_tags"


def test_a_swapped_user_is_swapped() -> None:
    state = forwards(LazyState(), library())
    with override_settings(AUTH_USER_MODEL="library.Author"):
        assert explorable(state).get_model("auth2.User")._meta.swapped == "library.Author"
        assert portraits(explorable(state)) == portraits(everything(state))


def test_models_of_apps_without_migrations_are_there_without_their_relations() -> None:
    state, django = LazyState(real_apps={"auth"}), ProjectState(real_apps={"auth"})
    assert portraits(explorable(state)) == portraits(everything(django))
    assert portrait(state.apps.get_model("auth.Group")) == portrait(django.apps.get_model("auth.Group"))


def test_a_relation_to_nowhere_is_refused_in_djangos_words() -> None:
    state = forwards(LazyState(), [("library", m.CreateModel("Lost", [pk(), ("to", key("no.Where"))]))])
    with pytest.raises(ValueError, match="lazy reference") as django:
        everything(state)
    state.clear_delayed_apps_cache()
    with pytest.raises(ValueError, match="lazy reference") as ours:
        _ = state.apps
    assert str(ours.value) == str(django.value)


def test_a_model_added_to_a_class_afterwards_is_found_from_the_other_end() -> None:
    apps = explorable(forwards(LazyState(), library()))
    tag, author = apps.get_model("library.Tag"), apps.get_model("library.Author")
    tag.add_to_class("inventor", key("library.Author", related_name="inventions"))
    assert author._meta.get_field("inventions").related_model is tag


def test_a_copy_of_a_registry_has_models_of_its_own() -> None:
    state = forwards(LazyState(), library())
    for apps in (explorable(state), state.apps):
        assert portraits(apps.clone())["order"] == portraits(everything(state))["order"]


def test_instances_can_be_pickled_as_djangos() -> None:
    state = forwards(LazyState(), library())
    with pytest.raises(LookupError) as django:
        pickle.loads(pickle.dumps(everything(state).get_model("library.Author")(name="x")))
    with pytest.raises(LookupError) as ours:
        pickle.loads(pickle.dumps(explorable(state).get_model("library.Author")(name="x")))
    assert str(ours.value) == str(django.value)


class OwnAddField(m.AddField):
    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        super().state_forwards(app_label, state)
        state.models[app_label, "author"].options["verbose_name"] = "changed in place"


class OwnRunPython(m.RunPython):
    reduces_to_sql = True


def test_operations_are_known_by_who_wrote_what_they_do() -> None:
    assert all(is_known(operation) for _app_label, operation in [*library(), *changes()])
    assert is_known(OwnRunPython(m.RunPython.noop))
    own = OwnAddField("Author", "x", models.IntegerField(null=True))
    assert not is_known(own)
    assert not is_known(m.SeparateDatabaseAndState(state_operations=[own]))
    assert not is_known(m.RunSQL("", state_operations=[own]))


def test_an_unknown_operation_gets_djangos_own_state_and_changes_no_other() -> None:
    ours = forwards(LazyState(), library())
    own = OwnAddField("Author", "x", models.IntegerField(null=True))
    state = state_for(own, ours)
    assert type(state) is ProjectState
    assert type(state.apps) is StateApps
    own.state_forwards("library", state)
    assert "x" in state.models["library", "author"].fields
    assert "x" not in ours.models["library", "author"].fields
    assert "verbose_name" not in ours.models["library", "author"].options


def test_djangos_own_state_stays_until_django_would_render_everything_again() -> None:
    state: ProjectState = djangos(forwards(LazyState(), library()))
    _ = state.apps
    change = m.AlterModelOptions("Author", {"verbose_name": "writer"})
    assert state_for(change, state) is state
    change.state_forwards("library", state)
    resumed = state_for(m.RunPython(m.RunPython.noop), state)
    assert isinstance(resumed, LazyState)
    assert resumed == state


def test_a_state_given_back_to_django_shares_nothing() -> None:
    ours = forwards(LazyState(), library())
    given = djangos(ours)
    assert given == ours
    assert all(given.models[key] is not model for key, model in ours.models.items())
    assert isinstance(given.models["library", "author"], ModelState)


def test_copies_share_what_is_rendered_until_one_changes() -> None:
    state = forwards(LazyState(), library())
    twin = state.clone()
    assert isinstance(state.apps, LazyApps)
    assert state.clone().apps is state.apps
    forwards(twin, changes()[:1])
    assert twin.apps is not state.apps
