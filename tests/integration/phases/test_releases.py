"""Connections tell their release by their application_name, where phases are on, and are found by it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import psycopg
import pytest

from auto_migrate.databases.postgresql.client_releases import named, tag_of
from tests.integration.phases.shop import FIRST, Release, Shop
from tests.servers import PgBouncer, PostgreSQL

SHOW = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW application_name")
    print(cursor.fetchone()[0])
"""
OTHERS = "from auto_migrate.databases import adapter_for\nprint(adapter_for('default').other_releases())"


@pytest.fixture
def v2(shop: Shop) -> Release:
    """Return a release that asks who else is there."""
    return shop.release("v2", FIRST)


@pytest.mark.parametrize(
    ("said", "name"), [("", "settings release=v2"), ("web", "web release=v2"), ("web release=v1", "web release=v2")]
)
def test_a_connection_tells_its_release_behind_what_the_project_calls_it(shop: Shop, said: str, name: str) -> None:
    url = f"{shop.url}?{urlencode({'application_name': said})}" if said else shop.url
    assert shop.release("v2", FIRST, url=url).python(SHOW) == f"{name}\n"


@pytest.mark.parametrize("env", [{"AUTO_MIGRATE_PHASES": "false"}, {"AUTO_MIGRATE_RELEASE": ""}])
def test_nothing_is_said_where_phases_are_off_or_the_release_is_unknown(v2: Release, env: dict[str, str]) -> None:
    assert v2.python(SHOW, **env) == "\n"
    assert v2.python(OTHERS, **env) == "()\n"


def test_a_connection_through_a_pooler_tells_its_release_too(shop: Shop, pgbouncer: PgBouncer) -> None:
    pooled = shop.release("v3", FIRST, url=pgbouncer.url(shop.url.rpartition("/")[2]))
    assert pooled.python(SHOW) == "settings release=v3\n"


def test_a_pooler_gives_each_client_its_own_name_back(shop: Shop, postgresql: PostgreSQL) -> None:
    with (
        PgBouncer(postgresql, pool_size=1) as pooler,
        psycopg.connect(pooler.url(shop.url.rpartition("/")[2]), autocommit=True) as old,
        psycopg.connect(pooler.url(shop.url.rpartition("/")[2]), autocommit=True) as new,
    ):
        for client, name in ((old, "web release=v1"), (new, "web release=v2")):
            client.execute("SELECT set_config('application_name', %s, false)", [name])
        for client, name in ((old, "web release=v1"), (new, "web release=v2")):
            assert client.execute("SHOW application_name").fetchone() == (name,)


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("web release=v1", "('web release=v1 (postgres, 1)',)"),
        ("release=v1", "('release=v1 (postgres, 1)',)"),
        ("psql", "('psql (postgres, 1)',)"),
        ("", "('- (postgres, 1)',)"),
        ("web release=v2", "()"),
        ("auto_migrate web-3:41 6f1d2c3b", "()"),
        ("web release=v20", "('web release=v20 (postgres, 1)',)"),
    ],
)
def test_clients_of_another_release_or_of_none_are_seen(shop: Shop, v2: Release, name: str, seen: str) -> None:
    with psycopg.connect(shop.url, application_name=name) as client:
        role = client.info.user
        assert v2.python(OTHERS).strip() == seen.replace("postgres", role)


@pytest.fixture
def reporter(shop: Shop) -> Iterator[str]:
    """Return the shop's URL for a role that may see no more than anybody."""
    role = f"reporter_{uuid.uuid4().hex[:8]}"
    shop.query(f"CREATE ROLE {role} LOGIN PASSWORD 'a-password'")
    yield (
        urlsplit(shop.url)._replace(netloc=f"{role}:a-password@{urlsplit(shop.url).netloc.rpartition('@')[2]}").geturl()
    )
    shop.query(f"DROP ROLE {role}")


def test_clients_of_other_roles_count_only_if_they_tell_another_release(shop: Shop, v2: Release, reporter: str) -> None:
    with psycopg.connect(reporter, application_name="metabase"):
        assert v2.python(OTHERS) == "()\n"
    with psycopg.connect(reporter, application_name="web release=v1"):
        assert "web release=v1" in v2.python(OTHERS)


def test_a_role_without_privileges_sees_them_too(shop: Shop, reporter: str) -> None:
    v2 = shop.release("v2", FIRST, url=reporter)
    with psycopg.connect(shop.url, application_name="web release=v1"):
        assert "web release=v1" in v2.python(OTHERS)
    with psycopg.connect(shop.url, application_name="psql"):
        assert v2.python(OTHERS) == "()\n"


def test_clients_of_other_databases_do_not_count(shop: Shop, v2: Release) -> None:
    with psycopg.connect(shop.url, dbname="postgres", application_name="web release=v1"):
        assert v2.python(OTHERS) == "()\n"


@pytest.mark.parametrize(
    ("release", "tag"),
    [
        ("4f2a9c1", "4f2a9c1"),
        ("a" * 40, "a" * 40),
        ("registry.fly.io/shop:deployment-01HZY", "registry.fly.io/shop:deployment-01HZY"),
    ],
)
def test_a_release_is_told_as_it_is_called(release: str, tag: str) -> None:
    assert tag_of(release) == tag


def test_names_that_do_not_fit_stay_different() -> None:
    releases = ["x" * 41, "x" * 42, "versão 2", "versao 2", "vers\0o 2", "v 2"]
    tags = [tag_of(release) for release in releases]
    assert len(set(tags)) == len(tags)
    assert all(len(tag) <= 40 and tag.isascii() and " " not in tag for tag in tags)


def test_a_name_stays_within_what_the_server_keeps() -> None:
    assert named("w" * 63, "4f2a9c1") == "w" * 47 + " release=4f2a9c1"
    assert len(named("w" * 63, "y" * 200)) == 63
