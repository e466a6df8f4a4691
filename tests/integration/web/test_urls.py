"""What is imported with the URLconf, which the system checks of every command of the project read."""

from __future__ import annotations

from tests.manage import run_manage

# Rooms in which plans are judged and carried out, and the clients of those who are notified.
HEAVY = ("applying.", "backfills.worker", "changes.", "preview", "rehearsal", "reporting.notifications", "safety.")


def test_whoever_reads_the_urlconf_does_not_pay_for_judging_and_carrying_out(database_url: str) -> None:
    ask = (
        "import sys; import auto_migrate.urls;"
        "print(*(name for name in sys.modules if name.startswith('auto_migrate.')), sep='\\n')"
    )
    # A warm interpreter has imported most rooms already.
    done = run_manage("shell", "-c", ask, database_url=database_url, fresh=True)
    imported = {name.removeprefix("auto_migrate.") for name in done.stdout.splitlines()}
    assert "web.probes" in imported
    assert not {name for name in imported if name.startswith(HEAVY)}
