"""Packages of the corpus, migrated by every test run: triggers, a tracked relation and generic keys included."""

from __future__ import annotations

import os
from pathlib import Path

from corpus.catalogue import combine
from corpus.examination import Project, examine_installed
from corpus.outcome import State
from tests.requirements import SAMPLE, need
from tests.servers import PostgreSQL

NAMES = (
    "django-pghistory", "django-axes", "django-guardian", "django-otp", "django-rest-knox", "django-reversion",
    "django-taggit", "django-waffle", "djangorestframework", "djangorestframework-simplejwt",
)  # fmt: skip

# Every second has what the first line names; all of them are `make sweep`, a hundred are `make corpus`.
TAKEN = NAMES[:: 1 if "SWEEP" in os.environ else 2]


def test_packages_end_as_with_stock_migrate(tmp_path: Path) -> None:
    need(SAMPLE)
    with_rows = "SWEEP" in os.environ
    with PostgreSQL() as server:
        outcome = examine_installed(Project(server, combine("sample", TAKEN), tmp_path), with_rows=with_rows)
    assert (outcome.state, outcome.said) == (State.IDENTICAL if with_rows else State.EMPTY, {})
    assert outcome.triggers > 0
