"""The settings choose the safe side, and say what to type."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.manage import ROOT, environment
from tests.programs import finish, start

SHOW = """
import json
from sms_sender import settings as s
database = {key: value for key, value in s.DATABASES["default"].items() if key != "NAME"}
print(json.dumps([s.DEBUG, database, s.ALLOWED_HOSTS, s.CACHES["default"]["BACKEND"], s.SECURE_SSL_REDIRECT]))
"""
POSTGRESQL = "postgresql://ana:hunter2@db:5432/sms"


def read(**env: str) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own, with nothing set but `env`."""
    bare = {"SECRET_KEY": "", "DEBUG": "", "REDIS_URL": "", "DATABASE_URL": ""}
    command = [sys.executable, "-c", SHOW]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return finish(start(command, env=environment(bare | env), cwd=ROOT, **pipes))


def test_with_nothing_set_it_is_a_developers_machine() -> None:
    debug, database, *_ = json.loads(read().stdout)
    assert debug is True
    assert database["ENGINE"] == "django.db.backends.sqlite3"


@pytest.mark.parametrize(
    "env",
    [{"DATABASE_URL": POSTGRESQL}, {"DEBUG": "false"}, {"RENDER": "true"}, {"DYNO": "web.1"},
     {"DATABASE_URL": POSTGRESQL, "SECRET_KEY": " "}],
)  # fmt: skip
def test_production_does_not_start_without_a_secret_key(env: dict[str, str]) -> None:
    refused = read(**env)
    assert refused.returncode == 1
    assert "SECRET_KEY is not set" in refused.stderr
    assert 'export SECRET_KEY="$(python -c' in refused.stderr


def test_postgresql_is_set_up_as_documented() -> None:
    url = POSTGRESQL + "?sslmode=require"
    debug, database, hosts, cache, redirect = json.loads(
        read(
            DATABASE_URL=url,
            SECRET_KEY="k",
            REDIS_URL="redis://redis:6379/0",
            ALLOWED_HOSTS="sms.example.com",
            RENDER_EXTERNAL_HOSTNAME="sms.onrender.com",
            RENDER="true",
        ).stdout
    )
    assert (debug, redirect) == (False, True)
    assert database["CONN_MAX_AGE"] == 600
    assert database["OPTIONS"] == {"connect_timeout": 10, "server_side_binding": True, "sslmode": "require"}
    assert hosts == ["sms.example.com", "sms.onrender.com"]
    assert cache == "django.core.cache.backends.redis.RedisCache"


@pytest.mark.parametrize("url", ["ftp://ana:hunter2@db/x", "postgresql://ana:hunter2@db:hunter2/x", "x"])
def test_an_address_that_is_none_is_refused_without_showing_the_password(url: str) -> None:
    refused = read(DATABASE_URL=url, SECRET_KEY="k")
    assert refused.returncode == 1
    assert "export DATABASE_URL=" in refused.stderr
    assert "hunter2" not in refused.stderr + refused.stdout


@pytest.mark.parametrize("value", ["many", "0", "-1", "1.5"])
def test_a_limit_that_is_none_is_refused(value: str) -> None:
    refused = read(SMS_PER_DAY=value)
    assert refused.returncode == 1
    assert "export SMS_PER_DAY=" in refused.stderr


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan", "1e12"])
def test_a_duration_that_is_none_is_refused(value: str) -> None:
    refused = read(SMS_RECOVERY_DELAY=value)
    assert refused.returncode == 1
    assert "export SMS_RECOVERY_DELAY=600" in refused.stderr


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_makes_no_sense_is_refused(text: str) -> None:
    refused = read(WEB_THREADS=text)
    assert refused.returncode == 1
    assert f"WEB_THREADS={text!r} is not a number from 1 on. Type: export WEB_THREADS=24" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIME_ZONE", "Mars/Base"), ("LANGUAGE_CODE", "klingon"), ("LOG_LEVEL", "LOUD"), ("REDIS_URL", "http://redis"),
        ("EMAIL_URL", "smtp.example"), ("SMS_SUNDAYS", "perhaps"), ("DEBUG", "perhaps"), ("SMS_PRICE", "much"),
        ("SMS_PRICE", "-1"), ("RETENTION_DAYS", "0"), ("ALARM_COOLDOWN", "-1"),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_with_what_is_right(name: str, value: str) -> None:
    refused = read(**{name: value})
    assert refused.returncode == 1
    assert f"export {name}=" in refused.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [("LOG_LEVEL", "debug"), ("LANGUAGE_CODE", "pt-BR"), ("SMS_SUNDAYS", "Yes"), ("SMS_PRICE", "0,25"),
     ("EMAIL_URL", "smtp+tls://ana:hunter2@smtp.example:587"), ("TIME_ZONE", "America/Manaus")],
)  # fmt: skip
def test_values_are_taken_as_people_write_them(name: str, value: str) -> None:
    assert read(**{name: value}).returncode == 0
