"""`DIRECT_URLS` in the words of `DATABASES`."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connections
from pytest_django import Settings

from auto_migrate.databases.direct import connection_settings, directly


@pytest.mark.parametrize(
    ("url", "settings"),
    [
        (
            "postgresql://ana:secret@db:6543/shop?sslmode=require&connect_timeout=5",
            {
                "HOST": "db",
                "PORT": "6543",
                "USER": "ana",
                "PASSWORD": "secret",
                "NAME": "shop",
                "OPTIONS": {"sslmode": "require", "connect_timeout": "5"},
            },
        ),
        (
            "postgres://an%40a:p%2Fw%3A@db.example/sh%20op",
            {"HOST": "db.example", "USER": "an@a", "PASSWORD": "p/w:", "NAME": "sh op", "OPTIONS": {}},
        ),
        ("postgresql://[::1]:5432/shop", {"HOST": "::1", "PORT": "5432", "NAME": "shop", "OPTIONS": {}}),
        ("postgresql://%2Fvar%2Frun/shop", {"HOST": "/var/run", "NAME": "shop", "OPTIONS": {}}),
        ("postgresql://db", {"HOST": "db", "OPTIONS": {}}),
        ("postgresql:///shop?host=/tmp", {"NAME": "shop", "OPTIONS": {"host": "/tmp"}}),
    ],
)
def test_a_url_says_what_it_says_and_nothing_more(url: str, settings: dict[str, Any]) -> None:
    assert connection_settings(url) == settings


def test_the_connection_leads_to_the_server_for_as_long_as_it_is_asked_to(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"DIRECT_URLS": {"default": "postgresql://server:6543?sslmode=require"}}
    usual = connections["default"]
    said = dict(usual.settings_dict)
    usual.settings_dict["OPTIONS"]["pool"] = True
    try:
        with directly("default"):
            direct = connections["default"]
            assert direct is not usual
            assert (direct.settings_dict["HOST"], direct.settings_dict["PORT"]) == ("server", "6543")
            # What the URL does not say stays as the project has it; a pool would be in the way of the lock.
            assert direct.settings_dict["USER"] == said["USER"]
            options = {**said["OPTIONS"], "sslmode": "require"}
            options.pop("pool", None)
            assert direct.settings_dict["OPTIONS"] == options
        assert connections["default"] is usual
        assert usual.settings_dict["OPTIONS"]["pool"] is True
    finally:
        usual.settings_dict["OPTIONS"].pop("pool")
    assert usual.settings_dict == said


def test_the_usual_connection_is_back_after_an_error(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"DIRECT_URLS": {"default": "postgresql://server"}}
    usual = connections["default"]

    def fail() -> None:
        with directly("default"):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert connections["default"] is usual


def test_without_a_url_nothing_changes(settings: Settings) -> None:
    settings.AUTO_MIGRATE = {"DIRECT_URLS": {"other": "postgresql://server"}}
    usual = connections["default"]
    with directly("default"):
        assert connections["default"] is usual
