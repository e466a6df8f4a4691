"""The catalogue follows the code: what is new is put at its end, what is gone is taken out, and nothing else moves."""

from __future__ import annotations

import shutil
from pathlib import Path

import polib
import pytest

from tests.manage import ROOT
from tools.messages import CATALOGUE, Outcome, update

MODULE = """
from django.utils.translation import gettext as _, ngettext

SENTENCES = [_("Kept."), _("Gone {reason}."), ngettext("{count} row", "{count} rows", 2)]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Make a package of one module whose catalogue has the real one's head, and all sentences in Portuguese."""
    head, _rest = (ROOT / "auto_migrate" / CATALOGUE).read_text("utf-8").split("\n\n", 1)
    path = tmp_path / CATALOGUE
    path.parent.mkdir(parents=True)
    path.write_text(f"{head}\n", "utf-8")
    (tmp_path / "module.py").write_text(MODULE)
    update(tmp_path)
    for sentence in ("Kept.", "Gone {reason}."):
        translate(tmp_path, sentence, f"Em português: {sentence}")
    update(tmp_path)
    return tmp_path


def translate(package: Path, sentence: str, translation: str) -> None:
    text = (package / CATALOGUE).read_text("utf-8")
    empty = f'msgid "{sentence}"\nmsgstr ""'
    assert empty in text
    (package / CATALOGUE).write_text(text.replace(empty, f'msgid "{sentence}"\nmsgstr "{translation}"'), "utf-8")


def say(package: Path, old: str, new: str) -> None:
    text = (package / "module.py").read_text()
    assert old in text
    (package / "module.py").write_text(text.replace(old, new))


def compiled(package: Path) -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in polib.mofile(str((package / CATALOGUE).with_suffix(".mo")))}


def test_the_catalogue_of_the_package_stays_to_the_byte(tmp_path: Path) -> None:
    copy = tmp_path / "auto_migrate"
    shutil.copytree(ROOT / "auto_migrate", copy, ignore=shutil.ignore_patterns("__pycache__"))
    files = [CATALOGUE, CATALOGUE.with_suffix(".mo")]
    assert update(copy) == Outcome(0, 0, ())
    assert [(copy / file).read_bytes() == (ROOT / "auto_migrate" / file).read_bytes() for file in files] == [True, True]


def test_what_is_new_stands_at_the_end_under_its_module(package: Path) -> None:
    before = (package / CATALOGUE).read_text("utf-8")
    (package / "another.py").write_text('_("New {name}.")\n')
    outcome = update(package)
    after = (package / CATALOGUE).read_text("utf-8")
    added = '\n# another.py\n#, python-brace-format\nmsgid "New {name}."\nmsgstr ""\n'
    assert after == before + added
    assert (outcome.added, outcome.removed) == (1, 0)
    assert after.splitlines()[outcome.untranslated[-1] - 1] == "# another.py"


def test_a_translation_is_compiled(package: Path) -> None:
    (package / "another.py").write_text('_("New.")\n')
    update(package)
    assert "New." not in compiled(package)
    translate(package, "New.", "Novo.")
    update(package)
    assert compiled(package) == {
        "Kept.": "Em português: Kept.",
        "Gone {reason}.": "Em português: Gone {reason}.",
        "New.": "Novo.",
    }


def test_what_nobody_says_is_taken_out_and_the_rest_stands_as_it_stood(package: Path) -> None:
    blocks = (package / CATALOGUE).read_text("utf-8").split("\n\n")
    say(package, '_("Gone {reason}."), ', "")
    assert update(package).removed == 1
    left = [block for block in blocks if "Gone" not in block]
    assert len(left) == len(blocks) - 1
    assert (package / CATALOGUE).read_text("utf-8").rstrip("\n") == "\n\n".join(left).rstrip("\n")
    assert list(compiled(package)) == ["Kept."]


def test_another_plural_is_another_sentence(package: Path) -> None:
    say(package, '"{count} rows"', '"{count} lines"')
    outcome = update(package)
    assert (outcome.added, outcome.removed) == (1, 1)
    [entry] = [entry for entry in polib.pofile(str(package / CATALOGUE)) if entry.msgid_plural]
    assert (entry.msgid, entry.msgid_plural, entry.flags) == ("{count} row", "{count} lines", ["python-brace-format"])


def test_a_sentence_that_a_merge_left_twice_is_kept_once(package: Path) -> None:
    before = (package / CATALOGUE).read_text("utf-8")
    (package / CATALOGUE).write_text(f'{before}\nmsgid "Kept."\nmsgstr "Outra vez."\n', "utf-8")
    assert update(package).removed == 1
    assert (package / CATALOGUE).read_text("utf-8") == before
