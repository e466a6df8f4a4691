"""One trace a run, as OpenTelemetry's own in-memory exporter sees it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fallback.project import ID, Project

TRACED = """
    import json
    from pathlib import Path
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from auto_migrate.reporting.tracing import Tracing

    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)

    class Kept(Tracing):
        def __call__(self, event, context):
            super().__call__(event, context)
            spans = [json.loads(span.to_json()) for span in exporter.get_finished_spans()]
            Path("spans.json").write_text(json.dumps(spans))
"""


@pytest.fixture
def traced(tmp_path: Path) -> Project:
    return traced_at(tmp_path)


def traced_at(folder: Path, url: str = "") -> Project:
    project = Project(folder, url)
    project.app("shop")
    project.migration("shop", "0001_first", f'migrations.CreateModel("A", [{ID}])')
    project.file("traced.py", TRACED)
    project.settings(AUTO_MIGRATE={"LISTENERS": ["traced.Kept"], "RELEASE": "4f2a91c"})
    return project


def spans(project: Project) -> dict[str, Any]:
    return {span["name"]: span for span in json.loads((project.folder / "spans.json").read_text())}


def parent(found: dict[str, Any], name: str) -> str:
    by_id = {span["context"]["span_id"]: span["name"] for span in found.values()}
    return str(by_id[found[name]["parent_id"]])


def test_a_run_is_one_trace_with_a_span_a_stage_and_a_migration(traced: Project) -> None:
    assert traced.run("auto_migrate").code == 0
    found = spans(traced)
    assert list(found) == [
        "compare",
        "lock",
        "assess",
        "operation 1 CreateModel",
        "migration shop.0001_first",
        "apply",
        "verify",
        "auto_migrate run",
    ]
    assert len({span["context"]["trace_id"] for span in found.values()}) == 1
    assert parent(found, "operation 1 CreateModel") == "migration shop.0001_first"
    assert parent(found, "migration shop.0001_first") == "apply"
    assert parent(found, "apply") == "auto_migrate run"
    run = found["auto_migrate run"]
    assert run["parent_id"] is None
    for span in found.values():
        assert span["attributes"]["db.system.name"] == "sqlite"
        assert span["attributes"]["db.namespace"].endswith("db.sqlite3")
    assert found["operation 1 CreateModel"]["attributes"]["db.operation.name"] == "CreateModel"
    assert run["attributes"]["auto_migrate.release"] == "4f2a91c"
    assert run["attributes"]["auto_migrate.exit_code"] == 0
    assert run["status"]["status_code"] == "UNSET"
    assert all(span["start_time"] <= span["end_time"] for span in found.values())


def test_a_failure_is_an_error_with_its_exit_code(traced: Project) -> None:
    operations = 'migrations.RunSQL("SELECT 1"), migrations.RunSQL("SELECT * FROM nowhere")'
    traced.migration("shop", "0002_bad", operations, after="0001_first")
    assert traced.run("auto_migrate").code == 1
    found = spans(traced)
    assert found["auto_migrate run"]["attributes"]["auto_migrate.exit_code"] == 1
    assert found["auto_migrate run"]["attributes"]["error.type"] == "migration_failed"
    for name in ("auto_migrate run", "apply", "migration shop.0002_bad", "operation 2 RunSQL"):
        assert found[name]["status"]["status_code"] == "ERROR"
    assert found["operation 1 RunSQL"]["status"]["status_code"] == "UNSET"
    assert "no such table: nowhere" in found["migration shop.0002_bad"]["status"]["description"]
    assert found["migration shop.0001_first"]["status"]["status_code"] == "UNSET"


def test_what_goes_online_has_a_span_a_step(tmp_path: Path, database_url: str) -> None:
    project = traced_at(tmp_path, database_url)
    assert project.run("auto_migrate").code == 0
    operations = 'migrations.AddField("a", "n", models.IntegerField(null=True)), '
    operations += 'migrations.AddIndex("a", models.Index(fields=["n"], name="a_n"))'
    project.migration("shop", "0002_index", operations, after="0001_first")
    done = project.run("auto_migrate", AUTO_MIGRATE_ONLINE="always")
    assert done.code == 0, done.text
    found = spans(project)
    assert parent(found, "step 1 build_index") == "operation 2 AddIndex"
    assert parent(found, "operation 2 AddIndex") == "migration shop.0002_index"
    step, operation = found["step 1 build_index"], found["operation 2 AddIndex"]
    assert step["attributes"]["db.collection.name"] == "shop_a"
    assert step["attributes"]["db.operation.name"] == "build_index"
    assert operation["start_time"] <= step["start_time"] <= step["end_time"] <= operation["end_time"]
    assert found["operation 1 AddField"]["end_time"] <= operation["start_time"]


def test_whoever_only_asks_makes_no_trace(traced: Project) -> None:
    assert traced.run("auto_migrate", "--check").code == 9
    assert spans(traced) == {}
