"""The listeners of the setting `LISTENERS` are told everything, and stop nothing."""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from pytest_django import Settings

from auto_migrate import Goal, RunRequest, migrate
from auto_migrate.events import Context, Event
from auto_migrate.exceptions import UsageError
from auto_migrate.history.store import History
from auto_migrate.tasks import run_migrations
from auto_migrate.values import RunStatus
from tests.examples import files
from tests.manage import run_manage

pytestmark = pytest.mark.django_db(transaction=True)

HERE = "tests.integration.test_project_listeners"
heard: list[tuple[str, str]] = []
made: list[Chronicle] = []


def hear(event: Event, context: Context) -> None:
    heard.append((event.kind, context.database))


def fail(event: Event, context: Context) -> None:
    raise ValueError(event.kind)


class Chronicle:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.runs: list[uuid.UUID] = []
        made.append(self)

    def __call__(self, event: Event, context: Context) -> None:
        self.runs.append(context.run_id)


class Unmakeable:
    def __init__(self) -> None:
        raise ConnectionError("no chat today")

    def __call__(self, event: Event, context: Context) -> None: ...


class Deaf:
    """Its instances cannot be called."""


@pytest.fixture(autouse=True)
def nothing_heard() -> None:
    heard.clear()
    made.clear()


@pytest.fixture
def behind() -> Iterator[None]:
    """Take one migration out of the record, and put it back."""
    recorder = MigrationRecorder(connection)
    recorder.record_unapplied("sessions", "0001_initial")
    yield
    # Once, whether or not the test has done so.
    recorder.record_unapplied("sessions", "0001_initial")
    recorder.record_applied("sessions", "0001_initial")


def listen(settings: Settings, *names: str) -> None:
    settings.AUTO_MIGRATE = {"LISTENERS": [f"{HERE}.{name}" for name in names]}


@pytest.mark.parametrize(
    ("command", "first", "last"),
    [
        (["auto_migrate"], "run_started", "run_succeeded"),
        (["migrate"], "lock_acquired", "run_succeeded"),
        (["auto_migrate", "--check"], "state_compared", "nothing_pending"),
        (["auto_migrate", "--plan"], "state_compared", "nothing_pending"),
        (["wait_for_db"], "wait_started", "database_ready"),
        (["wait_for_migrations"], "nothing_pending", "nothing_pending"),
    ],
    ids=" ".join,
)
def test_every_command_is_heard(command: list[str], first: str, last: str, settings: Settings) -> None:
    listen(settings, "hear")
    call_command(*command, verbosity=0)
    assert heard[0] == (first, "default")
    assert heard[-1] == (last, "default")


def test_a_run_of_the_library_and_one_of_a_task_are_heard(settings: Settings) -> None:
    listen(settings, "hear")
    migrate()
    assert ("run_succeeded", "default") in heard
    heard.clear()
    run_migrations("default", str(History().enqueue("ana").id))
    assert {("run_claimed", "default"), ("run_succeeded", "default")} <= set(heard)


def test_a_check_that_fails_is_heard_as_well(settings: Settings, behind: None) -> None:
    listen(settings, "hear")
    with pytest.raises(CommandError) as ended:
        call_command("auto_migrate", "--check", verbosity=0)
    assert ended.value.returncode == 9
    assert heard[-1] == ("run_failed", "default")


