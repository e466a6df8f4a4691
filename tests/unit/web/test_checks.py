"""Settings that make no sense are told by `manage.py check`, with the value and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import checks
from pytest_django import Settings


def found(*, deploy: bool = False) -> dict[str, checks.CheckMessage]:
    messages = checks.run_checks(include_deployment_checks=deploy)
    return {str(message.id): message for message in messages if str(message.id).startswith("auto_migrate.")}


def test_settings_that_make_sense_are_silent(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {
        "TOKEN": "a-token-that-is-long-enough",
        "HEALTH_CHECKS": {"cache": "webhooks.health.cache"},
    }
    assert found(deploy=True) == {}


def test_an_unknown_key_is_named_with_those_that_exist(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"LOCKWAIT": 5}
    message = found()["auto_migrate.E001"]
    assert "LOCKWAIT" in message.msg
    assert "LOCK_WAIT" in str(message.hint)
    assert message.level == checks.ERROR


@pytest.mark.parametrize("given", [{"LOCK_WAIT": -1}, {"RUNNER": "pigeon"}, ["LOCK_WAIT"], {"MAX_RETRIES": "x"}])
def test_a_bad_value_is_quoted(settings: Settings, given: Any) -> None:
    settings.AUTO_MIGRATE = given
    message = found(deploy=True)["auto_migrate.E002"]
    value = "list" if isinstance(given, list) else str(next(iter(given.values())))
    assert value in message.msg


def test_a_bad_token_is_not_quoted(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"TOKEN": "segredo-ção"}
    assert "segredo" not in str(found()["auto_migrate.E002"])


def test_a_bad_variable_is_told_like_a_bad_value(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_MIGRATE_LOCK", "maybe")
    settings.AUTO_MIGRATE = {}
    assert "maybe" in found()["auto_migrate.E002"].msg


def test_a_variable_that_means_nothing_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTO_MIGRATE_TOKENS", "hunter2")
    message = found()["auto_migrate.W003"]
    assert "AUTO_MIGRATE_TOKENS" in message.msg
    assert "hunter2" not in str(message)
    assert message.level == checks.WARNING


@pytest.mark.parametrize("path", ["webhooks.health.no_such", "no_such.module.check", "webhooks.health.HEARTBEAT"])
def test_a_health_check_that_cannot_be_called_is_named(settings: Settings, path: str) -> None:
    settings.AUTO_MIGRATE = {"HEALTH_CHECKS": {"cache": path}}
    assert path in found()["auto_migrate.E003"].msg


@pytest.mark.parametrize(("token", "code"), [("", "W001"), ("short", "W002"), ("long-enough-a-token,short", "W002")])
def test_a_deployment_without_a_good_token_is_warned(settings: Settings, token: str, code: str) -> None:
    settings.AUTO_MIGRATE = {"TOKEN": token}
    message = found(deploy=True)[f"auto_migrate.{code}"]
    assert "AUTO_MIGRATE_TOKEN" in str(message.hint)
    assert "short" not in message.msg.replace("shorter", "")
    assert found() == {}


def test_a_project_without_the_endpoints_needs_no_token(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {}
    settings.ROOT_URLCONF = "tests.unit.web.no_urls"
    assert "auto_migrate.W001" not in found(deploy=True)


def test_a_migrate_command_of_another_app_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from auto_migrate import checks as own

    monkeypatch.setattr(own, "get_commands", lambda: {"migrate": "tenants"})
    assert "tenants" in found()["auto_migrate.W004"].msg


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("AM999:webhooks.0001_initial", "no hazard AM999"),
        ("AM109:webhooks.0404_gone", "no migration webhooks.0404_gone"),
    ],
)
def test_an_acknowledgement_that_can_match_nothing_is_told(settings: Settings, key: str, reason: str) -> None:
    settings.AUTO_MIGRATE = {"ACKNOWLEDGE": {key: "why", "AM109:webhooks.*": "matches"}}
    assert reason in found()["auto_migrate.W005"].msg
