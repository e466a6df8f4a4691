"""Numbers as people write them in the language that is active: 1,204 and 3.2, in Portuguese 1.204 and 3,2.

For texts alone: what machines read has Python's own numbers.
"""

from __future__ import annotations

from django.utils import numberformat
from django.utils.formats import get_format
from django.utils.translation import get_language


def numeral(value: float, spec: str = "d") -> str:
    """Write a number, given how Python would: `d`, `.1f`, `.3g`."""
    # Where translations are off (`no_translations`) there is no language, and what stands around the number is English.
    language = get_language() or "en"
    signs = (get_format(name, language) for name in ("DECIMAL_SEPARATOR", "NUMBER_GROUPING", "THOUSAND_SEPARATOR"))
    point, grouping, separator = signs
    # As text: of a number, it would cut off what has to be rounded.
    return numberformat.format(format(value, spec), point, None, grouping, separator, force_grouping=True)
