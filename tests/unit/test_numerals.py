"""Numbers in texts are written as the language of the text does."""

from __future__ import annotations

import pytest
from django.utils import translation

from auto_migrate.duration_words import exact_duration
from auto_migrate.numerals import numeral
from auto_migrate.safety.live import megabytes, rate

ENGLISH = ["1,234,567", "-1,204", "950", "0.004", "1,000.0", "2.5", "12.5 s", "1.2 GB", "1 GB", "999 kB", "1,204"]
PORTUGUESE = ["1.234.567", "-1.204", "950", "0,004", "1.000,0", "2,5", "12,5 s", "1,2 GB", "1 GB", "999 kB", "1.204"]


def written() -> list[str]:
    return [
        *map(numeral, (1_234_567, -1204, 950)),
        *(numeral(value, spec) for value, spec in ((0.0042, ".3f"), (999.96, ".1f"), (2.5, "g"))),
        exact_duration(12.5),
        *map(megabytes, (1_200_000_000, 999_900_000, 999_400)),
        rate(1204.4),
    ]


@pytest.mark.parametrize(
    ("language", "expected"), [("en", ENGLISH), ("en-us", ENGLISH), ("pt-br", PORTUGUESE), ("pt", PORTUGUESE)]
)
def test_a_number_is_written_as_its_language_does(language: str, expected: list[str]) -> None:
    with translation.override(language):
        assert written() == expected


def test_without_a_language_it_is_english_like_the_text() -> None:
    with translation.override(None):
        assert written() == ENGLISH
