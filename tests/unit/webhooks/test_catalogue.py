"""Everything that the service says to people is there in Portuguese, by `make messages`."""

from __future__ import annotations

import re

import polib

from tests.manage import ROOT
from tools.messages import CATALOGUE, contents, sentences

PACKAGE = ROOT / "webhooks"
WRITTEN = polib.pofile(str(PACKAGE / CATALOGUE))


def test_every_sentence_is_translated_with_its_placeholders() -> None:
    wrong = []
    for entry in WRITTEN:
        forms = list(entry.msgstr_plural.values()) or [entry.msgstr]
        wanted = set(re.findall(r"\{\w+\}", entry.msgid))
        if not all(forms) or any(set(re.findall(r"\{\w+\}", form)) != wanted for form in forms) or entry.fuzzy:
            wrong.append(entry.msgid)
    assert wrong == []


def test_the_catalogue_has_what_the_code_and_the_templates_say_and_nothing_else() -> None:
    assert {entry.msgid: entry.msgid_plural for entry in WRITTEN} == {
        text: plural for text, (plural, _module) in sentences(PACKAGE).items()
    }


def test_the_compiled_one_says_the_same() -> None:
    compiled = polib.mofile(str((PACKAGE / CATALOGUE).with_suffix(".mo")))
    assert contents(compiled) == contents(WRITTEN)
