"""All packages of the corpus, and those that were looked at and cannot be had, with the reason."""

from __future__ import annotations

from corpus.applications import APPLICATIONS
from corpus.families import FAMILIES
from corpus.own_models import OWN_MODELS
from corpus.package import Package
from corpus.packages import PACKAGES

CORPUS = (*OWN_MODELS, *PACKAGES, *FAMILIES, *APPLICATIONS)


def find(name: str) -> Package:
    """Return the package of that name; raise `LookupError`."""
    for package in CORPUS:
        if package.name == name:
            return package
    raise LookupError(f"The corpus has no {name}.")
