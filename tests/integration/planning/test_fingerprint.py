"""The fingerprint never says up to date where the long way would not, and says it wherever nothing has changed."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.planning import project_changes as changes
from tests.integration.planning.project_changes import CHANGES, HARMLESS, Change
from tests.integration.planning.tiny import RECEIVERS, Look, Tiny

APPS = st.sampled_from(["shop", "stock"])
APPS_ALONE = """
from django.apps import AppConfig


class Config(AppConfig):
    name = "{app}"
    label = "{app}"
"""
WANTING = """
from django.db import connection
from django.db.migrations.loader import MigrationLoader


def note(sender, **kwargs): ...


def want(sender, plan, **kwargs):
    if not plan:
        plan.append((MigrationLoader(connection).get_migration("shop", "0002_more"), False))
"""
SEQUENCES = 40 if "SWEEP" in os.environ else 10
STEPS = st.lists(st.tuples(st.sampled_from([*CHANGES, *HARMLESS]), APPS), min_size=2, max_size=4)


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Return a project whose database is up to date, and knows it."""
    tiny = Tiny(tmp_path_factory.mktemp("tiny") / "project").write()
    assert tiny.run().code == 0
    return tiny


@pytest.fixture
def tiny(original: Tiny, tmp_path: Path) -> Tiny:
    """Return a copy of the project that may be changed."""
    return original.copy(tmp_path / "copy")


def check(look: Look) -> None:
    """Hold every quick answer to the answer of the long way."""
    if look.known:
        assert look.long == "up_to_date"
    if look.long in {"up_to_date", "ahead"} or look.quick in {"up_to_date", "ahead"}:
        assert look.quick == look.long
    else:
        # A probe does not look for the reason why nobody may come.
        assert {look.quick, look.long} <= {"behind", "diverged"} or look.quick == look.long


@pytest.mark.sampled(3)
@pytest.mark.parametrize("app", ["shop", "stock"])
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_change_takes_the_long_way(tiny: Tiny, change: Change, app: str) -> None:
    change(tiny, app)
    look = tiny.look()
    assert not look.known
    check(look)


@pytest.mark.parametrize("change", HARMLESS, ids=lambda change: change.__name__)
def test_what_changes_nothing_takes_the_short_way(tiny: Tiny, change: Change) -> None:
    change(tiny, "shop")
    look = tiny.look()
    assert look.known
    check(look)


