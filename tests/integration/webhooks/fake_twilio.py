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

import requests

SID, TOKEN = "AC" + "0" * 32, "twilio-token"
AUTHORIZATION = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()


class Mood(enum.Enum):
    """How it answers when asked to send."""

    WELL = "takes the message and says so"
    REFUSES = "refuses the number"
    OPTED_OUT = "says that the number wants none"
    SUSPENDED = "takes nothing of this account"
    UNAUTHENTICATED = "does not know this account, and says so by its code alone"
    THROTTLES = "refuses everybody for now"
    BREAKS = "takes the message and answers 500"
    HANGS = "takes the message and does not answer"


def signature(url: str, form: Mapping[str, str], token: str = TOKEN) -> str:
    """Sign a call as Twilio does: HMAC-SHA1 over the address and the form's names and values, by name."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


REFUSALS = {
    Mood.REFUSES: (400, 21211, "Invalid 'To' Phone Number"),
    Mood.OPTED_OUT: (400, 21610, "Attempt to send to unsubscribed recipient"),
    Mood.SUSPENDED: (403, 20005, "Account not active"),
    Mood.UNAUTHENTICATED: (400, 20003, "Authenticate"),
    Mood.THROTTLES: (429, 20429, "Too Many Requests"),
}
"""Status, code and message."""


def _complaint(form: Mapping[str, str]) -> tuple[int, int, str] | None:
    """Return what is wrong with a message, as far as Twilio would say."""
    if {"To", "From", "Body"} - set(form):
        return 400, 21604, "'To', 'From' and 'Body' are required"
    if not 1 <= int(form.get("ValidityPeriod", 36000)) <= 36000:
        return 400, 21626, "ValidityPeriod is out of range"
    return None if urlsplit(form.get("StatusCallback", "https://x")).netloc else (400, 21609, "No valid callback URL")


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
        if refusal := REFUSALS.get(self.mood) or _complaint(form):
            status, code, text = refusal
            return status, {"code": code, "message": text, "status": status}
        message = {"sid": f"SM{len(self.sent):032}", "to": form["To"], "body": form["Body"], "from": form["From"]}
        told = {"validity": form["ValidityPeriod"], "callback": form.get("StatusCallback", "")}
        self.sent.append(message | told)
        if self.mood is Mood.HANGS:
            self.released.wait(60)
        return (500, {"status": 500, "code": 20500, "message": "oops"}) if self.mood is Mood.BREAKS else (201, message)

    def report(self, number: int, status: str, code: str = "") -> int:
        """Report over the network what became of a message, and return how that was answered."""
        url, form = self.call(number, status, code)
        return requests.post(url, form, headers={"X-Twilio-Signature": signature(url, form)}, timeout=30).status_code

    def call(self, number: int, status: str, code: str = "") -> tuple[str, dict[str, str]]:
        """Return the address and the form that a report of a message goes to and consists of."""
        message = self.sent[number]
        form = {"MessageSid": message["sid"], "MessageStatus": status, "To": message["to"], "From": message["from"]}
        return message["callback"], form | ({"ErrorCode": code} if code else {})

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
                if self.headers["Authorization"] != AUTHORIZATION:
                    self._answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
                    return
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
