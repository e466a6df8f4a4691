"""Bodies that come in chunks, without a `Content-Length`, as edges that stream send them.

Django reads an empty body then, although a server that sets `wsgi.input_terminated` ends the input by itself.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

import structlog
from django.conf import settings

if TYPE_CHECKING:
    from _typeshed.wsgi import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

logger = structlog.get_logger(__name__)

TOLD = {"error": {"code": "incomplete", "message": "The body ended before its last chunk, or is not in chunks."}}


def with_chunked_bodies(application: WSGIApplication) -> WSGIApplication:
    """Wrap an application so that it is given chunked bodies with their length."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if _is_chunked(environ):
            try:
                body = _read(environ["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
            except Exception as error:  # noqa: BLE001 # each server has exceptions of its own for what is no chunk
                logger.warning("A body in chunks could not be read", path=environ["PATH_INFO"], reason=repr(error))
                return _refuse(start_response)
            environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return application(environ, start_response)

    return wrapped


def _is_chunked(environ: WSGIEnvironment) -> bool:
    # Without the server's word for it, reading to the end could last for ever.
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower() and environ.get(
        "wsgi.input_terminated", False
    )


def _read(stream: InputStream, limit: int) -> bytes:
    """Read to the end, or until there is one byte too many, which Django refuses then."""
    body = b""
    while len(body) <= limit and (chunk := stream.read(limit + 1 - len(body))):
        body += chunk
    return body


def _refuse(start_response: StartResponse) -> list[bytes]:
    content = json.dumps(TOLD).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(content)))]
    start_response("400 Bad Request", headers)
    return [content]
