"""All tenants of a project are one deploy."""

from __future__ import annotations

from tests.integration.fleet.tenanted import Tenanted


def test_every_schema_is_brought_to_where_the_code_needs_it(every_kind: Tenanted) -> None:
    project = every_kind
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    project.tenants("acme", "beta", "gamma")
    assert project.run("auto_migrate", "--check").code == 9
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    assert "3/3 schemas, 0 failed" in done.output
    project.column()
    done = project.run("auto_migrate")
    assert done.code == 0, done.text
    shared = {"public"} if project.package == "own" else set()
    assert project.with_column() == {"acme", "beta", "gamma"} | shared
    for schema in ("public", "acme", "beta", "gamma"):
        assert "shop.0002_price" in project.recorded_in(schema)
    assert project.run("auto_migrate", "--check").code == 0
