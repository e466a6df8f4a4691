"""`make messages`: the Portuguese catalogue follows the code, with no program beside Python.

What the code says and the catalogue lacks is put at the end, under the name of its module, to be translated. What
nobody says any more is taken out, and the rest stays as it stands. Then the catalogue is compiled.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "auto_migrate", ROOT / "webhooks")
CATALOGUE = Path("locale", "pt_BR", "LC_MESSAGES", "django.po")
# What marks a sentence, and how many of its arguments are one.
GETTEXT = {"_": 1, "gettext": 1, "gettext_lazy": 1, "gettext_noop": 1, "ngettext": 2, "ngettext_lazy": 2}
# What a template marks; one that counts or fills in says so in Python.
MARKED_IN_TEMPLATE = re.compile(r"""\{% translate (["'])(.+?)\1 %\}""")
# As msgcat wraps, nearly.
WIDTH = 78


@dataclass(frozen=True)
class Outcome:
    """What an update did: how many sentences it added and took out, and the lines of those that lack a translation."""

    added: int
    removed: int
    untranslated: tuple[int, ...]


def main() -> None:
    """Update each package's catalogue, and say what is left to translate."""
    outcomes = {package: update(package) for package in PACKAGES}
    for package, outcome in outcomes.items():
        counts = f"{outcome.added} sentences added, {outcome.removed} taken out; compiled."
        sys.stdout.write(f"{package.name}: {counts}\n")
        for line in outcome.untranslated:
            sys.stdout.write(f"  to translate: {(package / CATALOGUE).relative_to(ROOT)}:{line}\n")
    if any(outcome.untranslated for outcome in outcomes.values()):
        sys.stdout.write("Translate it, then `make messages` once more compiles it.\n")


def update(package: Path) -> Outcome:
    """Bring the catalogue of a package up to date with its code, and compile it."""
    path = package / CATALOGUE
    wanted = sentences(package)
    blocks = path.read_text("utf-8").rstrip("\n").split("\n\n")
    kept, known = [], set[str]()
    for block in blocks:
        entries = polib.pofile(block)
        # A merge may have left a sentence twice.
        if all(is_wanted(entry, wanted) and entry.msgid not in known for entry in entries):
            kept.append(block)
            known.update(entry.msgid for entry in entries)
    new = [entry for entry in new_entries(wanted) if entry.msgid not in known]
    text = "\n\n".join([*kept, *(entry.__unicode__(WIDTH).rstrip("\n") for entry in name_modules(new, wanted))])
    path.write_text(f"{text}\n", "utf-8")
    catalogue = polib.pofile(str(path))
    compile_catalogue(catalogue, path.with_suffix(".mo"))
    untranslated = tuple(entry.linenum for entry in catalogue if not entry.translated())
    return Outcome(len(new), len(blocks) - len(kept), untranslated)


def is_wanted(entry: polib.POEntry, wanted: Mapping[str, tuple[str, str]]) -> bool:
    """Return whether the code says the sentence, and with the same plural."""
    return entry.msgid in wanted and wanted[entry.msgid][0] == entry.msgid_plural and not entry.obsolete


def compile_catalogue(catalogue: polib.POFile, path: Path) -> None:
    """Compile a catalogue, unless what is there says the same: each compiler arranges the bytes in its own way."""
    if not path.exists() or contents(polib.mofile(str(path))) != contents(catalogue):
        catalogue.save_as_mofile(str(path))


def contents(catalogue: polib.POFile | polib.MOFile) -> tuple[dict[str, str], dict[str, tuple[str, dict[int, str]]]]:
    """Return what a catalogue says, wherever in it."""
    translated = catalogue.translated_entries()
    return catalogue.metadata, {entry.msgid: (entry.msgstr, entry.msgstr_plural) for entry in translated}


def sentences(package: Path) -> Mapping[str, tuple[str, str]]:
    """Return what the code hands to gettext, in its order: the plural or nothing, and the module that says it first."""
    found: dict[str, tuple[str, str]] = {}
    for path in sorted(package.rglob("*.py")):
        for singular, plural in marked(ast.parse(path.read_text("utf-8"))):
            if not found.get(singular, ("", ""))[0]:
                found[singular] = plural, path.relative_to(package).as_posix()
    for path in sorted(package.rglob("*.html")):
        for _quote, sentence in MARKED_IN_TEMPLATE.findall(path.read_text("utf-8")):
            found.setdefault(sentence, ("", path.relative_to(package).as_posix()))
    return found


def marked(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Return each sentence that a piece of code marks, with its plural or nothing."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            texts = node.args[: GETTEXT.get(node.func.id, 0)]
            said = [text.value for text in texts if isinstance(text, ast.Constant) and isinstance(text.value, str)]
            if said:
                yield said[0], "".join(said[1:])


def new_entries(wanted: Mapping[str, tuple[str, str]]) -> Iterator[polib.POEntry]:
    """Make an entry without a translation of every sentence."""
    for singular, (plural, _module) in wanted.items():
        flags = ["python-brace-format"] if re.search(r"\{\w+(![rsa])?(:[^}]*)?\}", singular) else []
        forms = {"msgid_plural": plural, "msgstr_plural": {0: "", 1: ""}} if plural else {}
        yield polib.POEntry(msgid=singular, flags=flags, **forms)


def name_modules(entries: list[polib.POEntry], wanted: Mapping[str, tuple[str, str]]) -> Iterator[polib.POEntry]:
    """Name the module above the first entry of each."""
    module = ""
    for entry in entries:
        if wanted[entry.msgid][1] != module:
            module = entry.tcomment = wanted[entry.msgid][1]
        yield entry


if __name__ == "__main__":
    main()
