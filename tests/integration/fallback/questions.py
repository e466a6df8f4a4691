"""What is asked of a project, by a process that has imported nothing that its apps could be named as."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import os
import sys
import traceback
from pathlib import Path
from typing import Any


def set_up(folder: str, databases: dict[str, str], env: dict[str, str]) -> io.StringIO:
    """Set Django up for the project in this process; give where its DEBUG notes go."""
    import django
    from django.conf import settings

    from tests.projects.base_settings import database

    os.chdir(folder)
    os.environ.update(env)
    sys.path.insert(0, str(Path(folder, "code")))
    sys.dont_write_bytecode = True
    wanted = json.loads(Path(folder, "settings.json").read_text())
    wanted = {"USE_TZ": True, "SECRET_KEY": "a key for tests only", "LOGGING_CONFIG": None, **wanted}
    wanted.setdefault("DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField")
    engines = wanted.pop("ENGINES", {})
    found = {alias: {**database(url), **engines.get(alias, {})} for alias, url in databases.items()}
    settings.configure(**wanted, DATABASES=found)
    notes = io.StringIO()
    handler = logging.StreamHandler(notes)
    logging.getLogger("auto_migrate").addHandler(handler)
    logging.getLogger("auto_migrate").setLevel(logging.DEBUG)
    django.setup()
    return notes


def command(
    folder: str, databases: dict[str, str], arguments: tuple[str, ...], env: dict[str, str]
) -> dict[str, object]:
    """Run `manage.py` with some arguments."""
    from django.core.management import ManagementUtility

    output, errors, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        notes = io.StringIO()
        try:
            notes = set_up(folder, databases, env)
            ManagementUtility(["manage.py", *arguments]).execute()
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else int(bool(ending.code))
        except BaseException:  # noqa: BLE001 # as the interpreter would at its end
            traceback.print_exc()
            code = 1
    return {"code": code, "output": output.getvalue(), "errors": errors.getvalue(), "notes": notes.getvalue()}


def get(folder: str, databases: dict[str, str], arguments: tuple[str, ...], env: dict[str, str]) -> tuple[int, Any]:
    """Ask a URL."""
    set_up(folder, databases, env)
    from django.test import Client

    client = Client(headers={"authorization": "Bearer a-token-of-this-test-only"}, raise_request_exception=False)
    response = client.get(arguments[0])
    try:
        content = json.loads(response.content)
    except ValueError:
        content = {"text": response.content.decode()[:2000]}
    return response.status_code, content


if __name__ == "__main__":
    answer = {"command": command, "get": get}[sys.argv[1]](*json.loads(sys.stdin.read()))
    print(json.dumps(answer))  # noqa: T201 # the answer, behind whatever the project itself prints
