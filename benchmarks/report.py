"""Figures as Markdown tables, put between markers of a document."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks.portuguese import in_portuguese

ROOT = Path(__file__).resolve().parent.parent
RELIABILITY = ROOT / "docs" / "reliability.md"
PERFORMANCE = ROOT / "docs" / "performance.md"


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    """Say what the figures were made on."""
    load = os.getloadavg()[1]
    system = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores (load {load:.1f}), {system}"


def write_between(marker: str, text: str, document: Path = RELIABILITY, *, twin: str = "") -> None:
    """Write between the `marker` of a document and of its Portuguese twin, which gets `twin` or the text translated."""
    replace_between(marker, text, document)
    replace_between(marker, twin or in_portuguese(text), document.with_suffix(".pt-BR.md"))


def replace_between(marker: str, text: str, document: Path) -> None:
    """Replace what is between `<!-- marker -->` and `<!-- /marker -->`; raise `ValueError` if they are not there."""
    begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    old = document.read_text()
    if begin not in old or end not in old:
        raise ValueError(f"{document} lacks {begin} and {end}; add both lines where the figures belong.")
    head, _, rest = old.partition(begin)
    _old, _, tail = rest.partition(end)
    document.write_text(f"{head}{begin}\n{text}\n{end}{tail}")
