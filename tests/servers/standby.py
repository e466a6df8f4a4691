"""A streaming replica of a PostgreSQL 15."""

from __future__ import annotations

import shutil

from tests.servers.postgresql import PostgreSQL15


class Standby(PostgreSQL15):
    """Follows a primary from a base backup; without a slot, as replicas are by default."""

    name = "standby"

    def __init__(self, primary: PostgreSQL15, *, port: int | None = None) -> None:
        super().__init__(port=port)
        self.primary = primary
        self.password = primary.password

    def prepare(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf", "--no-sync"]
        tool = str(self.bin_dir / "pg_basebackup")
        self.run([tool, f"--pgdata={self.data}", f"--dbname={self.primary.url()}", *options])
