"""Begins a hazard: its module, its page with a row in the overview, its pair of migrations, and its test.

The page and the row are made twice, in English and in Portuguese.

    python -m tools.new_hazard AM1 sequence-restarted --title "A sequence starts anew"

makes AM116, if AM115 is the last of its series, which is AM1 where none is named. What is left to write is marked TODO,
and no test lets a TODO pass.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import hazard_skeletons

ROOT = Path(__file__).resolve().parent.parent
HAZARDS = Path("auto_migrate", "safety", "hazards")
OVERVIEW = Path("docs", "hazards", "README.md")
OVERVIEWS = (OVERVIEW, OVERVIEW.with_name("README.pt-BR.md"))
ROW = re.compile(r"^\| \[(AM\d{3})\]\(AM\d{3}(?:\.pt-BR)?\.md\) \|.*\n", re.MULTILINE)
LONGEST_NAME = 40
LONGEST_TITLE = 80


@dataclass(frozen=True)
class Series:
    """The hazards whose codes begin alike: what they have in common, and the harm that most of them do."""

    about: str
    harm: str


SERIES = {
    "AM1": Series("holds reads or writes up: locks, rewrites, scans", "BLOCKS"),
    "AM2": Series("goes wrong when an index or a constraint is made", "RISKS"),
    "AM3": Series("loses data", "LOSES_DATA"),
    "AM4": Series("breaks the release that is still running", "BREAKS"),
    "AM5": Series("is about a migration as a whole: its functions, its way back, its phase", "RISKS"),
}
# The series of most hazards.
USUAL = "AM1"
# The members of auto_migrate.safety.hazard.Harm, as the overview and its twin have them.
HARMS = {
    "LOSES_DATA": ("loses data", "perde dados"),
    "BLOCKS": ("blocks", "bloqueia"),
    "BREAKS": ("breaks the running release", "quebra a versão em execução"),
    "FAILS": ("fails the deploy", "faz o deploy falhar"),
    "RISKS": ("risks", "é arriscado"),
}


class Refused(Exception):
    """No hazard can be made of what was asked for; the text says why, and what to type."""


@dataclass(frozen=True)
class NewHazard:
    """A hazard to be, by all of its names."""

    code: str
    name: str
    title: str
    harm: str
    everywhere: bool = False

    @property
    def module(self) -> str:
        """What its Python files are called."""
        return f"{self.code.lower()}_{self.name.replace('-', '_')}"

    @property
    def class_name(self) -> str:
        return "".join(word.capitalize() for word in self.name.split("-"))

    @property
    def rows(self) -> Mapping[Path, str]:
        """Its line of the overview, and of its twin, for whose title somebody has yet to translate it."""
        titles = (self.title, "TODO: o título")
        places = ("everywhere", "em toda parte") if self.everywhere else ("PostgreSQL", "PostgreSQL")
        return {
            overview: f"| [{self.code}]({overview.name.replace('README', self.code)}) | {title} | {harm} | {place} |\n"
            for overview, title, harm, place in zip(OVERVIEWS, titles, HARMS[self.harm], places, strict=True)
        }

    def files(self) -> Mapping[Path, str]:
        """Return the text of each new file."""
        names = {
            "code": self.code,
            "name": self.name,
            "title": self.title,
            "subject": self.title[0].lower() + self.title[1:],
            "harm": self.harm,
            "class_name": self.class_name,
            "module": self.module,
            "everywhere": "EVERYWHERE, " if self.everywhere else "",
            "vendors": "    vendors = EVERYWHERE\n" if self.everywhere else "",
            "elsewhere": "" if self.everywhere else " It is not looked for on MySQL and SQLite.",
            "elsewhere_in_portuguese": "" if self.everywhere else " Não se procura por ele no MySQL e no SQLite.",
        }
        return {
            HAZARDS / f"{self.module}.py": hazard_skeletons.MODULE.format(**names),
            OVERVIEW.with_name(f"{self.code}.md"): hazard_skeletons.PAGE.format(**names),
            OVERVIEW.with_name(f"{self.code}.pt-BR.md"): hazard_skeletons.TWIN.format(**names),
            Path("tests", "hazards", f"{self.module}.py"): hazard_skeletons.PAIR.format(**names),
            Path("tests", "unit", "safety", f"test_{self.module}.py"): hazard_skeletons.TEST.format(**names),
        }


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> None:
    """Make a hazard's files and say what comes next; end with 2 where nothing was made."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    name = options.name.replace("_", "-")
    try:
        code = free_code(root, options.code)
        title = options.title or name.replace("-", " ").capitalize()
        harm = options.harm or SERIES[code[:3]].harm
        new = NewHazard(code, name, title, harm, options.everywhere)
        check(root, new)
    except Refused as refusal:
        parser.error(str(refusal))
    write(root, new)
    files = "\n".join(f"  {path}" for path in new.files())
    about = SERIES[code[:3]].about
    sys.stdout.write(hazard_skeletons.NEXT.format(code=code, about=about, files=files, module=new.module))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser, whose help teaches the series and what is made."""
    series = "\n".join(f"  {begin}xx  {each.about}" for begin, each in SERIES.items())
    parser = argparse.ArgumentParser(
        prog="python -m tools.new_hazard",
        description=__doc__,
        epilog=f"series, by what a hazard does:\n{series}\n\nCONTRIBUTING.md tells the rest.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "code",
        nargs="?",
        default=USUAL,
        help=f"a series, such as AM4, for its next free code; or a whole code, such as AM116 (default: {USUAL})",
    )
    parser.add_argument("name", help="a few words with hyphens, such as sequence-restarted: reports and files have it")
    parser.add_argument(
        "--title", default="", help="one short sentence without a full stop (default: the words of NAME)"
    )
    parser.add_argument("--harm", choices=HARMS, help="what it does to a live service (default: that of the series)")
    parser.add_argument("--everywhere", action="store_true", help="it holds on every database, not on PostgreSQL alone")
    return parser


def free_code(root: Path, asked: str) -> str:
    """Return the code to take; raise `Refused` for one that is none or is taken."""
    series = asked[:3]
    if series not in SERIES or not re.fullmatch(r"AM\d(0[1-9]|[1-9]\d)?", asked):
        known = ", ".join(SERIES)
        raise Refused(f"{asked!r} is no code: take a series ({known}) or three digits of one, such as AM116.")
    taken = {path.name[:5].upper(): path for path in (root / HAZARDS).glob("am[0-9]*.py")}
    if (free := f"{series}{last_number(taken, series) + 1:02}") > f"{series}99":
        raise Refused(f"{series} has no free code left.")
    if asked in taken:
        raise Refused(f"{asked} is taken by {taken[asked].relative_to(root)}; the next free code is {free}.")
    return free if asked == series else asked


def last_number(taken: Mapping[str, Path], series: str) -> int:
    """Return the number within a series of its last code."""
    return max((int(code[3:]) for code in taken if code.startswith(series)), default=0)


def check(root: Path, new: NewHazard) -> None:
    """Raise `Refused` where a name will not do, or is somebody else's."""
    if re.fullmatch(r"[A-Z]+\d+", new.name):
        raise Refused(f"{new.name} is a code, and the name is missing: {new.name} sequence-restarted")
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", new.name) or len(new.name) > LONGEST_NAME:
        raise Refused(
            f"{new.name!r} is no name: take at most {LONGEST_NAME} small letters in words with hyphens, "
            "such as sequence-restarted."
        )
    if not re.fullmatch(r"[^|\"\\{}\n]*[^|\"\\{}\n.\s]", new.title) or len(new.title) > LONGEST_TITLE:
        raise Refused(
            f"{new.title!r} is no title: take one sentence of at most {LONGEST_TITLE} characters without a full stop, "
            'and without any of | " \\ { }.'
        )
    for path in sorted((root / "auto_migrate").rglob("*.py")):
        text = path.read_text("utf-8")
        if re.search(rf'^    slug = "{new.name}"$|^class {new.class_name}\b', text, re.MULTILINE):
            raise Refused(f"{new.name} ({new.class_name}) is taken by {path.relative_to(root)}: take another name.")
    if left := [str(path) for path in new.files() if (root / path).exists()]:
        raise Refused(f"There is {', '.join(left)} already.")


def write(root: Path, new: NewHazard) -> None:
    """Write the files, and the rows where they belong."""
    for path, text in new.files().items():
        (root / path).write_text(text, "utf-8")
    for path, row in new.rows.items():
        overview = (root / path).read_text("utf-8")
        before = [there for there in ROW.finditer(overview) if there[1] < new.code]
        place = before[-1].end()
        (root / path).write_text(overview[:place] + row + overview[place:], "utf-8")


if __name__ == "__main__":
    main()
