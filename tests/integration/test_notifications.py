"""Messages of real runs, taken by real servers that stand for the services."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integration.fallback.project import ID, Project

ALL = ["started", "waiting:0", "failed", "refused", "succeeded", "left"]
SECRET = "T0/B0/hunter2"


class Service:
    """Takes what is posted; answers by `status`, or not at all while `silent` is not set."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, dict[str, str], Any]] = []
        self.status = 200
        self.hangs = False
        self.released = threading.Event()
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.taken.append((self.path, dict(self.headers), json.loads(body)))
                if service.hangs:
                    service.released.wait(60)
                    return
                number = len(service.taken)
                answer = json.dumps({"ok": True, "ts": f"17.{number}", "channel": "C1"}).encode()
                self.send_response(service.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.close()


@pytest.fixture
def shop(tmp_path: Path) -> Project:
    project = Project(tmp_path)
    project.app("shop")
    project.migration("shop", "0001_first", f'migrations.CreateModel("A", [{ID}])')
    return project


def notifying(project: Project, notify: Any, **more: Any) -> Project:
    given = {
        "NOTIFY": notify,
        "SCREEN_URL": "https://shop.example/migrations/",
        "RELEASE": "4f2a91c",
        "RETRY_DELAY": 0.1,
    }
    project.settings(AUTO_MIGRATE={**given, **more})
    return project


def failing(project: Project) -> Project:
    project.migration("shop", "0002_bad", 'migrations.RunSQL("SELECT * FROM nowhere")', after="0001_first")
    return project


def test_a_webhook_gets_json_of_what_happened(shop: Project, service: Service) -> None:
    notifying(shop, {f"http://{service.host}/{SECRET}": ALL})
    assert shop.run("auto_migrate").code == 0
    [started, succeeded] = [content for _path, _headers, content in service.taken]
    assert (started["event"], started["migrations"]) == ("started", ["shop.0001_first"])
    assert (succeeded["event"], succeeded["applied"], succeeded["release"]) == ("succeeded", 1, "4f2a91c")
    assert started["run_id"] == succeeded["run_id"]
    assert succeeded["url"] == f"https://shop.example/migrations/runs/{succeeded['run_id']}/"
    assert service.taken[0][0] == f"/{SECRET}"


def test_a_run_with_nothing_to_do_is_no_news(shop: Project, service: Service) -> None:
    assert shop.run("auto_migrate").code == 0
    notifying(shop, {f"http://{service.host}/": ALL})
    for arguments in (["auto_migrate"], ["auto_migrate", "--check"], ["auto_migrate", "--plan"], ["wait_for_db"]):
        assert shop.run(*arguments).code == 0
    assert service.taken == []


def test_slack_gets_blocks_in_which_nothing_is_a_mention(shop: Project, service: Service) -> None:
    notifying(shop, {f"slack+http://{service.host}/{SECRET}": ["failed"]})
    shop.migration("shop", "0002_bad", "migrations.RunSQL(\"SELECT '<!channel>' FROM nowhere\")", after="0001_first")
    assert shop.run("auto_migrate").code == 1
    [(_path, _headers, content)] = service.taken
    assert content["text"] == "Migrations of default failed"
    section, context = content["blocks"]
    assert section["text"]["type"] == "mrkdwn"
    assert "shop.0002_bad failed at operation 1 of 1" in section["text"]["text"]
    assert "&lt;!channel&gt;" in section["text"]["text"]
    assert "<https://shop.example/migrations/runs/" in context["elements"][0]["text"]


def test_a_bot_of_slack_edits_its_one_message(shop: Project, service: Service) -> None:
    notifying(shop, {f"slack://xoxb-secret@deploys?api=http://{service.host}/api": ["started", "succeeded"]})
    assert shop.run("auto_migrate").code == 0
    [(first, headers, posted), (second, _headers, edited)] = service.taken
    assert (first, second) == ("/api/chat.postMessage", "/api/chat.update")
    assert headers["Authorization"] == "Bearer xoxb-secret"
    assert posted["channel"] == "deploys"
    assert (edited["channel"], edited["ts"]) == ("C1", "17.1")


def test_teams_gets_a_card(shop: Project, service: Service) -> None:
    notifying(shop, {f"teams+http://{service.host}/{SECRET}": ["succeeded"]})
    assert shop.run("auto_migrate").code == 0
    [(_path, _headers, content)] = service.taken
    [attachment] = content["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert card["body"][0]["text"] == "Migrations of default are applied"
    assert card["actions"][0]["url"].startswith("https://shop.example/migrations/runs/")


def test_apprise_carries_whatever_it_knows(shop: Project, service: Service) -> None:
    notifying(shop, {f"json://{service.host}/{SECRET}": ["succeeded"]})
    assert shop.run("auto_migrate").code == 0
    [(_path, _headers, content)] = service.taken
    assert content["title"] == "Migrations of default are applied"
    assert "shop.0001_first" in content["message"]


def test_mail_goes_the_way_of_the_projects_mail(shop: Project, tmp_path: Path) -> None:
    shop.settings(
        EMAIL_BACKEND="django.core.mail.backends.filebased.EmailBackend", EMAIL_FILE_PATH=str(tmp_path / "mail")
    )
    notifying(failing(shop), {"mailto:ops@example.com": ["failed"]})
    assert shop.run("auto_migrate").code == 1
    [mail] = [path.read_text() for path in (tmp_path / "mail").iterdir()]
    assert "Subject: Migrations of default failed" in mail
    assert "To: ops@example.com" in mail
    assert "https://shop.example/migrations/runs/" in mail


def test_a_refused_plan_is_told_as_such(shop: Project, service: Service) -> None:
    assert shop.run("auto_migrate").code == 0
    shop.query("INSERT INTO shop_a DEFAULT VALUES")
    shop.migration("shop", "0002_drop", 'migrations.DeleteModel("A")', after="0001_first")
    notifying(shop, {f"http://{service.host}/": ["refused", "failed"]})
    assert shop.run("auto_migrate").code == 6
    [(_path, _headers, content)] = service.taken
    assert (content["event"], content["exit_code"]) == ("refused", 6)


def test_one_that_never_answers_holds_no_run_up_for_long(shop: Project, service: Service) -> None:
    service.hangs = True
    notifying(shop, {f"http://{service.host}/{SECRET}": ALL})
    done = shop.run("auto_migrate")
    assert done.code == 0
    assert shop.recorded == ["shop.0001_first"]
    # It goes on not answering, and the run is over.
    assert not service.released.is_set()
    assert SECRET not in done.text + done.notes


def test_one_that_fails_is_logged_without_its_address(shop: Project, service: Service) -> None:
    service.status = 500
    notifying(shop, {f"http://{service.host}/{SECRET}": ["succeeded"]})
    done = shop.run("auto_migrate")
    assert done.code == 0
    assert len(service.taken) == 2
    assert "did not take a message: it answered 500" in done.notes
    assert SECRET not in done.text + done.notes


def test_the_test_says_who_takes_it(shop: Project, service: Service) -> None:
    notifying(shop, {f"http://{service.host}/{SECRET}": ["failed"], "http://127.0.0.1:1/hunter3": []})
    done = shop.run("auto_migrate", "--notify-test")
    assert done.code == 2
    assert "✅ http://127.0.0.1 has taken the test." in done.output
    assert "did not take the test: it did not answer (ConnectionRefusedError)" in done.output
    assert "hunter" not in done.text
    assert service.taken[0][2]["event"] == "test"
    assert shop.query("SELECT name FROM sqlite_master WHERE name = 'shop_a'") == []


def test_a_test_of_nobody_is_refused(shop: Project) -> None:
    assert shop.run("auto_migrate", "--notify-test").code == 2


def test_a_wait_is_told_once_and_not_before_its_time(shop: Project, service: Service, database_url: str) -> None:
    import psycopg

    project = Project(shop.folder, database_url)
    project.app("shop")
    assert project.run("auto_migrate").code == 0
    more = 'migrations.AddField("a", "n", models.TextField(null=True))'
    project.migration("shop", "0002_more", more, after="0001_first")
    soon, late = f"http://{service.host}/", f"http://{service.host}/later"
    notifying(project, {soon: ["waiting:1"], late: ["waiting:600"]}, LOCK_PATIENCE=3)
    with psycopg.connect(database_url) as holder:
        holder.execute("SELECT 1 FROM shop_a")
        assert project.run("auto_migrate").code == 1
    [(path, _headers, content)] = service.taken
    assert (path, content["event"]) == ("/", "waiting")
    assert "shop.0002_more has waited 1 s" in content["text"]
    assert "idle in transaction" in content["text"]


@pytest.mark.parametrize("given", [["nowhere"], {"https://x": ["never"]}, {"https://x": ["waiting:-1"]}, 3])
def test_what_makes_no_sense_is_refused_without_being_shown(shop: Project, given: Any) -> None:
    done = notifying(shop, given).run("auto_migrate")
    assert done.code == 2
    assert "https://x" not in done.text


def test_the_environment_says_it_on_one_line(shop: Project, service: Service) -> None:
    done = shop.run(
        "auto_migrate", AUTO_MIGRATE_NOTIFY=f"http://{service.host}/a|started,succeeded http://{service.host}/b"
    )
    assert done.code == 0
    assert [path for path, _headers, _content in service.taken] == ["/a", "/a"]
