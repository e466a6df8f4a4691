"""Everything that the engine says is in the Portuguese catalogue, and the compiled one says the same.

After a change: `cd auto_migrate && django-admin makemessages -l pt_BR --no-location --no-obsolete`, fill in what is
new, remove the POT-Creation-Date, then `django-admin compilemessages`.
"""

from __future__ import annotations

import ast
import contextlib
import re
import string
from pathlib import Path

import polib
import pytest
from django.utils.translation import gettext, override

from tests.manage import ROOT

PACKAGE = ROOT / "auto_migrate"
FOLDER = PACKAGE / "locale" / "pt_BR" / "LC_MESSAGES"
CATALOGUE = polib.pofile(str(FOLDER / "django.po"))
COMPILED = polib.mofile(str(FOLDER / "django.mo"))
GETTEXT = {"_", "gettext", "gettext_lazy", "gettext_noop"}
GOLDEN = ROOT / "tests" / "e2e" / "golden"
EACH = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.msgid[:40])


def sentences(path: Path) -> set[str]:
    """Give what a module hands to gettext; a computed text is one of those that another module marked."""
    calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
    marked = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id in GETTEXT]
    assert not [node for node in marked if isinstance(node, ast.JoinedStr)], f"{path} translates an f-string"
    return {node.value for node in marked if isinstance(node, ast.Constant) and isinstance(node.value, str)}


SENTENCES = {sentence: path for path in PACKAGE.rglob("*.py") for sentence in sentences(path)}


def placeholders(text: str) -> list[tuple[str, str, str]]:
    """Give name, conversion and format of each placeholder."""
    found = string.Formatter().parse(text)
    return sorted((name, conversion or "", format_ or "") for _text, name, format_, conversion in found if name)


def is_format(text: str) -> bool:
    """Tell whether a text has placeholders; a brace may also stand for itself, as in a dict to be typed."""
    return bool(re.search(r"\{\w+(![rsa])?(:[^}]*)?\}", text))


def test_every_sentence_of_the_code_is_in_the_catalogue_and_nothing_else() -> None:
    assert {entry.msgid for entry in CATALOGUE} == set(SENTENCES)


@EACH
def test_every_sentence_is_translated(entry: polib.POEntry) -> None:
    assert entry.msgstr
    assert not entry.fuzzy
    assert not entry.obsolete


@EACH
def test_a_translation_has_the_placeholders_and_blanks_of_the_sentence(entry: polib.POEntry) -> None:
    if is_format(entry.msgid):
        assert placeholders(entry.msgstr) == placeholders(entry.msgid)
    else:
        assert not is_format(entry.msgstr)
    for edge in (0, -1):
        assert entry.msgstr[edge].isspace() is entry.msgid[edge].isspace()
        assert (entry.msgstr[edge] == ".") is (entry.msgid[edge] == ".")


@EACH
def test_commands_settings_and_signs_are_the_same_in_both(entry: polib.POEntry) -> None:
    def typed(text: str) -> list[str]:
        words = re.findall(r"--[a-z][a-z-]+|manage\.py \w+|[A-Z]+(?:_[A-Z]+)+|[⏳⚠✅🔄📊🔍🛑🩹]", text)
        return sorted(words)

    assert typed(entry.msgstr) == typed(entry.msgid)


def test_the_compiled_catalogue_says_what_the_written_one_says() -> None:
    assert {entry.msgid: entry.msgstr for entry in COMPILED} == {entry.msgid: entry.msgstr for entry in CATALOGUE}
    assert COMPILED.metadata == CATALOGUE.metadata


def test_the_catalogue_does_not_change_when_nothing_has_changed() -> None:
    assert "POT-Creation-Date" not in CATALOGUE.metadata
    assert not any(entry.occurrences for entry in CATALOGUE)
    assert CATALOGUE.metadata["Language"] == "pt_BR"


@pytest.mark.parametrize(("log", "count"), [("success", 7), ("retry", 8)])
def test_the_lines_of_a_deploys_log_are_those_of_the_document(log: str, count: int) -> None:
    english, portuguese = (
        (GOLDEN / f"{log}.{language}.txt").read_text("utf-8").splitlines() for language in ("en", "pt-br")
    )
    lines = {
        said(sentence, "en", attempt): said(sentence, "pt-br", attempt) for sentence in SENTENCES for attempt in (1, 2)
    }
    spoken = [(lines[line], meant) for line, meant in zip(english, portuguese, strict=True) if line in lines]
    assert len(spoken) == count
    assert all(line == meant for line, meant in spoken)


def said(sentence: str, language: str, attempt: int) -> str:
    """Give a sentence as the log of the document has it; one that is not of that log, in any way."""
    values = {"attempt": attempt, "attempts": 5, "reason": "could not connect to server", "delay": 3}
    with override(language), contextlib.suppress(KeyError):
        return gettext(sentence).format(**values)
    return sentence