def test_one_that_raises_is_logged_and_stops_neither_the_run_nor_the_others(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    listen(settings, "fail", "hear")
    with caplog.at_level(logging.ERROR, "auto_migrate"):
        migrate()
    assert heard[-1] == ("run_succeeded", "default")
    assert "A listener failed at run_started" in caplog.text
    assert "ValueError: run_started" in caplog.text


def test_a_class_has_an_instance_for_each_run(settings: Settings) -> None:
    listen(settings, "Chronicle")
    runs = [migrate().run_id, migrate().run_id]
    assert [set(chronicle.runs) for chronicle in made] == [{run_id} for run_id in runs]


def test_one_that_cannot_be_made_is_logged_and_left_out(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    listen(settings, "Unmakeable", "hear")
    with caplog.at_level(logging.ERROR, "auto_migrate"):
        migrate()
    assert heard[-1] == ("run_succeeded", "default")
    assert f"{HERE}.Unmakeable could not be made" in caplog.text
    assert "no chat today" in caplog.text


@pytest.mark.parametrize("name", ["nobody", "HERE", "Deaf"])
@pytest.mark.parametrize("command", ["auto_migrate", "migrate", "wait_for_db", "wait_for_migrations"])
def test_a_path_that_names_no_listener_is_refused_before_anything_is_done(
    command: str, name: str, settings: Settings
) -> None:
    History().ensure_tables()
    before = History().runs().count()
    listen(settings, "hear", "Chronicle", name)
    with pytest.raises(CommandError) as refused:
        call_command(command, verbosity=0)
    assert refused.value.returncode == 2
    assert f"AUTO_MIGRATE['LISTENERS']: {HERE}.{name} cannot be used: " in str(refused.value)
    assert "Correct AUTO_MIGRATE['LISTENERS'], or the variable AUTO_MIGRATE_LISTENERS" in str(refused.value)
    assert (heard, made) == ([], [])
    assert History().runs().count() == before


def test_a_module_that_cannot_be_imported_is_told_with_what_it_raises(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_chat.py").write_text("raise KeyError('CHAT_TOKEN')\n")
    monkeypatch.syspath_prepend(tmp_path)
    settings.AUTO_MIGRATE = {"LISTENERS": ["broken_chat.notify"]}
    with pytest.raises(UsageError) as refused:
        migrate()
    assert "broken_chat.notify cannot be used: KeyError: 'CHAT_TOKEN'." in refused.value.message
    assert "manage.py shell -c 'import broken_chat'" in refused.value.hint


def test_a_queued_run_that_is_refused_does_not_stay_queued(settings: Settings) -> None:
    asked = History().enqueue("ana")
    listen(settings, "nobody")
    run_migrations("default", str(asked.id))
    ended = History().get(asked.id)
    assert ended
    assert ended.status == RunStatus.FAILED
    assert f"{HERE}.nobody" in str(ended.error)


def test_a_project_without_listeners_and_hazards_pays_for_neither(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'db.sqlite3'}"
    assert run_manage("auto_migrate", database_url=url, settings="tests.projects.counter.settings").returncode == 0
    ask = (
        "import sys; from django.core.management import call_command; call_command('auto_migrate', verbosity=0);"
        "print(*(name for name in sys.modules if name.startswith('auto_migrate.')), sep='\\n')"
    )
    # A warm interpreter has imported most rooms already.
    done = run_manage("shell", "-c", ask, database_url=url, settings="tests.projects.counter.settings", fresh=True)
    imported = set(done.stdout.splitlines())
    assert "auto_migrate.retry" in imported
    assert not {name for name in imported if "listeners" in name or "hazard" in name or "testing" in name}


class Chat(BaseHTTPRequestHandler):
    """Takes what is posted, as chats do."""

    posted: list[Any]

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_arguments: object) -> None: ...


@pytest.fixture
def chat(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Serve a chat, and return what is posted to it."""
    Chat.posted = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Chat) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("CHAT_WEBHOOK", f"http://127.0.0.1:{server.server_port}/")
        yield Chat.posted
        server.shutdown()
        thread.join()


def test_the_example_of_the_page_tells_a_chat(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chat: list[Any], behind: None
) -> None:
    example = files("listeners.md")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "deploys.py").write_text(example["shop/deploys.py"])
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    values: dict[str, Any] = {}
    exec(example["settings.py"], values)
    settings.AUTO_MIGRATE = values["AUTO_MIGRATE"]
    try:
        call_command("migrate", "sessions", fake=True, verbosity=0)
        with pytest.raises(UsageError, match="no_such_app"):
            migrate(request=RunRequest(goal=Goal("no_such_app")))
    finally:
        for name in ("shop", "shop.deploys"):
            sys.modules.pop(name, None)
    succeeded, failed = (message["text"] for message in chat)
    assert re.fullmatch(r"default: 1 migrations in \d+\.\d s", succeeded)
    assert failed.startswith("default was not migrated: ")
    assert "no_such_app" in failed
