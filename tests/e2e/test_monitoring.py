"""The rules and the dashboard for a real Prometheus, which scrapes what a real run has left."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from prometheus_client import CollectorRegistry, generate_latest

from auto_migrate.history.store import History
from auto_migrate.reporting.metrics import SchemaCollector
from auto_migrate.values import RunStatus
from tests.manage import ROOT
from tests.requirements import PROMETHEUS
from tests.servers import free_port
from tools.servers import wait_until

MONITORING = ROOT / "deploy" / "monitoring"
METRIC = re.compile(r"auto_migrate_\w+")


@pytest.mark.optional
@pytest.mark.parametrize("command", [["check", "rules", "rules.yaml"], ["test", "rules", "rules_test.yaml"]])
def test_the_rules_say_what_their_own_tests_want(command: list[str]) -> None:
    done = subprocess.run(
        [PROMETHEUS.path("promtool"), *command], cwd=MONITORING, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def exposed(transactional_db: None) -> Iterator[str]:
    """Serve the metrics of a database in which one run has failed and one is under way."""
    history = History()
    history.ensure_tables()
    failed = uuid.uuid4()
    history.start(failed, requested_by="test")
    history.finish(failed, RunStatus.FAILED, exit_code=1)
    history.start(uuid.uuid4(), requested_by="test")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(SchemaCollector())
    text = generate_latest(registry)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextlib.contextmanager
def prometheus(folder: Path, target: str) -> Iterator[str]:
    """Run Prometheus with the rules, scraping one target."""
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(MONITORING / "rules.yaml")],
        "scrape_configs": [{"job_name": "service", "static_configs": [{"targets": [target]}]}],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [PROMETHEUS.path("prometheus"), f"--config.file={folder}/prometheus.yaml", f"--web.listen-address={address}",
         f"--storage.tsdb.path={folder}/data"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield f"http://{address}/api/v1"
    finally:
        process.kill()
        process.wait()


def asked(api: str, query: str) -> list[Any]:
    with contextlib.suppress(requests.ConnectionError):
        answer = requests.get(f"{api}/query", params={"query": query}, timeout=10)
        if answer.ok:
            return list(answer.json()["data"]["result"])
    return []


@pytest.mark.optional
def test_every_metric_that_is_looked_at_is_there(exposed: str, tmp_path: Path) -> None:
    dashboard = (MONITORING / "dashboard.json").read_text()
    names = {*METRIC.findall(dashboard), *METRIC.findall((MONITORING / "rules.yaml").read_text())}
    with prometheus(tmp_path, exposed) as api:
        wait_until(lambda: bool(asked(api, "auto_migrate_database_up")), timeout=60, message=lambda: "Nothing scraped.")
        assert [name for name in sorted(names) if not asked(api, name)] == []
        failed = 'ALERTS{alertname="MigrationsFailed",alertstate="firing",database="default"}'
        wait_until(lambda: bool(asked(api, failed)), timeout=60, message=lambda: "No alarm.")


def test_the_dashboard_is_one_of_grafanas() -> None:
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    assert all(panel["targets"][0]["datasource"]["uid"] == "${datasource}" for panel in dashboard["panels"])
