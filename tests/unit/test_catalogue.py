"""Everything that the engine says is in the Portuguese catalogue, and the compiled one says the same.

After a change: `make messages`, translate what it names, and `make messages` again.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import string
from pathlib import Path

import polib
import pytest
from django.utils.translation import gettext, override

from tests.entries import each_entry
from tests.manage import ROOT
from tools.messages import GETTEXT

PACKAGE = ROOT / "auto_migrate"
FOLDER = PACKAGE / "locale" / "pt_BR" / "LC_MESSAGES"
CATALOGUE = polib.pofile(str(FOLDER / "django.po"))
COMPILED = polib.mofile(str(FOLDER / "django.mo"))
GOLDEN = ROOT / "tests" / "e2e" / "golden"
EACH = each_entry("entry", CATALOGUE, ids=lambda entry: repr(entry.msgid))


def sentences(path: Path) -> set[str]:
    """Return what a module hands to gettext; a computed text is one of those that another module marked."""
    tree = ast.parse(path.read_text("utf-8"))
    marked = arguments(tree)
    assert not [node for node in marked if isinstance(node, ast.JoinedStr)], f"{path} translates an f-string"
    inner = [node for text in ast.walk(tree) if isinstance(text, ast.JoinedStr) for node in arguments(text)]
    # `makemessages` does not look into f-strings.
    assert not [node for node in inner if isinstance(node, ast.Constant)], f"{path} translates within an f-string"
    return {node.value for node in marked if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def arguments(tree: ast.AST) -> list[ast.expr]:
    """Return what is marked within a piece of code."""
    return [
        text
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        for text in node.args[: GETTEXT.get(node.func.id, 0)]
    ]


@functools.cache
def marked_sentences() -> frozenset[str]:
    """Return those of the whole package."""
    return frozenset(sentence for path in PACKAGE.rglob("*.py") for sentence in sentences(path))


def placeholders(text: str) -> list[tuple[str, str, str]]:
    """Return name, conversion and format of each placeholder."""
    found = string.Formatter().parse(text)
    return sorted((name, conversion or "", format_ or "") for _text, name, format_, conversion in found if name)


def is_format(text: str) -> bool:
    """Return whether a text has placeholders; a brace may also stand for itself, as in a dict to be typed."""
    return bool(re.search(r"\{\w+(![rsa])?(:[^}]*)?\}", text))


def test_every_sentence_of_the_code_is_in_the_catalogue_and_nothing_else() -> None:
    written = {text for entry in CATALOGUE for text in (entry.msgid, entry.msgid_plural) if text}
    assert written == marked_sentences(), "`make messages` brings it up to date"


def pairs(entry: polib.POEntry) -> list[tuple[str, str]]:
    """Return each form of a sentence with what stands for it; one that counts something has two."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    assert sorted(entry.msgstr_plural) == [0, 1]
    return [(entry.msgid, entry.msgstr_plural[0]), (entry.msgid_plural, entry.msgstr_plural[1])]


@EACH
def test_every_sentence_is_translated(entry: polib.POEntry) -> None:
    assert all(said for _text, said in pairs(entry))
    assert not entry.fuzzy
    assert not entry.obsolete


@EACH
def test_a_translation_has_the_placeholders_and_blanks_of_the_sentence(entry: polib.POEntry) -> None:
    for text, said in pairs(entry):
        if is_format(text):
            assert placeholders(said) == placeholders(text)
        else:
            assert not is_format(said)
        for edge in (0, -1):
            assert said[edge].isspace() is text[edge].isspace()
            assert (said[edge] == ".") is (text[edge] == ".")


@EACH
def test_commands_settings_and_signs_are_the_same_in_both(entry: polib.POEntry) -> None:
    def typed(text: str) -> list[str]:
        words = re.findall(r"--[a-z][a-z-]+|manage\.py \w+|[A-Z]+(?:_[A-Z]+)+|[⏳⚠✅🔄📊🔍🛑🩹🧹🎭🌱⏭]", text)
        return sorted(words)

    for text, said in pairs(entry):
        assert typed(said) == typed(text)


def test_the_compiled_catalogue_says_what_the_written_one_says() -> None:
    assert {entry.msgid: pairs(entry) for entry in COMPILED} == {entry.msgid: pairs(entry) for entry in CATALOGUE}
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
        said(sentence, "en", attempt): said(sentence, "pt-br", attempt)
        for sentence in marked_sentences()
        for attempt in (1, 2)
    }
    spoken = [(lines[line], meant) for line, meant in zip(english, portuguese, strict=True) if line in lines]
    assert len(spoken) == count
    assert all(line == meant for line, meant in spoken)


def said(sentence: str, language: str, attempt: int) -> str:
    """Return a sentence as the log of the document has it; one that is not of that log, in any way."""
    values = {"attempt": attempt, "attempts": 5, "reason": "could not connect to server", "delay": 3}
    with override(language), contextlib.suppress(KeyError):
        return gettext(sentence).format(**values)
    return sentence
