"""A real Chromium, spoken to in its own protocol over two pipes: no driver, no port.

https://chromedevtools.github.io/devtools-protocol/ has the methods; each message is JSON that ends with a NUL.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import shlex
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

from tests.requirements import CHROMIUM, need

PATIENCE = 60.0
AXE = Path(__file__).parent / "fixtures" / "axe" / "axe.min.js"
OPTIONS = (
    "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
    "--no-first-run", "--disable-background-networking", "--disable-extensions",
)  # fmt: skip
SERIOUS = {"serious", "critical"}


class BrowserError(Exception):
    """The browser refused what it was asked, or a script on the page failed."""


class Browser:
    """One page of one Chromium while the `with` block lasts."""

    def __init__(self) -> None:
        need(CHROMIUM)
        self.events: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._buffer = b""
        self._session = ""

    def __enter__(self) -> Self:
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        command = shlex.join([str(CHROMIUM.path("chromium")), *OPTIONS, f"--user-data-dir={self._profile.name}"])
        self._process = subprocess.Popen(
            ["bash", "-c", f"exec {command} about:blank 3<&{theirs_in} 4>&{theirs_out}"],
            pass_fds=(theirs_in, theirs_out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol and return its result."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            if not (read := os.read(self._from, 1 << 20)):
                raise BrowserError("Chromium has ended.")
            self._buffer += read
        message, _, self._buffer = self._buffer.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found

    def run(self, script: str) -> Any:
        """Run a piece of JavaScript on the page and return what it gives, awaited."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise BrowserError(str(found["exceptionDetails"]))
        return found["result"].get("value")

    def resize(self, width: int, height: int = 844) -> None:
        """Give the page the size of a screen."""
        phone = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def log_in(self, url: str, session: str) -> None:
        """Bear a session of Django."""
        self.call("Network.setCookie", name="sessionid", value=session, url=url)

    def open(self, url: str) -> None:
        """Open an address and wait until all of it is there."""
        self.events.clear()
        self.call("Page.navigate", url=url)
        deadline = time.monotonic() + PATIENCE
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            assert time.monotonic() < deadline, f"{url} is not loaded"
            self.events.append(self._read())

    def wait_for(self, condition: str) -> None:
        """Wait until a condition holds on the page."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(f"Boolean({condition})"):
            assert time.monotonic() < deadline, f"{condition} never held: {self.run('document.body.innerText')}"
            time.sleep(0.05)

    def complaints(self) -> list[str]:
        """Return what the browser holds against the page: failed scripts, what its policy forbids, what is missing."""
        self.run("0")  # so that what has happened is read
        entries = [event["params"]["entry"] for event in self.events if event.get("method") == "Log.entryAdded"]
        thrown = [str(event["params"]) for event in self.events if event.get("method") == "Runtime.exceptionThrown"]
        return [entry["text"] for entry in entries if entry["level"] == "error"] + thrown

    def requests(self) -> list[str]:
        """Return the addresses that the page has asked for."""
        asked = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in asked]

    def overflow(self) -> int:
        """Return how many pixels of the page are beyond the screen's right edge."""
        return int(self.run("document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def violations(self) -> list[str]:
        """Return what axe finds of serious or critical impact, with where it is."""
        self.run(AXE.read_text("utf-8") + "; 0")
        found = self.run("axe.run({resultTypes: ['violations']}).then(result => JSON.stringify(result.violations))")
        grave = [each for each in json.loads(found) if each["impact"] in SERIOUS]
        return [f"{each['id']}: {node['target']} {node['html'][:200]}" for each in grave for node in each["nodes"]]

    def screenshot(self, path: Path) -> None:
        """Save what the page looks like, all of it."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))
