"""The workflows of `docs/ci.md` are what GitHub, GitLab and pre-commit take, and call the command as it is."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from auto_migrate.management.commands.assess_migrations import Command
from auto_migrate.reporting.assessments.markdown import MARKER
from tests.manage import ROOT

TEXT = (ROOT / "docs" / "ci.md").read_text("utf-8")
BLOCKS = dict(re.findall(r"^```yaml\n# (\S+)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL))
GITHUB, GITLAB, HOOKS = ".github/workflows/migrations.yml", ".gitlab-ci.yml", ".pre-commit-config.yaml"
CALL = re.compile(r"python manage\.py assess_migrations (?P<options>[^\n>]*)")


def load(name: str) -> Any:
    """Parse one of the files."""
    return yaml.safe_load(BLOCKS[name])


def test_there_are_no_others() -> None:
    assert set(BLOCKS) == {GITHUB, GITLAB, HOOKS}


@pytest.mark.parametrize(("name", "schema"), [(GITHUB, "vendor.github-workflows"), (GITLAB, "vendor.gitlab-ci")])
def test_each_fits_the_schema_of_what_reads_it(tmp_path: Path, name: str, schema: str) -> None:
    file = tmp_path / "file.yml"
    file.write_text(BLOCKS[name])
    transform = ["--data-transform", "gitlab-ci"] if name == GITLAB else []
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *transform, str(file)]
    process = subprocess.run(check, check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.parametrize("call", CALL.findall(TEXT))
def test_every_call_is_one_that_the_command_takes(call: str) -> None:
    options = Command().create_parser("manage.py", "assess_migrations").parse_args(shlex.split(call.strip()))
    assert options.since


def test_the_history_is_fetched_from_which_the_branch_came() -> None:
    [checkout, *_others] = load(GITHUB)["jobs"]["assess"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert load(GITLAB)["migrations"]["variables"]["GIT_DEPTH"] == "0"


def test_what_is_uploaded_and_commented_is_what_was_written() -> None:
    steps = load(GITHUB)["jobs"]["assess"]["steps"]
    written = set(re.findall(r"> (\S+)$", steps[3]["run"], re.MULTILINE))
    assert written == {"comment.md", steps[-1]["with"]["sarif_file"]}
    assert 'readFileSync("comment.md"' in steps[-2]["with"]["script"]
    # A step that fails keeps neither from being told.
    assert all("!cancelled()" in step["if"] for step in steps[-2:])


def test_the_last_call_decides_whether_the_job_fails() -> None:
    github = load(GITHUB)["jobs"]["assess"]["steps"][3]["run"].strip().splitlines()
    for calls in (github, load(GITLAB)["migrations"]["script"]):
        assert "--fail-level" not in calls[-1]
        assert all("--fail-level never" in call for call in calls[:-1] if "assess_migrations" in call)


def test_both_find_the_comment_by_its_first_line() -> None:
    assert TEXT.count(MARKER) == 2


class Notes(BaseHTTPRequestHandler):
    """The notes of a merge request, as GitLab keeps them."""

    kept: list[dict[str, Any]]

    def do_GET(self) -> None:
        self.answer(self.kept)

    def do_POST(self) -> None:
        self.kept.append({"id": len(self.kept), **self.body()})
        self.answer(self.kept[-1])

    def do_PUT(self) -> None:
        self.kept[int(self.path.rpartition("/")[2])].update(self.body())
        self.answer({})

    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def answer(self, value: object) -> None:
        self.send_response(200 if self.headers["PRIVATE-TOKEN"] == "a token" else 401)
        self.end_headers()
        self.wfile.write(json.dumps(value).encode())

    def log_message(self, *_arguments: object) -> None:
        return


def test_the_script_of_gitlab_keeps_one_note(tmp_path: Path) -> None:
    shell = load(GITLAB)["migrations"]["after_script"][-1]
    script = shell.partition("<<'PYTHON'\n")[2].removesuffix("PYTHON\n")
    handler = type("Handler", (Notes,), {"kept": [{"id": 0, "body": "Looks good."}]})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for text in ("first", "second"):
            (tmp_path / "comment.md").write_text(f"{MARKER}\n{text} ação", encoding="utf-8")
            notes = f"http://127.0.0.1:{server.server_port}/notes"
            env = {**os.environ, "COMMENT_TOKEN": "a token"}
            subprocess.run([sys.executable, "-", notes], cwd=tmp_path, env=env, input=script, text=True, check=True)
        server.shutdown()
    assert [note["body"] for note in handler.kept] == ["Looks good.", f"{MARKER}\nsecond ação"]  # type: ignore[attr-defined]


def test_the_hook_looks_at_migrations_only() -> None:
    [hook] = load(HOOKS)["repos"][0]["hooks"]
    assert re.search(hook["files"], "shop/migrations/0001_initial.py")
    assert not re.search(hook["files"], "shop/models.py")
