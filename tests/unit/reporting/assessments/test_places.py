"""The lines at which an operation stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from auto_migrate.reporting.assessments.source_lines import Lines, lines_of
from tests.unit.reporting.assessments.reports import SOURCE

HEAD = "from django.db import migrations\n\n\nclass Migration(migrations.Migration):\n"


@pytest.mark.parametrize(
    ("source", "operation", "lines"),
    [
        pytest.param(SOURCE, 1, (6, 8), id="one over several lines"),
        pytest.param(SOURCE, 2, (9, 9), id="the next"),
        pytest.param(SOURCE, None, (4, 4), id="the migration as a whole"),
        pytest.param(SOURCE, 3, (5, 5), id="one that is not there"),
        pytest.param(f"{HEAD}    operations: list = [\n        a,\n        b,\n    ]\n", 2, (7, 7), id="annotated"),
        pytest.param(f"{HEAD}    operations = (\n        a,\n        b,\n    )\n", 2, (7, 7), id="a tuple"),
        pytest.param(f"{HEAD}    x = 1\n    operations = make()\n", 2, (6, 6), id="made by a function"),
        pytest.param(f"{HEAD}    operations = [\n        a,\n        *b,\n    ]\n", 1, (6, 6), id="before a star"),
        pytest.param(f"{HEAD}    operations = [\n        *a,\n        b,\n    ]\n", 2, (5, 5), id="after a star"),
        pytest.param(f"{HEAD}    pass\n", 1, (4, 4), id="inherited"),
        pytest.param("from elsewhere import Migration\n", 1, (1, 1), id="imported"),
        pytest.param("class Migration(:\n", 1, (1, 1), id="no Python"),
    ],
)  # fmt: skip
def test_lines_are_those_of_the_operation(
    tmp_path: Path, source: str, operation: int | None, lines: tuple[int, int]
) -> None:
    file = tmp_path / "0002_change.py"
    file.write_text(source)
    assert lines_of(file, operation) == Lines(*lines)


def test_a_file_that_says_its_encoding_is_read_in_it(tmp_path: Path) -> None:
    file = tmp_path / "0002_change.py"
    file.write_bytes(f"# coding: latin-1\n# é\n{SOURCE}".encode("latin-1"))
    assert lines_of(file, 1) == Lines(8, 10)


def test_a_file_that_is_gone_has_its_first_line(tmp_path: Path) -> None:
    assert lines_of(tmp_path / "0002_gone.py", 1) == Lines(1, 1)
