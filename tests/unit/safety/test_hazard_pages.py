"""The pages of the hazards say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils.translation import gettext, override

from auto_migrate.findings import Basis, Level
from auto_migrate.safety.hazard import EVERYWHERE, Harm
from auto_migrate.safety.hazards import hazards
from auto_migrate.safety.live import BY_RULE, ON_SMALL_TABLES
from tests.entries import each_entry
from tests.manage import ROOT

PAGES = Path(ROOT, "docs", "hazards")
OVERVIEW = (PAGES / "README.md").read_text("utf-8")
# How the pages of a language end, and what they say of a hazard on every database.
LANGUAGES = {"en": (".md", "everywhere"), "pt-br": (".pt-BR.md", "em toda parte")}
PARTS = {
    "en": ("**What it does.**", "**The safe way.**", "**Versions.**", "**To acknowledge it**"),
    "pt-br": ("**O que faz.**", "**O caminho seguro.**", "**Versões.**", "**Para aceitá-lo**"),
}
NAMES = {"postgresql": "PostgreSQL", "mysql": "MySQL", "sqlite": "SQLite"}
HARMS = {
    Harm.LOSES_DATA: "loses data",
    Harm.BLOCKS: "blocks reads or writes",
    Harm.BREAKS: "breaks the running release",
    Harm.FAILS: "fails the deploy",
    Harm.RISKS: "risks an accident",
}


@each_entry("language", LANGUAGES)
def test_the_overview_lists_every_hazard_as_the_code_has_it(language: str) -> None:
    ending, everywhere = LANGUAGES[language]
    overview = (PAGES / f"README{ending}").read_text("utf-8")
    row = rf"^\| \[(AM\d+)\]\((AM\d+){re.escape(ending)}\) \| (.+) \| (.+) \| (.+) \|$"
    listed = re.findall(row, overview, re.MULTILINE)
    with override(language):
        assert listed == [
            (code, code, gettext(hazard.title), gettext(hazard.harm), where(hazard.vendors, everywhere))
            for code, hazard in hazards().items()
        ]


def where(vendors: frozenset[str], everywhere: str) -> str:
    """Name the databases of a hazard."""
    return everywhere if vendors == EVERYWHERE else ", ".join(NAMES[name] for name in NAMES if name in vendors)


def test_the_overview_gives_the_levels_of_the_code() -> None:
    for harm, words in HARMS.items():
        assert f"| {words} | {BY_RULE[harm]} | {ON_SMALL_TABLES[harm]} |" in OVERVIEW


@each_entry("word", [*Level, *(f"**{basis}**" for basis in Basis)])
def test_the_overview_explains_each_word(word: str) -> None:
    assert word in OVERVIEW


def test_every_page_is_of_a_hazard_and_every_link_leads_to_one() -> None:
    assert {page.name.partition(".")[0] for page in PAGES.glob("AM*.md")} == set(hazards())
    for page in PAGES.glob("*.md"):
        for linked in re.findall(r"\]\((AM\d+)\.md\)", page.read_text("utf-8")):
            assert linked in hazards(), f"{page.name} links to {linked}"


@each_entry("page", sorted(PAGES.glob("AM*.md")), ids=lambda page: page.name)
def test_a_page_tells_all_that_is_asked_of_it(page: Path) -> None:
    text = " ".join(page.read_text("utf-8").split())
    code, _dot, ending = page.name.partition(".")
    language = next(language for language in LANGUAGES if LANGUAGES[language][0] == f".{ending}")
    with override(language):
        title = gettext(hazards()[code].title)
    # It is a sentence of its own in a report, and goes on after the code here.
    assert text.casefold().startswith(f"# {code}: {title} **".casefold())
    for part in PARTS[language]:
        assert part in text
    for way in (f'acknowledge("{code}", reason="', f'ACKNOWLEDGE = {{"{code}:', f"--acknowledge {code}:"):
        assert way in text
