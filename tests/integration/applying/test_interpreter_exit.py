"""What a project does as the interpreter exits does not decide whether a run has failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.applying.tiny import Tiny


@pytest.mark.parametrize("handler", ["os._exit, 0", "lambda: os._exit(0)"])
def test_a_handler_does_not_make_good_what_failed(tmp_path: Path, handler: str) -> None:
    tiny = Tiny(tmp_path, f"sqlite:///{tmp_path}/db.sqlite3")
    (tiny.package / "app" / "models.py").write_text(f"import atexit\nimport os\n\natexit.register({handler})\n")
    tiny.second("migrations.RunPython(boom)", atomic=True)
    tiny.run("auto_migrate", expect=1)
    tiny.run("auto_migrate", "--check", expect=9)
    tiny.run("migrate", "app", "0001")
