"""What others have said is shown and kept without secrets, and without what a terminal would obey."""

from __future__ import annotations

import datetime
import io
import uuid

import pytest
from django.core.management.base import OutputWrapper

from auto_migrate.clock import Clock
from auto_migrate.emitter import Emitter
from auto_migrate.events import Context, Event, MigrationStarted, MigrationStopped, TablesAwaited
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.redaction import HIDDEN, presentable, printable, redacted
from auto_migrate.reporting.console import Console
from auto_migrate.values import Blocker, MigrationKey

PEM = "-----BEGIN RSA PRIVATE KEY-----\nhunter2\nMIIEhunter2\n-----END RSA PRIVATE KEY-----"
SECRETS = [
    "GET https://ana:hunter2@api.example/v1",
    "amqp://:hunter2@broker",
    "https://api.example/v1?token=hunter2&page=2",
    "https://api.example/v1?page=2&X-Amz-Signature=hunter2",
    "host=db password=hunter2 user=ana",
    "host=db password='hunter2 and more' user=ana",
    '"host=db password=hunter2"',
    "Authorization: Bearer hunter2",
    "Authorization: Basic hunter2",
    "{'Authorization': 'Token hunter2'}",
    '{"authorization": "hunter2"}',
    "the header was Bearer hunter2.hunter2",
    "X-Api-Key: hunter2",
    "api_key=hunter2",
    "apikey: hunter2",
    "AWS_SECRET_ACCESS_KEY=hunter2",
    "client_secret = 'hunter2'",
    '{"password": "hunter2", "user": "ana"}',
    "{'token': 'hunter2'}",
    "dict(secret='hunter2')",
    "passphrase: hunter2",
    "PGPASSWORD=hunter2",
    "pwd=hunter2;uid=ana",
    "Cookie: sessionid=hunter2; csrftoken=hunter2",
    "ALTER ROLE ana PASSWORD 'hunter2'",
    "CREATE USER ana IDENTIFIED BY 'hunter2'",
    "duplicate key value: Key (password)=(hunter2) already exists.",
    "Key (name, api_token)=(ana, hunter2) already exists.",
    PEM,
    PEM.replace("\n", " "),
    PEM[:50],
]
FORMS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghij0123456789abcdef",
    "xoxb-012345678901-abcdefghijkl",
    "sk_live_0123456789abcdef",
]
HARMLESS = [
    'column "token" does not exist',
    'password authentication failed for user "ana"',
    "psql postgresql://ana@db:5432/shop",
    "postgres://db/x?options=1",
    "ana@example.com",
    "ALTER TABLE shop_user ADD COLUMN password varchar(128) NOT NULL",
    'relation "pk_shop_order_item_position_key" already exists',
    "Key (name)=(ana) already exists.",
    "manage.py auto_migrate --resolve shop.0007_fill:2=redo",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_hidden_wherever_it_stands(text: str) -> None:
    assert "hunter2" not in redacted(text)
    assert HIDDEN in redacted(text)
    assert redacted(redacted(text)) == redacted(text)


@pytest.mark.parametrize("text", FORMS)
def test_a_key_is_known_by_its_form(text: str) -> None:
    assert redacted(f"it said {text}, and no more") == f"it said {HIDDEN}, and no more"


@pytest.mark.parametrize("text", HARMLESS)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert presentable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07", "\\x1b[2J\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb", "a\\rb"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
        ("ação\tde\nminha", "ação\tde\nminha"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_on_one_line_nothing_begins_another() -> None:
    assert printable("done\nshop.0002... OK", lines=False) == "done\\nshop.0002... OK"


def test_an_error_holds_neither_and_keeps_the_lines_of_its_hint() -> None:
    error = MigrationFailed("It failed: token=hunter2 \x1b[2J", hint="First, password=hunter2.\nThen again.")
    assert "hunter2" not in str(error) + repr(error)
    assert "\x1b" not in str(error)
    assert error.hint.splitlines()[1] == "Then again."
    assert "hunter2" not in TransientError("lost", detail="postgres://a:hunter2@db").detail


def test_every_listener_gets_events_without_secrets() -> None:
    told: list[Event] = []
    emit = Emitter("default", uuid.uuid4(), [lambda event, _context: told.append(event)], Clock())
    key = MigrationKey("shop", "0001_initial")
    blocker = Blocker(
        "shop_order", 7, "ana", "web", "active", autovacuum=False, age=1.0, query="SELECT 'Bearer hunter2'"
    )
    emit(MigrationStopped(key, 1, 1, False, "ValueError: api_key=hunter2"))
    emit(TablesAwaited(key, 1.0, (blocker,)))
    assert "hunter2" not in repr(told)
    assert repr(told).count(HIDDEN) == 2


def test_the_console_shows_what_data_say_and_obeys_nothing_of_it() -> None:
    stream = io.StringIO()
    console = Console(OutputWrapper(stream))
    context = Context("default", uuid.uuid4(), datetime.datetime.now(tz=datetime.UTC))
    evil = "\x1b]0;owned\x07\r\n✅ Migrations carried out successfully!"
    console(MigrationStarted(MigrationKey("shop", f"0001_{evil}"), 1, 1, False), context)
    blocker = Blocker("shop_order", 7, evil, evil, evil, autovacuum=False, age=1.0, query=evil)
    console(TablesAwaited(MigrationKey("shop", "0001"), 1.0, (blocker,)), context)
    written = stream.getvalue()
    assert not set(written) & set("\x1b\x07\r")
    assert not [line for line in written.splitlines() if line.startswith("✅")]
