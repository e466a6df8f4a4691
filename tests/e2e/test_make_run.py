"""`make run`, as a newcomer types it: from nothing to an SMS, and back to nothing."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.e2e.scripts import read_until
from tests.manage import ROOT
from tests.requirements import GIT
from tools.run_folder import RunFolder
from tools.servers import free_port

pytestmark = pytest.mark.slow

READY = "-d @-"
"""The last line of what is said once everything runs."""
PAYLOAD = (ROOT / "tests/fixtures/ghostpay-pix-pending.json").read_bytes()


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project as it stands, with the virtual environment that runs the tests."""
    folder = tmp_path_factory.mktemp("project")
    listed = [GIT.path("git"), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    for name in filter(None, names):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


@contextlib.contextmanager
def make_run(folder: Path, **chosen: str) -> Iterator[subprocess.Popen[str]]:
    """Type `make run` in `folder`, with variables of one's own; leave nothing of it behind."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    # `--assume-old`: the environment is installed already.
    with subprocess.Popen(
        ["make", "--assume-old=.venv/.installed", "run"],
        cwd=folder,
        env={**kept, "LANG": "C.UTF-8", "SMS_RECOVERY_DELAY": "1", **chosen},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            RunFolder(folder / ".run").end_leftovers()


def call(folder: Path, path: str, *, body: bytes | None = None) -> Any:
    """Call the running service with every secret that it knows."""
    values = RunFolder(folder / ".run").load()
    request = urllib.request.Request(
        f"http://127.0.0.1:{values['PORT']}/api/webhooks/{path}",
        data=body,
        headers={
            "Authorization": f"Bearer {values['AUTO_MIGRATE_TOKEN']}",
            "X-Webhook-Secret": values["GHOSTPAY_WEBHOOK_SECRET"],
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def paste(folder: Path, printed: str) -> Any:
    """Type the command that was printed last and return the answer."""
    command = printed[printed.rindex("   sed ") :]
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def try_it(folder: Path, printed: str, trial: str) -> str:
    """Type one of the lines that were printed, and return what it says."""
    [command] = [line.strip() for line in printed.splitlines() if f"tools.trial {trial}" in line]
    done = subprocess.run(command, shell=True, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def test_a_webhook_makes_one_sms_and_ctrl_c_leaves_no_process(copy: Path) -> None:
    port, secret = str(free_port()), "a strange one; of my own"
    with make_run(copy, PORT=port, GHOSTPAY_WEBHOOK_SECRET=secret) as process:
        printed = read_until(process, READY)
        assert f":{port}/panel/" in printed
        assert call(copy, "health/")["status"] == "healthy"
        for _ in range(6):
            call(copy, "ghostpay/", body=PAYLOAD)
        log = read_until(process, "SMS to ")
        assert call(copy, "health/")["migrations"] == {"state": "up_to_date", "pending": 0, "bridges": []}
        assert call(copy, "sms-logs/")["count"] == 1
        assert paste(copy, printed)["duplicate"] is False
        log += read_until(process, "SMS to ")
        assert "its SMS is cancelled" in try_it(copy, printed, "paid")
        assert "its SMS is scheduled, due at " in (told := try_it(copy, printed, "morning"))
        assert re.search(r"due at \S+T07:00:00-03:00", told)
        payment = re.findall(r"gp_\d{7}", try_it(copy, printed, "opt-out"))[0]
        log += read_until(process, "Not wanted any more")
        assert call(copy, f"sms-logs/?payment={payment}")["results"][0]["status"] == "cancelled"
        assert {sms["status"] for sms in call(copy, "sms-logs/")["results"]} == {"sent", "cancelled", "scheduled"}
        [panel] = re.findall(r"Panel +(\S+)", printed)
        with urllib.request.urlopen(panel, timeout=30) as page:
            assert "/admin/login/" in page.url
        os.killpg(process.pid, signal.SIGINT)
        log += process.communicate(timeout=60)[0]
    assert "■ Stopped." in log
    assert log.count("SMS to ") == 2
    assert RunFolder(copy / ".run").leftovers() == []
    assert list(copy.rglob("*.pid")) == []


@pytest.mark.skipif("SWEEP" not in os.environ, reason="starts everything twice, in a minute: make sweep")
def test_a_run_starts_again_where_an_earlier_one_was_killed(copy: Path) -> None:
    with make_run(copy) as process:
        read_until(process, READY)
        before = RunFolder(copy / ".run").load()
        [runner] = psutil.Process(process.pid).children()
        runner.kill()
        process.wait(60)
    with make_run(copy) as process:
        read_until(process, READY)
        after = RunFolder(copy / ".run").load()
        secrets = [name for name in before if not name.endswith(("PORT", "URL"))]
        assert {name: after[name] for name in secrets} == {name: before[name] for name in secrets}
        assert (copy / ".run/env").stat().st_mode & 0o777 == 0o600
        os.killpg(process.pid, signal.SIGTERM)
        process.communicate(timeout=60)
    assert RunFolder(copy / ".run").leftovers() == []


def test_a_second_start_says_that_one_is_running(copy: Path) -> None:
    folder = RunFolder(copy / ".run")
    folder.path.mkdir(exist_ok=True)
    holder = "from tools.run_folder import *; from pathlib import Path; import sys\n"
    holder += "with RunFolder(Path('.run')).locked(): print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holder], cwd=copy, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        read_until(first, "held")
        with make_run(copy) as second:
            printed, _ = second.communicate(timeout=60)
        first.kill()
    assert f"make run is running already, as process {first.pid}" in printed
    assert second.returncode != 0
