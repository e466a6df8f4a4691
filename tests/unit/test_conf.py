"""Settings come from one dict or from the environment, which wins; what makes no sense is refused by name."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import override_settings
from pytest_django import Settings as ProjectSettings

from auto_migrate.conf import (
    FIELDS,
    RELEASE_VARIABLES,
    SECRET,
    BadSetting,
    Settings,
    get_settings,
    unknown_keys,
)

PASSWORD = "a-password-nobody-may-see"
DIRECT = f"postgresql://ana:{PASSWORD}@db:5432/shop"
HOOK = f"https://hooks.slack.com/{PASSWORD}"
LISTENERS = ("shop.deploys.notify", "shop.chat.Chat")

# key → what the dict holds, what a variable holds, and what both mean.
VALUES: dict[str, tuple[Any, str, Any]] = {
    "MAX_RETRIES": (7, "7", 7),
    "RETRY_DELAY": (1.5, "1.5", 1.5),
    "LOCK": ("none", "none", "none"),
    "LOCK_WAIT": (60, "60", 60.0),
    "MIGRATIONS_WAIT": (0, "0", 0.0),
    "WORKERS": ("start", "start", "start"),
    "LOCK_TIMEOUT": (0.01, "0.01", 0.01),
    "LOCK_TIMEOUT_CEILING": (2, "2", 2.0),
    "LOCK_PATIENCE": (10, "10", 10.0),
    "STATEMENT_TIMEOUT": (0, "0", 0.0),
    "BLOCK": ("warning", "warning", "warning"),
    "SMALL_TABLE": (10, "10", 10),
    "ONLINE": ("always", "always", "always"),
    "LOCK_BUDGET": (0.5, "0.5", 0.5),
    "STATEMENTS": ("statements.jsonl", "statements.jsonl", "statements.jsonl"),
    "ACKNOWLEDGE": (
        {"AM301:shop.0007_x": "why", "SHOP1:shop.*": "a=b"},
        "AM301:shop.0007_x=why; SHOP1:shop.*=a=b",
        {"AM301:shop.0007_x": "why", "SHOP1:shop.*": "a=b"},
    ),
    "PHASES": (True, "on", True),
    "BRIDGES": (False, "off", False),
    "POST_DEPLOY_DELAY": (60, "60", 60.0),
    "BACKFILL_FINISH": (5, "5", 5.0),
    "BACKFILL_LAG": (2, "2", 2.0),
    "BACKFILL_TRANSACTION": (9, "9", 9.0),
    "BACKFILL_SIGNALS": (["vacuum", "archive"], "vacuum, archive", ("vacuum", "archive")),
    "BACKFILL_REPLICAS": (["reports"], "reports,", ("reports",)),
    "TENANTS": ("shop.tenants.names", "shop.tenants.names", "shop.tenants.names"),
    "TENANT_WORKERS": (2, "2", 2),
    "DIRECT_URLS": ({"default": DIRECT}, f"default={DIRECT}", {"default": DIRECT}),
    "TOKEN": (["one", " two "], "one, two,", ("one", "two")),
    "RELEASE": ("4f2a9c1", "4f2a9c1", "4f2a9c1"),
    "RUNNER": ("process", "process", "process"),
    "HEALTH_CHECKS": ({"cache": "shop.health.cache"}, "cache=shop.health.cache", {"cache": "shop.health.cache"}),
    "LISTENERS": (["shop.deploys.notify", "shop.chat.Chat"], "shop.deploys.notify, shop.chat.Chat,", LISTENERS),
    "NOTIFY": (
        {HOOK: "failed", "mailto:ops@example.com": []},
        f"{HOOK}|failed mailto:ops@example.com",
        {HOOK: ("failed",), "mailto:ops@example.com": ("failed", "refused", "waiting:60")},
    ),
    "SCREEN_URL": ("https://shop.example/", "https://shop.example/", "https://shop.example/"),
    "HAZARDS": (["shop.hazards.One", "shop.hazards.One"], "shop.hazards.One", ("shop.hazards.One",)),
}
KEYS = pytest.mark.parametrize("key", FIELDS)

NOTIFIED = "started, waiting, failed, refused, succeeded, left, backfill"
NUMBER = "a number is needed"
BAD: list[tuple[str, Any, str]] = [
    ("MAX_RETRIES", 0, "it must be a finite number of at least 1"),
    ("MAX_RETRIES", "five", NUMBER),
    ("MAX_RETRIES", "2.5", NUMBER),
    ("MAX_RETRIES", 2.5, "a whole number is needed"),
    ("MAX_RETRIES", True, NUMBER),
    ("MAX_RETRIES", None, NUMBER),
    ("MAX_RETRIES", math.inf, NUMBER),
    ("RETRY_DELAY", -0.5, "it must be a finite number of at least 0"),
    ("RETRY_DELAY", math.inf, "it must be a finite number of at least 0"),
    ("RETRY_DELAY", "nan", "it must be a finite number of at least 0"),
    ("RETRY_DELAY", 1e300, "it must be a number of at most 1000000000"),
    ("RETRY_DELAY", [3], NUMBER),
    ("LOCK", "advisory", "it must be one of auto, none"),
    ("LOCK", None, "it must be one of auto, none"),
    ("LOCK_WAIT", "1h", NUMBER),
    ("MIGRATIONS_WAIT", -1, "it must be a finite number of at least 0"),
    ("WORKERS", "stop", "it must be one of wait, start"),
    ("LOCK_TIMEOUT", 0, "it must be a finite number of at least 0.01"),
    ("LOCK_TIMEOUT_CEILING", 0.001, "it must be a finite number of at least 0.01"),
    ("LOCK_PATIENCE", "", NUMBER),
    ("STATEMENT_TIMEOUT", -1, "it must be a finite number of at least 0"),
    ("BLOCK", "fatal", "it must be one of error, warning, notice, never"),
    ("BRIDGES", "perhaps", "it must be true or false"),
    ("ONLINE", True, "it must be one of auto, always, never"),
    ("PHASES", "perhaps", "it must be true or false"),
    ("PHASES", 1, "it must be true or false"),
    ("PHASES", None, "it must be true or false"),
    ("POST_DEPLOY_DELAY", -1, "it must be a finite number of at least 0"),
    ("SMALL_TABLE", -1, "it must be a finite number of at least 0"),
    ("STATEMENTS", 5, "text is needed"),
    ("LOCK_BUDGET", "-1", "it must be a finite number of at least 0"),
    ("ACKNOWLEDGE", {"AM301": "why"}, "AM301 is not CODE:MIGRATION, such as AM301:shop.0007_drop_note"),
    ("ACKNOWLEDGE", {"AM301:shop.0007_x": " "}, "AM301:shop.0007_x needs a reason"),
    ("ACKNOWLEDGE", {"301:a.b": "why"}, "301:a.b is not CODE:MIGRATION, such as AM301:shop.0007_drop_note"),
    ("NOTIFY", PASSWORD, "every address is a URL, such as https://hooks.slack.com/… or mailto:ops@example.com"),
    ("NOTIFY", 5, "every address is a URL, such as https://hooks.slack.com/… or mailto:ops@example.com"),
    ("NOTIFY", {HOOK: ["soon"]}, f"soon is none of {NOTIFIED}"),
    ("NOTIFY", {HOOK: ["waiting:-1"]}, f"waiting:-1 is none of {NOTIFIED}"),
    ("SCREEN_URL", "shop.example", "it must be an address such as https://shop.example/migrations/"),
    ("DIRECT_URLS", {"default": PASSWORD}, "every alias needs a URL such as postgresql://user@host:5432/name"),
    ("DIRECT_URLS", {"default": None}, "every alias needs a URL such as postgresql://user@host:5432/name"),
    ("DIRECT_URLS", PASSWORD, "every alias needs a URL such as postgresql://user@host:5432/name"),
    ("DIRECT_URLS", 5, "a dict is needed"),
    ("TOKEN", [PASSWORD, 5], "tokens are text"),
    ("TOKEN", 5, "tokens are text"),
    ("TOKEN", f"{PASSWORD}-ção", "a token is printable ASCII, as HTTP headers are"),
    ("RELEASE", 41, "text is needed"),
    ("RUNNER", "thread", "it must be one of auto, celery, process"),
    ("BACKFILL_FINISH", -1, "it must be a finite number of at least 0"),
    ("BACKFILL_LAG", "soon", NUMBER),
    ("BACKFILL_TRANSACTION", None, NUMBER),
    ("BACKFILL_SIGNALS", ["load"], "load is none of replicas, archive, vacuum, transactions"),
    ("BACKFILL_SIGNALS", None, "a list of names is needed"),
    ("BACKFILL_REPLICAS", 5, "a list of names is needed"),
    ("TENANT_WORKERS", 0, "it must be a finite number of at least 1"),
    ("TENANTS", "all", "it must be auto, none, or a dotted path such as shop.tenants.schema_names"),
    ("HEALTH_CHECKS", {"cache": "cache"}, "cache needs the dotted path of a callable"),
    ("HEALTH_CHECKS", {"cache": len}, "cache needs the dotted path of a callable"),
    ("HEALTH_CHECKS", "cache", "cache needs the dotted path of a callable"),
    ("HEALTH_CHECKS", ["cache"], "a dict is needed"),
    ("LISTENERS", "notify", "every entry is a dotted path, such as shop.deploys.notify"),
    ("LISTENERS", [len], "every entry is a dotted path, such as shop.deploys.notify"),
    ("LISTENERS", ["shop.deploys.notify", ""], "every entry is a dotted path, such as shop.deploys.notify"),
    ("LISTENERS", {"chat": "shop.deploys.notify"}, "a list of dotted paths is needed"),
    ("HAZARDS", None, "a list of dotted paths is needed"),
    ("HAZARDS", "Money.", "every entry is a dotted path, such as shop.deploys.notify"),
]


@pytest.fixture(autouse=True)
def read_anew(settings: ProjectSettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin without any setting, and leave nothing read behind."""
    settings.AUTO_MIGRATE = {}
    for name in RELEASE_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    yield
    get_settings.cache_clear()


