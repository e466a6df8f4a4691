"""Which release a client of PostgreSQL is of, told by its `application_name`: `shop release=4f2a91c`.

Clients name themselves as they connect, where phases are on and the release is known. It proves nothing of a process
that has no connection at the moment, which is why what waits for the deploy also waits for some time.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from typing import Any

from django.conf import settings as django_settings
from django.db import Error
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.regex_helper import _lazy_re_compile

from auto_migrate.conf import BadSetting, get_settings

# What PostgreSQL keeps of an application_name, in bytes.
LONGEST_NAME = 63
LONGEST_TAG = 40
TAG = _lazy_re_compile(r"(^| )release=\S+$")

OTHERS = """
    SELECT application_name, usename, count(*)
    FROM (
        SELECT application_name, usename, substring(application_name FROM '(?:^| )release=(\\S+)$') AS release
        FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
          -- Hidden where the client's role is another one.
          AND coalesce(backend_type, 'client backend') = 'client backend'
          AND NOT starts_with(application_name, 'auto_migrate ')
    ) AS clients
    WHERE CASE WHEN release IS NULL THEN usename = current_user ELSE release <> %s END
    GROUP BY application_name, usename
    ORDER BY application_name, usename
"""


def tag_of(release: str) -> str:
    """Write a release as an `application_name` can hold it; long or unusual ones end in a hash."""
    if re.fullmatch(r"[!-~]+", release) and len(release) <= LONGEST_TAG:
        return release
    digest = hashlib.blake2b(release.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    readable = re.sub(r"[^!-~]", "?", release)[: LONGEST_TAG - len(digest) - 1]
    return f"{readable}~{digest}"


def named(name: str, release: str) -> str:
    """Add a release to an `application_name`, cutting the name where both do not fit."""
    suffix = f" release={tag_of(release)}"
    return TAG.sub("", name)[: LONGEST_NAME - len(suffix)] + suffix


def tag_connection(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let a new connection tell the release; what the project calls it stays in front."""
    release = _release()
    if connection.vendor != "postgresql" or not release:
        return
    # A connection that cannot be named must serve all the same.
    with contextlib.suppress(Error, AttributeError):
        # The server reports the name by itself, so nothing is asked.
        current = connection.connection.info.parameter_status("application_name") or _project()
        if (name := named(current, release)) != current:
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('application_name', %s, false)", [name])


def other_releases(connection: BaseDatabaseWrapper) -> tuple[str, ...]:
    """Name the clients of this database that are of another release, or that do not say and have our own role."""
    release = _release()
    if not release:
        return ()
    with connection.cursor() as cursor:
        cursor.execute(OTHERS, [tag_of(release)])
        return tuple(f"{name or '-'} ({role}, {count})" for name, role, count in cursor.fetchall())


def _release() -> str:
    """Return the release that is running where phases are on, else nothing."""
    try:
        settings = get_settings()
    except BadSetting:
        # Commands and system checks say so; whoever only connects is not to be stopped by it.
        return ""
    return settings.release if settings.PHASES else ""


def _project() -> str:
    return str(django_settings.SETTINGS_MODULE or "django").partition(".")[0]
