"""Where what may be migrated."""

from __future__ import annotations

from typing import Any


class Archive:
    """Keeps migrations away from the archive."""

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Refuse every app on the archive."""
        return False if db == "archive" else None
