"""A server that answers as Twilio's Messages resource does, and can be told to misbehave."""

from __future__ import annotations

import base64
import enum
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

TOKEN = "twilio-token"


class Mood(enum.Enum):
    """How it answers when asked to send."""

    WELL = "takes the message and says so"
    REFUSES = "refuses the number"
    OPTED_OUT = "says that the number wants none"
    THROTTLES = "refuses everybody for now"
    BREAKS = "takes the message and answers 500"
    HANGS = "takes the message and does not answer"


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """Sign a call as Twilio does: HMAC-SHA1 over the address and the form's names and values, by name."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


class FakeTwilio:
    """Listens on a port of its own while the `with` block lasts."""

    def __init__(self) -> None:
        self.mood = Mood.WELL
        self.forgets = False
        self.sent: list[dict[str, str]] = []
        self.authorizations: list[str | None] = []
        self.released = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        """Return the base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """Answer to a message being created."""
        if self.mood is Mood.REFUSES:
            return 400, {"code": 21211, "message": "Invalid 'To' Phone Number", "status": 400}
        if self.mood is Mood.OPTED_OUT:
            return 400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400}
        if self.mood is Mood.THROTTLES:
            return 429, {"code": 20429, "message": "Too Many Requests", "status": 429}
        message = {"sid": f"SM{len(self.sent):032}", "to": form["To"], "body": form["Body"], "from": form["From"]}
        self.sent.append(message)
        if self.mood is Mood.HANGS:
            self.released.wait(60)
        return (500, {"status": 500, "code": 20500, "message": "oops"}) if self.mood is Mood.BREAKS else (201, message)

    def list(self, to: str) -> dict[str, Any]:
        """Answer to messages being looked up."""
        found = [] if self.forgets else [message for message in reversed(self.sent) if message["to"] == to]
        return {"messages": found, "next_page_uri": None, "page": 0, "page_size": 50}

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        twilio = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                twilio.authorizations.append(self.headers["Authorization"])
                form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
                self._answer(*twilio.take({key: values[0] for key, values in form.items()}))

            def do_GET(self) -> None:
                self._answer(200, twilio.list(parse_qs(urlsplit(self.path).query)["To"][0]))

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base class's name
                pass

            def _answer(self, status: int, content: dict[str, Any]) -> None:
                body = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except ConnectionError:
                    pass  # the client was killed, which is what some tests are about

        return Handler
