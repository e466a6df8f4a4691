"""All packages of the corpus, and those that were looked at and cannot be had, with the reason."""

from __future__ import annotations

from collections.abc import Sequence

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


def combine(title: str, names: Sequence[str]) -> Package:
    """Return those packages in one project; the models are of the one that has some."""
    packages = list(map(find, names))
    return Package(
        packages[0].requirement,
        tuple(dict.fromkeys(app for package in packages for app in package.apps)),
        "".join(package.settings for package in packages),
        also=tuple(requirement for package in packages for requirement in package.pinned),
        models=next((package.models for package in packages if package.models), ()),
        title=title,
    )
