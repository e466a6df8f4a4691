"""What every tiny project shares; its settings import `*` from here and add INSTALLED_APPS."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ENGINES = {"postgresql": "postgresql", "postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite3"}


def database(url: str) -> dict[str, Any]:
    """Turn a URL into an entry of DATABASES; its query gives OPTIONS."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": unquote(parts.path.removeprefix("/"))}
    return {
        "ENGINE": f"django.db.backends.{ENGINES[parts.scheme]}",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": dict(parse_qsl(parts.query)),
    }


# `OTHER_DATABASE_URL` becomes the alias `other`, and so on.
DATABASES = {
    name.removesuffix("DATABASE_URL").strip("_").lower() or "default": database(url)
    for name, url in os.environ.items()
    if name == "DATABASE_URL" or name.endswith("_DATABASE_URL")
}
SECRET_KEY = os.environ.get("SECRET_KEY", "a key for tests only")
LANGUAGE_CODE = os.environ.get("LANGUAGE_CODE", "en")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
