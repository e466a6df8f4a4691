"""One public package with migrations, in a project of its own that has little else."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

DJANGO = ("admin", "auth", "contenttypes", "flatpages", "messages", "sessions", "sites", "staticfiles")
MIDDLEWARE = (
    "django.contrib.sessions.middleware.SessionMiddleware", "django.middleware.common.CommonMiddleware",
    "django.middleware.locale.LocaleMiddleware", "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
)  # fmt: skip
PROCESSORS = (
    "django.template.context_processors.request", "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
)  # fmt: skip
URLS = "packages_urls"
SETTINGS = """from tests.projects.base_settings import *

INSTALLED_APPS = {apps}
MIDDLEWARE = {middleware}
SITE_ID = 1
STATIC_URL = "static/"
ROOT_URLCONF = {urls!r}
ALLOWED_HOSTS = ["*"]
PROCESSORS = {processors}
TEMPLATES = [
    {{
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {{"context_processors": PROCESSORS}},
    }}
]
{more}
"""
# What an application brings of its own, but for the database.
OWN_SETTINGS = """import os

# Where applications keep their files.
os.environ |= dict.fromkeys(("DATA_DIR", "MAYAN_MEDIA_ROOT", "NAUTOBOT_ROOT"), os.path.dirname(__file__))

{before}
from {module} import *

from tests.projects.base_settings import DATABASES

INSTALLED_APPS = list(INSTALLED_APPS)
{more}
"""
WITHOUT_STOCK = """if "STOCK" not in os.environ:
    INSTALLED_APPS.insert(0, "auto_migrate")
"""
SETTINGS_MODULE = "applied_settings"
# The app of the models that a package is used with.
OWN_APP = "shop"


@dataclasses.dataclass(frozen=True)
class Package:
    """A package as the registry names it, the apps that it is made of, and what else it asks of a project."""

    requirement: str
    apps: tuple[str, ...] = ()
    settings: str = ""
    # What it is used with and does not ask for itself.
    also: tuple[str, ...] = ()
    # models.py of an app of the project's own, as it was at one release after the other.
    models: tuple[str, ...] = ()
    # Whether rows that mean nothing can stand in its tables.
    fillable: bool = True
    # The settings module of an application, which `settings` is added to, and what it needs when it is imported.
    module: str = ""
    before: str = ""
    # Told from others of the same package.
    title: str = ""
    # The version of Python that it asks for, if that is a newer one than runs the corpus.
    python: str = ""

    @property
    def name(self) -> str:
        """The package without its version."""
        return self.title or re.split(r"[=\[]", self.requirement)[0]

    @property
    def pinned(self) -> tuple[str, ...]:
        """What is examined in one project: the package and what was chosen to go with it."""
        return (self.requirement, *(requirement for requirement in self.also if "==" in requirement))

    def write(self, folder: Path) -> None:
        """Write a project into the folder."""
        folder.mkdir(parents=True, exist_ok=True)
        own = [OWN_APP] if self.models else []
        apps = [*(f"django.contrib.{app}" for app in DJANGO), *self.apps, *own]
        text = (
            OWN_SETTINGS.format(module=self.module, before=self.before, more=self.settings)
            if self.module
            else SETTINGS.format(
                apps=apps, middleware=list(MIDDLEWARE), processors=list(PROCESSORS), urls=URLS, more=self.settings
            )
        )
        (folder / f"{SETTINGS_MODULE}.py").write_text(text + WITHOUT_STOCK)
        (folder / f"{URLS}.py").write_text("urlpatterns = []\n")
