"""The operator's screen, in a real browser, beside real runs of other processes."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import requests

from tests.browser import Browser, BrowserError
from tests.e2e.site import PREFIX, Site
from tests.manage import ROOT
from tests.servers import PostgreSQL
from tools.servers import wait_until

PATIENCE = 30.0
# A column that its parent cannot get any more.
HEIR = "CREATE TABLE shop_heir (note integer) INHERITS (shop_order)"
WIDTHS = (320, 768, 1280)
# All that a page by itself may weigh, in bytes.
HEAVIEST = 60_000
# `PICTURES=true` writes those of the documentation, a large one in light and a small one in dark.
PICTURES = ROOT / "docs" / "pictures" if os.environ.get("PICTURES") else None
PICTURED = {(1280, "light"), (320, "dark")}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgreSQL]:
    """Serve PostgreSQL to this module alone, which restarts it."""
    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="module")
def served(server: PostgreSQL) -> Iterator[Site]:
    with Site(server.create_database("screen"), CHANGE="column") as site:
        yield site


@pytest.fixture
def site(served: Site) -> Site:
    """Return the site with two migrations to apply."""
    served.back_to_first()
    served.query("TRUNCATE auto_migrate_run, auto_migrate_step, auto_migrate_event")
    return served


@pytest.fixture(scope="module")
def staff(served: Site) -> dict[str, str]:
    """Return the sessions of those who may do everything, and of those who may not end sessions."""
    return {"ana": served.session("ana"), "rui": served.session("rui", superuser=False)}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(chromium: Browser, site: Site, staff: dict[str, str]) -> Browser:
    """Return a browser of a usual size in which a superuser has logged in."""
    chromium.resize(1280, 900)
    chromium.log_in(site.base, staff["ana"])
    return chromium


def shows(browser: Browser, text: str) -> None:
    """Wait until the page says something, whatever is loaded meanwhile."""
    until(browser, f"document.body.innerText.includes({text!r})")


def until(browser: Browser, script: str) -> None:
    """Wait until something holds on the page."""
    wait_until(lambda: holds(browser, script), timeout=PATIENCE, message=lambda: f"Never {script}: {said(browser)}")


def holds(browser: Browser, script: str) -> bool:
    try:
        return bool(browser.run(f"Boolean({script})"))
    except BrowserError:
        # The page is just being left.
        return False


def said(browser: Browser) -> str:
    return str(browser.run("document.body.innerText"))


def press(browser: Browser, button: str) -> None:
    """Press a button, and say yes when it asks back."""
    wait_until(
        lambda: holds(browser, f"document.querySelector('#{button} summary')"),
        timeout=PATIENCE,
        message=lambda: said(browser),
    )
    assert browser.run(f"document.querySelector('#{button}-yes').checkVisibility()") is False
    browser.run(f"document.querySelector('#{button} summary').click()")
    browser.run(f"document.querySelector('#{button}-yes').click()")


def open_run(browser: Browser, site: Site, run_id: str) -> None:
    browser.open(f"{site.base}{PREFIX}/runs/{run_id}/")
    browser.run("window.loadedOnce = true")


def test_progress_grows_without_the_page_being_loaded_again(site: Site, browser: Browser) -> None:
    with site.holding("SELECT pg_advisory_lock(42)") as holder, site.run(CHANGE="work", THEN="column") as run:
        open_run(browser, site, site.newest_run())
        shows(browser, "0 of 2 migrations")
        assert browser.run("document.querySelector('progress').value") == 0
        holder.close()
        shows(browser, "2 of 2 migrations, 100 %")
        shows(browser, "The run has ended")
        assert run.wait(PATIENCE) == 0
    assert browser.run("window.loadedOnce")
    assert browser.run("document.querySelector('progress').value") == 2
    assert browser.run("document.getElementById('am-news').textContent") == "The run has ended: succeeded."
    assert browser.complaints() == []


def test_who_is_in_the_way_is_shown_and_can_be_ended(site: Site, browser: Browser) -> None:
    with site.holding("UPDATE shop_order SET price = 1"), site.run() as run:
        run_id = site.newest_run()
        open_run(browser, site, run_id)
        shows(browser, "Who is in the way")
        shows(browser, "reporting")
        assert "shop_order RowExclusiveLock" in said(browser)
        assert "UPDATE shop_order SET price = 1" in said(browser)
        [pid] = site.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'reporting'")[0]
        press(browser, f"am-end-{pid}")
        shows(browser, f"ana ended the session {pid}")
        assert run.wait(PATIENCE) == 0
        shows(browser, "2 of 2 migrations")
    assert site.query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'") == [(0,)]


def test_whoever_lacks_the_permission_cannot_end_a_session(site: Site, browser: Browser, staff: dict[str, str]) -> None:
    browser.log_in(site.base, staff["rui"])
    with site.holding("SELECT 1 FROM shop_order"), site.run():
        open_run(browser, site, site.newest_run())
        shows(browser, "reporting")
        assert browser.run("document.querySelectorAll('[id^=am-end-]').length") == 0
        assert browser.run("Boolean(document.querySelector('#am-stop'))")


def test_stop_ends_the_run_as_sigterm_would(site: Site, browser: Browser) -> None:
    with site.holding("SELECT 1 FROM shop_order"), site.run() as run:
        open_run(browser, site, site.newest_run())
        press(browser, "am-stop")
        shows(browser, "ana asked the run to stop.")
        assert run.wait(PATIENCE) == 8
        shows(browser, "Exit code 8.")
    assert site.query("SELECT status, exit_code FROM auto_migrate_run") == [("interrupted", 8)]


def test_a_failure_shows_what_to_type(site: Site, browser: Browser) -> None:
    site.query(HEIR)
    with site.run() as run:
        assert run.wait(PATIENCE) == 1
    open_run(browser, site, site.newest_run("failed"))
    for words in (
        "has different type",
        "Add field note to Order",
        'ALTER TABLE "shop_order" ADD COLUMN',
        "To type next",
    ):
        shows(browser, words)
    assert browser.run("document.querySelector('button[data-copy]').checkVisibility()")
    browser.run("document.querySelector('button[data-copy]').click()")
    shows(browser, "copied")


def test_migrate_now_begins_a_run(site: Site, browser: Browser) -> None:
    browser.open(f"{site.base}{PREFIX}/debug/")
    shows(browser, "2 migrations are pending.")
    press(browser, "am-migrate-default")
    shows(browser, "2 of 2 migrations")
    shows(browser, "http: ana")
    shows(browser, "Exit code 0.")
    assert site.query("SELECT status, requested_by FROM auto_migrate_run") == [("succeeded", "http: ana")]


def test_a_web_process_that_dies_and_a_database_that_restarts_lose_nothing(
    site: Site, browser: Browser, server: PostgreSQL
) -> None:
    with site.holding("SELECT pg_advisory_lock(42)"), site.run(CHANGE="work", THEN="column") as run:
        run_id = site.newest_run()
        open_run(browser, site, run_id)
        shows(browser, "0 of 2 migrations")
        site.stop()
        shows(browser, "The server does not answer.")
        assert run.poll() is None
        site.start()
        until(browser, "document.getElementById('am-stale').hidden")
        server.restart()
        shows(browser, "2 of 2 migrations, 100 %")
        assert run.wait(PATIENCE) == 0
    shows(browser, "Attempt 1 of")
    assert browser.run("window.loadedOnce")


def test_it_works_without_a_script(site: Site, browser: Browser) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        with site.holding("SELECT 1 FROM shop_order") as holder, site.run() as run:
            run_id = site.newest_run()
            told = "SELECT 1 FROM auto_migrate_event WHERE kind = 'tables_awaited'"
            wait_until(lambda: bool(site.query(told)), timeout=PATIENCE, message=lambda: "The run does not wait.")
            browser.open(f"{site.base}{PREFIX}/runs/{run_id}/")
            assert "reporting" in said(browser)
            holder.close()
            # It loads itself again after some seconds.
            shows(browser, "2 of 2 migrations")
            assert run.wait(PATIENCE) == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_pages_fit_every_screen_and_hurt_nobody(site: Site, browser: Browser) -> None:
    """Checked by axe in light and dark; at 320 pixels nothing is beyond the edge."""
    site.query(HEIR)
    with site.run() as run:
        assert run.wait(PATIENCE) == 1
    failed = site.newest_run("failed")
    site.query("DROP TABLE shop_heir")
    with site.holding("UPDATE shop_order SET price = 1"), site.run():
        waiting = site.newest_run()
        open_run(browser, site, waiting)
        shows(browser, "reporting")
        pages = {
            "overview": "debug/",
            "runs": "runs/",
            "run-waiting": f"runs/{waiting}/",
            "run-failed": f"runs/{failed}/",
        }
        found = [trouble for name, path in pages.items() for trouble in troubles(browser, site, name, path)]
    assert found == []


def troubles(browser: Browser, site: Site, name: str, path: str) -> Iterator[str]:
    for scheme in ("light", "dark"):
        emulated = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.call("Emulation.setEmulatedMedia", features=emulated)
        browser.open(f"{site.base}{PREFIX}/{path}")
        browser.run("document.querySelectorAll('details').forEach(details => details.open = true)")
        for width in WIDTHS:
            browser.resize(width, 900)
            if browser.overflow() > 0:
                yield f"{name} is {browser.overflow()} pixels too wide at {width}"
            if PICTURES and (width, scheme) in PICTURED:
                browser.run("document.querySelectorAll('details').forEach(details => details.open = false)")
                browser.screenshot(PICTURES / f"{name}-{width}-{scheme}.png")
        yield from (f"{name} {scheme}: {violation}" for violation in browser.violations())
        yield from (f"{name}: {complaint}" for complaint in browser.complaints())
        yield from (f"{name} asks {url}" for url in browser.requests() if not url.startswith((site.base, "data:")))
    browser.call("Emulation.setEmulatedMedia", features=[])


def test_a_page_by_itself_is_light_and_comes_from_one_place(site: Site) -> None:
    session = requests.Session()
    session.headers.update({"Authorization": "Bearer a-token-of-this-test-only", "Accept": "text/html"})
    page = session.get(f"{site.base}{PREFIX}/debug/", timeout=30)
    assert page.text.startswith("<!DOCTYPE html>")
    parts = [word.split('"')[1] for word in page.text.split() if word.startswith(("href=", "src="))]
    own = [part for part in parts if part.startswith(f"{PREFIX}/pages/")]
    assert len(own) == 3
    assert not [part for part in parts if "://" in part]
    assert len(page.content) + sum(len(session.get(site.base + part, timeout=30).content) for part in own) < HEAVIEST
