"""A hazard is begun with one command, or nothing is written and the reason said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.utils.translation import gettext, override

from auto_migrate.safety.hazard import Harm
from tests.entries import each_entry
from tests.manage import ROOT
from tools import new_hazard


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of what the command reads and writes."""
    shutil.copytree(ROOT / "auto_migrate", tmp_path / "auto_migrate", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "docs" / "hazards", tmp_path / "docs" / "hazards")
    for folder in ("tests/hazards", "tests/unit/safety"):
        (tmp_path / folder).mkdir(parents=True)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


REFUSED = [
    (["AM9", "row-frozen"], "'AM9' is no code: take a series (AM1, AM2, AM3, AM4, AM5)"),
    (["AM1000", "row-frozen"], "'AM1000' is no code"),
    (["AM100", "row-frozen"], "'AM100' is no code"),
    (["SHOP001", "row-frozen"], "'SHOP001' is no code"),
    (
        ["AM201", "row-frozen"],
        "AM201 is taken by auto_migrate/safety/hazards/am201_concurrent_in_transaction.py; ",
    ),
    (["AM1", "Row_frozen"], "'Row-frozen' is no name"),
    (["AM1", "../row"], "'../row' is no name"),
    (["AM1", "row-" * 10 + "frozen"], "is no name: take at most 40"),
    (
        ["AM1", "table-locked"],
        "(TableLocked) is taken by auto_migrate/safety/hazards/am115_table_locked.py",
    ),
    (["AM1", "drop-table"], "drop-table (DropTable) is taken by auto_migrate/changes/change.py"),
    (["AM1", "row-frozen", "--title", "A row is frozen."], "'A row is frozen.' is no title"),
    (["AM1", "row-frozen", "--title", 'A "row" is frozen'], "is no title"),
    (["AM1", "row-frozen", "--title", "A row " * 20 + "is frozen"], "is no title"),
    (["AM1", "row-frozen", "--harm", "ANNOYS"], "invalid choice: 'ANNOYS'"),
    (["AM1"], "AM1 is a code, and the name is missing: AM1 sequence-restarted"),
    ([], "required: name"),
]


@each_entry("refusal", REFUSED)
def test_what_cannot_be_is_refused_and_nothing_written(
    refusal: tuple[list[str], str], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, reason = refusal
    before = contents(project)
    with pytest.raises(SystemExit) as ended:
        new_hazard.main(arguments, project)
    assert ended.value.code == 2
    assert reason in capsys.readouterr().err
    assert contents(project) == before


def test_a_page_that_is_there_is_not_written_over(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "docs/hazards/AM199.md").write_text("mine")
    before = contents(project)
    with pytest.raises(SystemExit) as ended:
        new_hazard.main(["AM199", "row-frozen"], project)
    assert ended.value.code == 2
    assert "There is docs/hazards/AM199.md already." in capsys.readouterr().err
    assert contents(project) == before


def test_a_series_gives_its_next_free_code_and_its_harm(project: Path) -> None:
    taken = sorted(path.name[:5].upper() for path in (project / new_hazard.HAZARDS).glob("am3*.py"))
    expected = f"AM{int(taken[-1][2:]) + 1}"
    new_hazard.main(["AM3", "row-frozen"], project)
    text = (project / f"auto_migrate/safety/hazards/{expected.lower()}_row_frozen.py").read_text()
    assert f'code = "{expected}"' in text
    assert "Harm.LOSES_DATA" in text
    assert 'gettext_noop("Row frozen")' in text


def test_a_name_alone_is_enough_as_python_writes_it_too(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    new_hazard.main(["row_frozen"], project)
    [module] = (project / new_hazard.HAZARDS).glob("am1??_row_frozen.py")
    assert 'slug = "row-frozen"' in module.read_text("utf-8")
    assert f"Made {module.name[:5].upper()}, of the series that holds reads or writes up" in capsys.readouterr().out


def test_a_code_of_ones_own_choice_has_its_row_in_order(project: Path) -> None:
    new_hazard.main(["AM299", "row-frozen", "--title", "A row is frozen", "--harm", "FAILS", "--everywhere"], project)
    expected = (
        "| [AM299](AM299.md) | A row is frozen | fails the deploy | everywhere |\n",
        "| [AM299](AM299.pt-BR.md) | TODO: o título | faz o deploy falhar | em toda parte |\n",
    )
    for overview, row in zip(new_hazard.OVERVIEWS, expected, strict=True):
        text = (project / overview).read_text("utf-8")
        rows = new_hazard.ROW.findall(text)
        assert rows == sorted(rows)
        assert row in text


def test_the_page_has_a_twin_with_the_same_paragraphs_and_code(project: Path) -> None:
    new_hazard.main(["AM199", "row-frozen"], project)
    page, twin = (
        (project / "docs/hazards" / f"AM199{ending}").read_text("utf-8").split("\n\n")
        for ending in (".md", ".pt-BR.md")
    )
    assert len(page) == len(twin)
    assert [text for text in page if text.startswith("```")] == [text for text in twin if text.startswith("```")]


def test_what_was_made_is_told_with_what_to_type_next(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = contents(project)
    new_hazard.main(["AM199", "row-frozen"], project)
    told = capsys.readouterr().out
    made = contents(project).keys() - before.keys()
    assert len(made) == 5
    assert [path for path in made if f"  {path}\n" not in told] == []
    assert "make test ARGS=" in told


def test_the_help_teaches_every_series(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        new_hazard.main(["--help"])
    told = capsys.readouterr().out
    assert [series.about for series in new_hazard.SERIES.values() if series.about not in told] == []
    with override("pt-br"):
        assert {harm.name: (str(harm), gettext(harm)) for harm in Harm} == new_hazard.HARMS
