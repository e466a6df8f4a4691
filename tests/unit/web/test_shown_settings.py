"""Settings are shown without what is secret in them."""

from __future__ import annotations

from typing import Any

import pytest

from auto_migrate.credential_forms import HIDDEN
from auto_migrate.web.shown_settings import scrubbed, shown_database


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("postgres://ana:hunter2@db:5432/x", f"postgres://{HIDDEN}@db:5432/x"),
        ("postgres://ana:hunt@er/2@db/x", f"postgres://{HIDDEN}@db/x"),
        ("redis://:hunter2@cache", f"redis://{HIDDEN}@cache"),
        ("host=db password=hunter2 user=ana", f"host=db password={HIDDEN} user=ana"),
        ("PASSWORD = 'hunter2 \\' and more' user=ana", f"PASSWORD = {HIDDEN} user=ana"),
        ("sslpassword=hunter2", f"sslpassword={HIDDEN}"),
        ("postgres://db/x?options=1", "postgres://db/x?options=1"),
        ("ana@example.com", "ana@example.com"),
    ],
)
def test_credentials_within_a_text_are_hidden(given: str, shown: str) -> None:
    assert scrubbed(given) == shown


def test_what_is_secret_by_its_name_is_hidden_at_any_depth() -> None:
    given: dict[str, Any] = {"a": {"API_KEY": "hunter2", "b": [{"url": "x://u:hunter2@h"}]}, "timeout": 5, "on": None}
    assert "hunter2" not in str(scrubbed(given))
    assert scrubbed(given)["timeout"] == 5
    assert scrubbed(given)["on"] is None


def test_a_database_is_shown_without_its_password() -> None:
    shown = shown_database("default")
    assert "password" not in shown
    assert shown["engine"] == "django.db.backends.postgresql"
    assert shown["options"]["connect_timeout"] == 10