@settings(max_examples=SEQUENCES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_no_sequence_of_changes_fools_it(original: Tiny, tmp_path: Path, steps: list[tuple[Change, str]]) -> None:
    tiny = original.copy(tmp_path / uuid.uuid4().hex)
    for change, app in steps:
        if (tiny.code / app).is_dir():
            change(tiny, app)
    look = tiny.look()
    check(look)
    assert not look.known or meant_nothing(original.content(), tiny.content())


def meant_nothing(before: dict[str, dict[Any, Any]], after: dict[str, dict[Any, Any]]) -> bool:
    """Return whether the steps, together, left all that matters as it was."""
    ignored = {"CWD", "LANGUAGE_CODE", "$WORK"}
    return all(
        {key: value for key, value in before[part].items() if key not in ignored}
        == {key: value for key, value in after[part].items() if key not in ignored and str(key)[-1] != "~"}
        for part in before
    )


@pytest.mark.parametrize(
    "change",
    [
        changes.a_receiver_is_edited,
        changes.what_a_receiver_imports_is_edited,
        changes.a_permission_is_added_to_a_model,
        changes.a_view_is_edited,
    ],
)
def test_post_migrate_is_sent_when_it_would_do_something_else_and_only_then(tiny: Tiny, change: Change) -> None:
    sent = tiny.folder / "sent"
    sent.unlink()
    assert tiny.run().short
    assert not sent.exists()
    change(tiny, "shop")
    assert not tiny.run().short
    assert sent.read_text() == "shop stock "
    assert tiny.run().short
    assert sent.read_text() == "shop stock "


def test_what_cannot_be_read_beside_the_apps_stands_in_nobodys_way(tiny: Tiny) -> None:
    (tiny.code / "gone.sql").symlink_to(tiny.code / "nowhere.sql")
    os.mkfifo(tiny.code / "pipe.sql")
    assert not tiny.run().short
    assert tiny.run().short


def test_going_back_is_a_change_too(tiny: Tiny) -> None:
    sent = tiny.folder / "sent"
    assert tiny.run().short
    for roles in (["editor"], [], ["editor"]):
        sent.unlink()
        tiny.settings(ROLES=roles)
        assert not tiny.run().short
        assert sent.read_text() == "shop stock "
        assert tiny.run().short


def test_after_djangos_own_command_the_short_way_is_taken(tiny: Tiny) -> None:
    """As where a build has run it before the release step."""
    changes.a_migration_is_added(tiny, "shop")
    tiny.migrate()
    (tiny.folder / "sent").unlink()
    assert tiny.run().short
    tiny.migrate()
    assert tiny.run().short
    assert (tiny.folder / "sent").read_text() == "shop stock "


def test_djangos_own_command_of_another_release_is_seen(tiny: Tiny) -> None:
    tiny.settings(ROLES=["editor"])
    tiny.migrate()
    tiny.settings(ROLES=[])
    assert [tiny.run().short, tiny.run().short] == [False, True]


@pytest.mark.parametrize("arguments", [["shop"], ["--fake"]])
def test_what_djangos_own_command_does_to_a_part_proves_nothing(tiny: Tiny, arguments: list[str]) -> None:
    tiny.migrate(*arguments)
    assert not tiny.look().known


def test_djangos_own_command_that_skipped_the_checks_proves_nothing_of_them(tiny: Tiny) -> None:
    changes.a_migration_is_added(tiny, "shop")
    tiny.migrate("--skip-checks")
    assert not tiny.look().known
    assert tiny.run().short
    assert tiny.look().known


def test_a_release_is_announced_to_others_than_django_once_and_without_a_graph(tiny: Tiny) -> None:
    sent = tiny.folder / "sent"
    sent.unlink()
    tiny.settings(AUTO_MIGRATE={"RELEASE": "v2"})
    run = tiny.run()
    assert (run.code, run.short) == (0, False)
    assert run.imported == ["shop.migrations.0002_more", "stock.migrations.0002_more"]
    assert tiny.run().short
    assert sent.read_text() == "shop stock "


def test_whoever_hears_of_a_release_may_look_at_the_models(tiny: Tiny) -> None:
    tiny.file(
        "shop/receivers.py",
        RECEIVERS
        + """
    Thing = kwargs["apps"].get_model("shop", "Thing")
    fields = [field.name for field in Thing._meta.get_fields()]
    with open(pathlib.Path(__file__).parent.parent.parent / "seen", "a") as file:
        file.write(f"{Thing.__module__} {fields} {kwargs['plan']}\\n")
""",
    )
    tiny.run()
    long = (tiny.folder / "seen").read_text()
    tiny.settings(AUTO_MIGRATE={"RELEASE": "v2"})
    assert tiny.run().code == 0
    assert (tiny.folder / "seen").read_text() == long * 2
    assert "__fake__ ['id', 'size', 'field_2'] []" in long


def test_a_receiver_that_fails_at_another_release_is_told_and_not_passed_over(tiny: Tiny) -> None:
    tiny.file("stock/receivers.py", "def note(sender, **kwargs): raise RuntimeError('no shelf')\n")
    assert [tiny.run().code, tiny.run().code] == [1, 1]


def test_a_receiver_that_wants_something_applied_takes_the_long_way(tiny: Tiny) -> None:
    tiny.file("stock/receivers.py", WANTING)
    path = tiny.code / "stock/apps.py"
    connect = "from django.db.models.signals import pre_migrate\n        pre_migrate.connect(receivers.want)"
    path.write_text(f"{path.read_text()}\n        {connect}\n")
    run = tiny.run()
    assert (run.code, run.short) == (0, False)
    assert "Applying shop.0002_more" in run.log


@pytest.fixture
def alone(tiny: Tiny) -> Tiny:
    """Return a project in which nobody but Django hears of migrations."""
    for app in ("shop", "stock"):
        tiny.file(f"{app}/apps.py", APPS_ALONE.format(app=app))
    assert not tiny.run().short
    return tiny


def test_a_release_that_only_django_would_hear_of_is_not_announced(alone: Tiny) -> None:
    (alone.folder / "sent").unlink()
    alone.settings(AUTO_MIGRATE={"RELEASE": "v2"})
    assert not alone.look().known
    assert alone.run().short
    assert alone.look().known
    assert not (alone.folder / "sent").exists()


@pytest.mark.parametrize(
    "change", [changes.a_permission_is_added_to_a_model, changes.a_migration_is_added, changes.a_migration_is_edited]
)
def test_what_django_would_hear_of_takes_the_long_way(alone: Tiny, change: Change) -> None:
    change(alone, "shop")
    assert [alone.run().short, alone.run().short] == [False, True]


@pytest.mark.parametrize(
    "way",
    [
        "from django.conf import settings as conf\nsaid = conf.ROLES\n",
        "from django.conf import settings\nname = 'ROLES'\nsaid = getattr(settings, name)\n",
        "from django.conf import settings\nconf = settings\nsaid = conf.ROLES\n",
    ],
)
def test_a_setting_that_a_receiver_reads_by_another_name_is_seen(tiny: Tiny, way: str) -> None:
    tiny.settings(ROLES=["staff"])
    tiny.file("shop/words.py", f'SEPARATOR = " "\n{way}')
    assert [tiny.run().short, tiny.run().short] == [False, True]
    tiny.settings(ROLES=["editor"])
    assert [tiny.run().short, tiny.run().short] == [False, True]


def test_a_plan_that_a_receiver_cut_short_is_not_taken_for_the_whole(tiny: Tiny) -> None:
    changes.a_migration_is_added(tiny, "shop")
    tiny.file("stock/receivers.py", "def note(sender, **kwargs): ...\ndef cut(sender, plan, **kwargs): plan.clear()\n")
    path = tiny.code / "stock/apps.py"
    connect = "\n        from django.db.models.signals import pre_migrate\n        pre_migrate.connect(receivers.cut)\n"
    path.write_text(path.read_text() + connect)
    assert tiny.run().code == 0
    look = tiny.look()
    assert (look.known, look.long) == (False, "behind")


@pytest.mark.parametrize("language", ["en", "pt-br"])
def test_the_log_of_the_short_way_is_that_of_the_long_way(tiny: Tiny, language: str) -> None:
    tiny.file("empty/__init__.py", "")
    tiny.file("empty/migrations/__init__.py", "")
    tiny.file("empty/migrations/_draft.py", "")
    installed = tiny.read_settings()["INSTALLED_APPS"]
    tiny.settings(INSTALLED_APPS=[*reversed(installed), "empty"], LANGUAGE_CODE=language)
    long, short = tiny.run(), tiny.run()
    assert (long.short, short.short) == (False, True)
    assert (short.log, short.code) == (long.log, long.code)
    assert "auth, contenttypes, shop, stock\n" in short.log


def test_only_what_computes_its_place_in_the_graph_is_imported(tiny: Tiny) -> None:
    run = tiny.run()
    assert run.short
    assert run.imported == ["shop.migrations.0002_more", "stock.migrations.0002_more"]


def test_checkouts_in_different_folders_agree(original: Tiny, tmp_path: Path) -> None:
    copies = [original.copy(tmp_path / name) for name in ("a", "b/c")]
    assert len({tiny.look().fingerprint for tiny in [original, *copies]}) == 1


def test_interpreters_that_hash_differently_agree(original: Tiny) -> None:
    """What is kept in sets has another order in every interpreter, and none in a fingerprint."""
    assert len({original.look(PYTHONHASHSEED=seed).fingerprint for seed in "123"}) == 1
