"""The packages of the corpus that are measured: the large ones."""

from __future__ import annotations

from corpus.catalogue import find

NAMES = (
    "wagtail", "django-oscar", "django-cms", "django-helpdesk", "django-machina", "django-oauth-toolkit",
    "django-celery-beat", "django-filer", "wiki", "django-allauth",
)  # fmt: skip
PACKAGES = tuple(map(find, NAMES))
