"""What the documentation site needs beside MkDocs: its hooks (https://www.mkdocs.org/user-guide/configuration/#hooks).

The pages are written to be read in the repository as well. There a page links to code, names its twin in the other
language, and knows nothing of the site around it.
"""

from __future__ import annotations

import logging
import posixpath
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.nav import Navigation
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY: str = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Repository"]
HAZARDS = "hazards/README.md"
LINK = re.compile(r"(?<=\]\()(?!\w+:)([^)#\s]*)([^)\s]*)(?=\))")
# A page's sentence about its twin: the site has a button for it on every page.
TWIN = re.compile(
    r"^\[(?:In English|Em português)\]\([^)]*\)\n?|\s*\[(?:In English|Em português)\]\([^)]*\)", re.MULTILINE
)
# A bar in the code of a table, which GitHub wants escaped, and Python-Markdown as it is.
BAR = re.compile(r"(?<=`)[^`\n]*\\\|[^`\n]*(?=`)")
PORTUGUESE = ".pt-BR.md"
UNTRANSLATED = '!!! note "Ainda em inglês"\n    Esta página ainda não foi traduzida.\n\n'
# What a browser fetches by itself; to follow a link is the reader's own decision.
FETCHED = re.compile(
    r"""<(?:script|img|iframe|link(?![^>]*rel="?(?:canonical|alternate)))\b[^>]*(?:src|href)="?(https?://[^">\s]+)"""
)

# MkDocs counts warnings of its own loggers, and ends with an error after any.
log = logging.getLogger("mkdocs.hooks.docs_site")
# The line of each page in llms.txt, by the name of its file.
summaries: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set the address of the repository, and put the page of each hazard behind their overview."""
    config.repo_url = REPOSITORY
    config.repo_name = "django-auto-migrate"
    codes = sorted(path.stem for path in Path(config.docs_dir, "hazards").glob("AM[0-9][0-9][0-9].md"))
    for section in sections(config.nav):
        if section == [HAZARDS]:
            section.extend({code: f"hazards/{code}.md"} for code in codes)
    return config


def sections(items: Any) -> list[list[Any]]:
    """Return a navigation's list of entries and those of all sections within it."""
    inner = [children for item in items if isinstance(item, dict) for children in item.values()]
    return [items, *(found for children in inner if isinstance(children, list) for found in sections(children))]


def on_nav(nav: Navigation, **_: Any) -> None:
    """Bring the pages of llms.txt into the order of the navigation."""
    for page in nav.pages:
        summaries.setdefault(page.file.src_uri, "")


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, **_: Any) -> str:
    """Make the links of a page those of the site, and say of one that is not translated that it is not."""
    source = page.file.src_uri
    markdown = BAR.sub(lambda code: code[0].replace("\\|", "|"), markdown)
    markdown = LINK.sub(lambda link: address(link[1], link[2], source), TWIN.sub("", markdown))
    if config.theme["language"] == "en":
        summaries[source] = summary(markdown, page)
    elif not source.endswith(PORTUGUESE):
        title, _newline, rest = LINK.sub(lambda link: link[1] + anchor(link[1], link[2], source), markdown).partition(
            "\n"
        )
        markdown = f"{title}\n\n{UNTRANSLATED}{rest}"
    return markdown


def address(path: str, rest: str, source: str) -> str:
    """Return where a link of a page leads: what is outside of docs/ is in the repository."""
    target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(source), path))
    if path and not target.startswith("docs/"):
        kind = "tree" if (ROOT / target).is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{target}{rest}"
    if path.endswith("/"):
        path += "README.md"
    # From either language to the page; which of the two is the reader's choice.
    return path.replace(PORTUGUESE, ".md") + rest


def anchor(path: str, rest: str, source: str) -> str:
    """Return the anchor of a link among Portuguese pages, on one in English: a translation's headings are its own."""
    twin = ROOT / "docs" / posixpath.dirname(source) / path.replace(".md", PORTUGUESE)
    return "" if path.endswith(".md") and twin.exists() else rest


def summary(markdown: str, page: Page) -> str:
    """Return a page's line in llms.txt: title, address and first sentence."""
    title = re.findall(r"^# (.*)$", markdown, re.MULTILINE)[0]
    prose = re.sub(r"^```.*?^```$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    paragraphs = [text for text in prose.split("\n\n")[1:] if re.match(r"[\w*`(]", text)]
    first = re.split(r"(?<=\.)\s", " ".join(paragraphs[0].replace("**", "").split()))[0] if paragraphs else ""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", first)
    return f"- [{title}]({page.url or './'}): {plain}"


def on_page_content(html: str, **_: Any) -> str:
    """Show the colons before a docstring's block of code as one, or as none, as Python's own documentation does."""
    return html.replace("<p>::</p>", "").replace("::</p>", ":</p>")


def on_post_page(output: str, page: Page, **_: Any) -> str:
    """Warn of what a browser would fetch from another host, and let a home page's links begin where the site is."""
    for fetched in FETCHED.findall(output):
        log.warning("%s fetches %s", page.file.src_uri, fetched)
    home = page.file.src_uri.removesuffix(PORTUGUESE).removesuffix(".md") == "index"
    root = "../" if page.file.src_uri.endswith(PORTUGUESE) else "./"
    return output.replace('href="/', f'href="{root}') if home else output


def on_post_build(config: MkDocsConfig) -> None:
    """Write llms.txt, the list of all pages for programs that read (https://llmstxt.org)."""
    head = f"# {config.site_name}\n\n> Brings a Django database up to date at every deploy, by itself.\n\n## Pages\n\n"
    Path(config.site_dir, "llms.txt").write_text(head + "\n".join(filter(None, summaries.values())) + "\n", "utf-8")
