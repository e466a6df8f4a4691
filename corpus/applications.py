"""Applications: whole projects with settings of their own."""

from __future__ import annotations

from corpus.package import Package

APPLICATIONS: tuple[Package, ...] = ()
