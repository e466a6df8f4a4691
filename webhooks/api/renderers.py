"""How answers are written."""

from __future__ import annotations

from typing import Any

from rest_framework.renderers import JSONRenderer


class ASCIIRenderer(JSONRenderer):
    """Writes what is not ASCII as escapes, which means the same."""

    ensure_ascii = True


class EveryTextRenderer(JSONRenderer):
    """Writes UTF-8, and where that is not able to (JSON has lone surrogates, `"\\ud800"`, UTF-8 has none) ASCII."""

    def render(self, *args: Any, **kwargs: Any) -> bytes:
        """Return the content as JSON."""
        try:
            return bytes(super().render(*args, **kwargs))
        except UnicodeEncodeError:
            return bytes(ASCIIRenderer().render(*args, **kwargs))
