"""A program that is forked cannot tell, nor can whoever started it: a new interpreter is the measure."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.manage import ROOT, environment
from tests.programs import finish, may_be_forked, start, start_fresh

PROGRAMS = {
    "arguments": "import sys; print(sys.argv, sys.path, sys.flags.interactive)",
    "environment": "import os; print(sorted(os.environ.items()))",
    "folder": "import os; print(os.getcwd())",
    "group": "import os; print(os.getpgrp() == os.getpid(), os.getppid())",
    "input": "print(input() + input())",
    "streams": "import sys; print([(s.encoding, s.errors, s.line_buffering, s.write_through, s.fileno()) for s in"
    " (sys.stdin, sys.stdout, sys.stderr)], type(sys.stdout.buffer))",
    "descriptors": "import os; print([n for n in range(200) if os.path.exists(f'/proc/self/fd/{n}')])",
    "signals": "from signal import *; print([getsignal(n) for n in (1, 2, 13, 15)], pthread_sigmask(0, []))",
    "both outputs": "import sys; print('out'); print('é', file=sys.stderr); sys.stdout.write('no newline')",
    "exit code": "import sys; sys.exit(7)",
    "exit code of a byte": "import sys; sys.exit(-1)",
    "exit with words": "import sys; sys.exit('words')",
    "exit with nothing": "import sys; sys.exit(None)",
    "error": "1 / 0",
    "interrupt": "raise KeyboardInterrupt",
    "death": "import os; os.kill(os.getpid(), 9)",
    "thread": "import threading, time; threading.Thread(target=lambda: (time.sleep(0.1), print('done'))).start()",
    "last words": "import atexit; atexit.register(print, 'last'); print('first')",
    "full disk": "import sys; sys.stdout = open('/dev/full', 'w'); print('lost')",
    "main": "import sys; print(__name__, [name for name in sys.modules if name.partition('.')[0] == 'tests'])",
    "models": "from django.apps import apps; print(dict(apps.all_models), apps.apps_ready, apps.models_ready)",
    "receivers": "from django.db.backends.signals import connection_created; from django.db.models import signals;"
    " print([len(signal.receivers) for signal in (connection_created, *vars(signals).values())"
    " if hasattr(signal, 'receivers')])",
    "settings": "from django import apps, conf; print(conf.settings.configured, apps.apps.ready)",
    "checks": "from django.core.checks.registry import registry as all; print(len(all.registered_checks))",
}


@pytest.mark.parametrize("text", PROGRAMS.values(), ids=PROGRAMS)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_it_is_as_with_an_interpreter_of_its_own(tmp_path: Path, text: str, unbuffered: str) -> None:
    command = [sys.executable, "-c", text, "one", "two"]
    env = environment({"PYTHONUNBUFFERED": unbuffered})
    assert may_be_forked(env)
    ends = []
    for begin in (start, start_fresh):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = begin(command, env=env, cwd=tmp_path, **pipes)
        done = finish(process, text="what\nis said\n")
        # A traceback of the fork has more lines above the program's own; how often an interpreter says that it
        # could not write, and in which words, differs between versions.
        errors = re.sub(r"(?s)Traceback.*(?=\n\w)", "Traceback", done.stderr)
        ignored = "Exception ignored " in errors and set(re.findall(r"^\w+Error: .*", errors, re.MULTILINE))
        ends.append((done.returncode, done.stdout, ignored or errors))
    assert ends[0] == ends[1]


@pytest.mark.parametrize("form", [["manage.py"], ["-m", "django"]])
def test_a_script_and_a_module_run_as_they_do_by_themselves(form: list[str]) -> None:
    ends = []
    for begin in (start, start_fresh):
        code = "import sys; print(sys.argv, sys.path, sys.modules['__main__'].__name__)"
        command = [sys.executable, *form, "shell", "--no-imports", "-c", code]
        process = begin(command, env=environment(), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        done = finish(process)
        ends.append((done.returncode, done.stdout, done.stderr))
    assert ends[0] == ends[1]


def test_it_is_a_child_that_can_be_waited_for_and_killed() -> None:
    command = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]
    with start(command, env=environment(), stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == "here\n"
        assert process.poll() is None
        process.terminate()
        began = time.monotonic()
        assert process.wait(30) == -signal.SIGTERM
        assert time.monotonic() - began < 30
    with pytest.raises(ChildProcessError):
        os.waitpid(process.pid, 0)


def test_an_interpreter_with_wishes_of_its_own_is_not_forked() -> None:
    command = [sys.executable, "-c", "import sys; print(sys.flags.optimize)"]
    process = start(command, env=environment({"PYTHONOPTIMIZE": "2"}), stdout=subprocess.PIPE)
    assert finish(process).stdout == "2\n"
