"""Checks the documentation site as it was built: each link within it leads to a page, each anchor to its place there.

    python -m tools.check_site [FOLDER]

MkDocs checks the links of the pages' source; this also sees those that themes, plugins and translations make.
"""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

SITE = Path(__file__).resolve().parent.parent / "build" / "site"
# It is shown wherever nothing is, so that its links begin at the host's root.
NOT_FOUND = "404.html"


class Reader(HTMLParser):
    """Collects what a page links to or fetches, and the places in it that can be linked to."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.places: set[str] = {""}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in {"href", "src"} and value is not None:
                self.links.add(value)
            elif name == "id" or (tag == "a" and name == "name"):
                self.places.add(str(value))


def main(arguments: Sequence[str]) -> int:
    """Print each link that leads nowhere, and return the exit code."""
    site = Path(arguments[0]) if arguments else SITE
    pages = {path.relative_to(site).as_posix(): read(path) for path in sorted(site.rglob("*.html"))}
    found = list(dead_links(site, pages))
    for sentence in found:
        sys.stderr.write(f"✖ {sentence}\n")
    if not found:
        sys.stdout.write(f"✅ {len(pages)} pages, {sum(len(page.links) for page in pages.values())} links.\n")
    return 1 if found or not pages else 0


def read(path: Path) -> Reader:
    """Read a page."""
    reader = Reader()
    reader.feed(path.read_text("utf-8"))
    return reader


def dead_links(site: Path, pages: dict[str, Reader]) -> Iterator[str]:
    """Return a sentence for each link of the pages, by their names within the site, that leads nowhere."""
    for name, page in pages.items():
        for link in sorted(page.links) if name != NOT_FOUND else ():
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
            )
            if (site / target).is_dir():
                target = posixpath.normpath(posixpath.join(target, "index.html"))
            if not (site / target).exists():
                yield f"{name} links to {link}: there is no {target}."
            elif target in pages and unquote(parts.fragment) not in pages[target].places:
                yield f"{name} links to {link}: {target} has no such place."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
