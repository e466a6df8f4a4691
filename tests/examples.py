"""The examples of the documentation, to be carried out as they stand there."""

from __future__ import annotations

import re

from tests.manage import ROOT

BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str, language: str) -> list[str]:
    """Return the blocks of a language on a page of `docs/`."""
    found = BLOCK.finditer((ROOT / "docs" / page).read_text("utf-8"))
    return [block["text"] for block in found if block["language"] == language]


def files(page: str) -> dict[str, str]:
    """Return the Python files of a page, by the name in their first line."""
    named = (re.match(r"# (\S+\.py)\n", text) for text in blocks(page, "python"))
    return {name[1]: name.string for name in named if name}
