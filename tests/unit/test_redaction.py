"""What others have said is shown and kept without secrets, and without what a terminal would obey."""

from __future__ import annotations

import datetime
import io
import uuid
from typing import Any

import pytest
from django.core.management.base import OutputWrapper
from django.test import override_settings
from django.utils.functional import SimpleLazyObject, lazystr

from auto_migrate.clock import Clock
from auto_migrate.credential_forms import HIDDEN
from auto_migrate.emitter import Emitter
from auto_migrate.events import Context, Event, MigrationStarted, MigrationStopped, TablesAwaited
from auto_migrate.exceptions import MigrationFailed, TransientError
from auto_migrate.own_credentials import own_credentials
from auto_migrate.redaction import presentable, printable, redacted
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
    # Quoted, nested, escaped, of several parts, and cut short.
    r"host=db password=a\ hunter2 user=ana",
    r"{\"password\": \"hunter2\"}",
    "{'password': b'hunter2'}",
    '{"passwords": ["a", "hunter2"], "n": 1}',
    '{"password": {"value": "hunter2"}}',
    "Config(password=SecretStr('hunter2'))",
    "password='cut before its end: hunter2",
    "CREATE SUBSCRIPTION s CONNECTION 'host=a password=''hunter2 x'' dbname=x'",
    "password='several\nlines, hunter2'",
    "environ['PASSWORD'] = 'hunter2'",
    "password := 'hunter2'",
    "('password', 'hunter2')",
    '["api_token", "hunter2"]',
    "<db:password type='x'>hunter2</db:password>",
    "password%3Dhunter2",
    "The password for ana was: hunter2",
    # Other names and places.
    "DB_PASS=hunter2",
    "SENHA_BANCO: hunter2",
    "SIGNING_KEY=hunter2",
    "otp=hunter2",
    "auth=hunter2",
    "psql --password hunter2",
    "curl -u ana:hunter2 https://api.example",
    "mysql -u ana -phunter2",
    "db:5432:shop:ana:hunter2",
    "https://hunter2@api.example/1",
    "https://blob.example/a?sv=1&sig=hunter2",
    "https://hooks.slack.com/services/T0/B0/hunter2",
    "https://api.telegram.org/bot12345:hunter2/sendMessage",
    "postgres://ana:it's hunter2@db/shop",
    'Authorization: Digest username="ana", response="hunter2"',
    "Authorization: AWS4-HMAC-SHA256 Credential=a/s3, SignedHeaders=host, Signature=hunter2",
    'Authorization: Token token="hunter2"',
    "('Authorization', 'Basic hunter2')",
    "Cookie: {'sessionid': 'hunter2'}",
    # SQL.
    "CREATE ROLE ana PASSWORD $x$hunter2$x$",
    "CREATE ROLE ana PASSWORD E'hunter2'",
    "ALTER ROLE ana WITH PASSWORD 'it''s hunter2'",
    "ALTER USER 'a'@'%' IDENTIFIED WITH mysql_native_password BY 'hunter2'",
    "SET PASSWORD = PASSWORD('hunter2')",
    "SET PASSWORD FOR 'a'@'%' = 'hunter2'",
    "INSERT INTO auth_user (username, password) VALUES ('ana', 'hunter2')",
    "UPDATE app SET token = crypt('hunter2', gen_salt('bf'))",
    "Key (lower(password))=(hunter2) already exists.",
    "Key (password, note)=(hunter2, a (b)) already exists.",
    "Chave (token)=(hun)hunter2) já existe.",
    PEM,
    PEM.replace("RSA PRIVATE KEY", "PGP PRIVATE KEY BLOCK"),
    PEM.replace("\n", " "),
    PEM[:50],
]
FORMS = [
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "AKIAIOSFODNN7EXAMPLE",
    "ghp_0123456789abcdefghij0123456789abcdef",
    "xoxb-012345678901-abcdefghijkl",
    "sk_live_0123456789abcdef",
    "npm_0123456789abcdefghij0123456789abcdef",
    "hvs.0123456789abcdefghij",
    "APP_USR-1234567890-010203-0123456789abcdef",
    "pbkdf2_sha256$1000000$c2FsdA$aGFzaC1vZi1hLXBhc3N3b3Jk",
    "$2b$12$0123456789abcdefghijklmnopqrstuv",
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
    "postgres://cache:6379, and mail to ana@example.com",
    "auth: 0001_initial … 0012_alter_user_first_name_max_length (12)",
    "djangorestframework-api-key==3.1.0",
    "primary_key=True, unique_key=False, bypass=1, spinning: 3",
    "Key (name)=(my token) already exists.",
    "manage.py auto_migrate --resolve shop.0007_fill:2=redo",
    "manage.py auto_migrate --adopt --resolve shop.0007_auth_tokens=done --resolve shop.0008_token:2=redo",
    "AUTO_MIGRATE_ACKNOWLEDGE='AM301:shop.0009_remove_password=reason'",
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
        ("pay\u00adpal\u180e", "pay\\xadpal\\u180e"),
        ("\U000e0041\U000e007f", "\\U000e0041\\U000e007f"),
        ("ação\tde\nminha", "ação\tde\nminha"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "part", ["a-", "password", "password=(", "password='", "('password'", "(password ", "''", "eyJ", "://a:", "(a)=("]
)
def test_no_text_is_looked_at_for_long(part: str) -> None:
    """Nor would a larger text be: the time grows as the text does."""
    assert redacted(f"{part * 50_000} {PEM}").endswith(HIDDEN)


@override_settings(
    SECRET_KEY="dj4ngo hunter2!",
    GATEWAY_PASSWORD="9f/hunter2@9",
    BROKER={"LOCATIONS": ["redis://:p%2Fhunter2@cache"]},
    AUTH_PASSWORD_VALIDATORS=[{"NAME": "password_validation.Own"}],
)
def test_what_is_a_credential_here_is_hidden_in_whatever_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "t0-hunter2")
    monkeypatch.setenv("OTHER_TOKEN", "postgres")
    monkeypatch.setenv("DB_PASSWORD_FILE", "/run/secrets/db")
    own_credentials.cache_clear()
    assert "hunter2" not in redacted(
        "KeyError: 'dj4ngo hunter2!', (t0-hunter2) <9f%2Fhunter2%409> 9f/hunter2@9 p/hunter2"
    )
    for harmless in ("postgres is up", "no file /run/secrets/db", "password_validation.Own"):
        assert redacted(harmless) == harmless
    monkeypatch.undo()
    own_credentials.cache_clear()


def test_a_setting_that_holds_anything_stands_in_nobodys_way() -> None:
    def evaluate() -> Any:
        raise AssertionError("It was not asked for.")

    class Broken(dict[str, str]):
        def items(self) -> Any:
            raise KeyError("broken")

    itself: dict[str, Any] = {"GATEWAY_PASSWORD": "9f-hunter2-9"}
    itself["AGAIN"] = [itself, [itself]]
    lazy = lazystr(SimpleLazyObject(evaluate))
    with override_settings(API_TOKEN=lazy, OTHER_TOKEN=SimpleLazyObject(evaluate), BROKEN=Broken(), ITSELF=itself):
        own_credentials.cache_clear()
        assert redacted("it was 9f-hunter2-9") == f"it was {HIDDEN}"
    own_credentials.cache_clear()


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
