"""Content types as Django can bear them: without the character set, which it believes before any of our code runs.

It reads the query string in whatever codec the header names, and a request with `charset=hex` or `charset*=hex''x` ends
in an exception that no middleware sees. This service reads UTF-8, as JSON is written; of the parameters a form's
boundary alone is needed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

BOUNDARY = re.compile(r';\s*boundary="?([^";]+)', re.IGNORECASE)


def with_plain_content_types(application: WSGIApplication) -> WSGIApplication:
    """Wrap an application so that it is given media types, and boundaries, alone."""

    def wrapped(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if given := environ.get("CONTENT_TYPE"):
            environ |= {"CONTENT_TYPE": plain(given)}
        return application(environ, start_response)

    return wrapped


def plain(content_type: str) -> str:
    """Return the media type with its boundary, if it has one."""
    media_type = content_type.partition(";")[0].strip()
    boundary = BOUNDARY.search(content_type)
    return f'{media_type}; boundary="{boundary[1]}"' if boundary else media_type