def say(monkeypatch: pytest.MonkeyPatch, key: str, value: str) -> None:
    """Set a variable of the environment, as a process finds it when it starts."""
    monkeypatch.setenv(f"AUTO_MIGRATE_{key}", value)
    get_settings.cache_clear()


def test_every_key_is_tried_here() -> None:
    assert sorted(VALUES) == sorted(FIELDS)
    assert {key for key, _value, _text in BAD} == set(FIELDS)


@KEYS
def test_a_key_is_read_from_the_dict(key: str, settings: ProjectSettings) -> None:
    given, _said, meant = VALUES[key]
    settings.AUTO_MIGRATE = {key: given}
    assert getattr(get_settings(), key) == meant


@KEYS
def test_a_key_is_read_from_the_environment(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _given, said, meant = VALUES[key]
    say(monkeypatch, key, said)
    assert getattr(get_settings(), key) == meant


@KEYS
def test_the_environment_wins_and_changes_nothing_else(
    key: str, settings: ProjectSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTO_MIGRATE = {other: given for other, (given, _said, _meant) in VALUES.items()} | {
        key: getattr(Settings(), key)
    }
    _given, said, meant = VALUES[key]
    say(monkeypatch, key, said)
    assert dataclasses.asdict(get_settings()) == {other: meant for other, (_given, _said, meant) in VALUES.items()}
    assert getattr(get_settings(), key) == meant


@KEYS
def test_an_empty_variable_says_nothing(key: str, settings: ProjectSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    given, _said, meant = VALUES[key]
    settings.AUTO_MIGRATE = {key: given}
    say(monkeypatch, key, "")
    assert getattr(get_settings(), key) == meant


@pytest.mark.parametrize(("key", "value", "reason"), BAD)
def test_a_bad_value_is_refused_with_key_value_and_reason(
    key: str, value: Any, reason: str, settings: ProjectSettings
) -> None:
    settings.AUTO_MIGRATE = {key: value}
    shown = "the value given" if key in SECRET else repr(value)
    with pytest.raises(BadSetting) as refused:
        get_settings()
    assert str(refused.value) == f"AUTO_MIGRATE[{key!r}]: {shown} is refused: {reason}."


@pytest.mark.parametrize(
    ("key", "value"),
    [(key, value) for key, value, _reason in BAD if isinstance(value, str) and value],
)
def test_a_bad_variable_is_refused_by_its_name(key: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    say(monkeypatch, key, value)
    with pytest.raises(BadSetting, match=f"^AUTO_MIGRATE_{key}: "):
        get_settings()


def test_no_settings_are_the_defaults(settings: ProjectSettings) -> None:
    del settings.AUTO_MIGRATE
    get_settings.cache_clear()
    assert get_settings() == Settings()


@pytest.mark.parametrize("value", [None, [], "MAX_RETRIES=3"])
def test_settings_that_are_no_dict_are_refused(value: Any, settings: ProjectSettings) -> None:
    settings.AUTO_MIGRATE = value
    with pytest.raises(BadSetting, match=f"^AUTO_MIGRATE must be a dict, not {type(value).__name__}.$"):
        get_settings()


def test_unknown_keys_are_found_and_not_read(settings: ProjectSettings) -> None:
    settings.AUTO_MIGRATE = {"MAX_RETRY": 3, "max_retries": 3, "MAX_RETRIES": 2}
    assert unknown_keys() == ["MAX_RETRY", "max_retries"]
    assert get_settings() == Settings(MAX_RETRIES=2)


@pytest.mark.parametrize("command", ["auto_migrate", "wait_for_db", "wait_for_migrations", "migrate"])
def test_every_command_refuses_an_unknown_key_before_it_does_anything(command: str, settings: ProjectSettings) -> None:
    settings.AUTO_MIGRATE = {"MAX_RETRY": 3}
    with pytest.raises(CommandError, match="unknown keys: MAX_RETRY") as refused:
        call_command(command)
    assert refused.value.returncode == 2


def test_a_change_under_override_settings_is_noticed_both_ways() -> None:
    assert get_settings().MAX_RETRIES == 5
    with override_settings(AUTO_MIGRATE={"MAX_RETRIES": 2}):
        assert get_settings().MAX_RETRIES == 2
    assert get_settings().MAX_RETRIES == 5


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        get_settings().MAX_RETRIES = 1  # type: ignore[misc]


@pytest.mark.parametrize("key", sorted(SECRET))
def test_secrets_are_never_in_what_is_printed(key: str) -> None:
    value = {"DIRECT_URLS": {"default": DIRECT}, "NOTIFY": [HOOK]}.get(key, PASSWORD)
    with override_settings(AUTO_MIGRATE={key: value}):
        for text in (repr(get_settings()), str(get_settings()), f"{get_settings()!s}"):
            assert PASSWORD not in text
            assert key not in text


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, value, _reason in BAD if key in SECRET])
def test_secrets_are_never_in_what_is_refused(key: str, value: Any, settings: ProjectSettings) -> None:
    settings.AUTO_MIGRATE = {key: value}
    with pytest.raises(BadSetting) as refused:
        get_settings()
    error: BaseException | None = refused.value
    while error is not None:
        assert PASSWORD not in repr(error)
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("variable", RELEASE_VARIABLES)
def test_the_release_is_what_the_platform_calls_it(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "v17")
    assert Settings().release == "v17"
    assert Settings(RELEASE="mine").release == "mine"


def test_a_release_without_a_name_is_an_empty_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(RELEASE_VARIABLES[0], "")
    assert Settings().release == ""
