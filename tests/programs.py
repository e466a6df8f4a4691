"""Python programs as real processes, without the half second in which each of them would read the same libraries.

An interpreter that has imported libraries, but neither settings nor any app's models, forks a process for each program.
All that depends on where it runs is left to that process: its environment and path are set anew, then the program
begins at its first line, reads its settings, sets Django up, and ends as an interpreter does.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import ctypes
import functools
import gc
import importlib
import inspect
import io
import json
import os
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from subprocess import CompletedProcess
from types import ModuleType
from typing import Any, NoReturn

from tests.requirements import without_hidden_modules

ROOT = Path(__file__).resolve().parent.parent
PR_SET_CHILD_SUBREAPER = 36
LARGEST = 1 << 20
"""Bytes of the longest request."""

LIBRARIES = """
    asyncio concurrent.futures logging.config sqlite3 unittest.mock uuid zoneinfo
    celery celery.app.amqp celery.app.base celery.app.builtins celery.app.task celery.fixups.django celery.loaders.app
    django_filters.rest_framework drf_spectacular.apps drf_spectacular_sidecar.apps environ gunicorn.app.wsgiapp
    holidays kombu.transport.redis markdown MySQLdb phonenumbers.timezone prometheus_client psycopg redis requests
    rest_framework.apps sqlparse structlog twilio.rest uritemplate whitenoise.middleware whitenoise.storage
    django.contrib.admin.apps django.contrib.admin.checks django.contrib.admin.filters django.contrib.admin.utils
    django.contrib.admin.widgets django.contrib.auth.apps django.contrib.auth.hashers django.contrib.auth.management
    django.contrib.auth.password_validation django.contrib.auth.tokens django.contrib.auth.validators
    django.contrib.contenttypes.apps django.contrib.contenttypes.management django.contrib.messages.apps
    django.contrib.messages.middleware django.contrib.postgres.constraints django.contrib.postgres.fields
    django.contrib.postgres.indexes django.contrib.postgres.operations django.contrib.sessions.apps
    django.contrib.sessions.middleware django.contrib.sites.shortcuts django.contrib.staticfiles.apps
    django.contrib.staticfiles.finders django.core.cache.backends.locmem django.core.mail
    django.core.management.commands.makemigrations django.core.management.commands.migrate
    django.core.management.commands.shell django.core.servers.basehttp django.db.backends.mysql.base
    django.db.backends.postgresql.base django.db.backends.sqlite3.base django.db.migrations.autodetector
    django.db.migrations.executor django.db.migrations.writer django.db.models.functions django.forms
    django.template.context_processors django.template.loader django.test.client django.urls
    django.utils.translation.reloader django.utils.translation.trans_real django.views.csrf django.views.debug
    django.views.defaults django.views.generic
"""
"""What programs of the tests import, as far as it can be imported before the settings are known."""

APART = """
    __main__ admin apps checks mcp pytest_plugin tasks templatetags testing urls workers
    web.bounded_query web.health web.probes
"""
"""What of `auto_migrate` is left to the process that asks for it: it reads settings or registers something."""

HIDDEN: dict[str, ModuleType] = {}
"""The modules of the tests that are loaded, which programs do not see."""

VARIABLES = frozenset({"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"})
"""Those of Python's own variables that a fork heeds."""


PIPES = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")


class Program(subprocess.Popen[str]):
    """One process, with all that `Popen` gives; its command begins with the interpreter of the tests."""

    def _execute_child(self, *given: Any) -> None:
        # The one method of `Popen` that starts a process; which arguments it takes differs between versions of Python.
        asked = inspect.signature(super()._execute_child).bind(*given).arguments  # type: ignore[misc]
        pipes = [asked[name] for name in PIPES]
        own = [asked[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        request = {
            "arguments": [os.fspath(argument) for argument in asked["args"]][1:],
            "env": dict(asked["env"]),
            "cwd": os.fspath(asked["cwd"] or os.getcwd()),
            "session": asked["start_new_session"],
        }
        descriptors = [number if descriptor == -1 else descriptor for number, descriptor in enumerate(own)]
        self.pid = interpreter().fork(request, descriptors)
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]


def start(command: Sequence[str | Path], *, env: Mapping[str, str], **popen: Any) -> subprocess.Popen[str]:
    """Start a Python program with the options of `Popen`, by a fork where it is one of this interpreter."""
    if command[0] != sys.executable or not may_be_forked(env):
        return start_fresh(command, env=env, **popen)
    return Program(command, env=env, **{"text": True, "encoding": "utf-8", **popen})


def start_fresh(command: Sequence[str | Path], *, env: Mapping[str, str], **popen: Any) -> subprocess.Popen[str]:
    """Start it with an interpreter of its own."""
    return subprocess.Popen(command, env=env, **{"text": True, "encoding": "utf-8", **popen})


def finish(process: subprocess.Popen[str], *, timeout: float = 120, text: str | None = None) -> CompletedProcess[str]:
    """Write its input, wait for its end and return how it ended."""
    with process:
        try:
            stdout, stderr = process.communicate(text, timeout=timeout)
        except BaseException:
            process.kill()
            raise
    return CompletedProcess(process.args, process.returncode, stdout, stderr)


def may_be_forked(env: Mapping[str, str]) -> bool:
    """Return whether nothing is asked of the interpreter that is decided when it begins."""
    if sys.platform != "linux" or len(set(os.getresuid())) > 1:
        return False
    others = {name for name in env if name.startswith(("PYTHON", "COVERAGE_"))} - VARIABLES
    return not others and env.get("LANG") == "C.UTF-8"


class Interpreter:
    """The process that forks."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._link, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.programs", str(other.fileno())],
                cwd=ROOT,
                env=without_hidden_modules({"PATH": path, "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}),
                pass_fds=[other.fileno()],
                stdin=subprocess.DEVNULL,
            )

    def fork(self, request: Mapping[str, Any], descriptors: Sequence[int]) -> int:
        """Fork a process that is a child of this one and has the descriptors as 0, 1 and 2; return its pid."""
        with self._guard, subreaper():
            socket.send_fds(self._link, [json.dumps(request).encode()], descriptors)
            return int(self._link.recv(LARGEST))

    def close(self) -> None:
        """End it; what was forked goes on."""
        self._link.close()
        self._process.wait()


@functools.cache
def interpreter() -> Interpreter:
    """Return the one of this process."""
    started = Interpreter()
    atexit.register(started.close)
    return started


@contextlib.contextmanager
def subreaper() -> Any:
    """Take in what is orphaned meanwhile: a process whose parent ends becomes a child of this one."""
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def main(link: socket.socket) -> None:
    """Fork a process for each request, and run its program there."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    load()
    if request := serve(link):
        prepare(**request)
        end(lambda: run(request["arguments"]))


def load() -> None:
    """Import the libraries; nothing that they have made is looked at by the collector again."""
    from django.core.exceptions import AppRegistryNotReady, ImproperlyConfigured
    from django.utils import translation

    # Marks texts, and needs the settings only to find out which of two equal functions it is.
    translation._trans.gettext_noop = str  # type: ignore[attr-defined]
    for name in LIBRARIES.split():
        with contextlib.suppress(ImportError, ImproperlyConfigured):
            importlib.import_module(name)
    with models_of_its_own():
        for name in modules():
            with contextlib.suppress(ImportError, ImproperlyConfigured, AppRegistryNotReady):
                importlib.import_module(name)
    compile_patterns()
    # Each program finds its own, from where it runs; here rather than in each, which would touch every module's name.
    HIDDEN.update({name: sys.modules.pop(name) for name in list(sys.modules) if is_of_tests(name)})
    freeze()


def is_of_tests(name: str) -> bool:
    """Return whether a module lies beside the package, as one of the same name may beside a program."""
    return name.partition(".")[0] in {"tests", "tools"}


def compile_patterns() -> None:
    """Compile what libraries compile when they first need it: hundreds of patterns, in each process anew."""
    import sqlparse
    from django.utils.functional import SimpleLazyObject

    from auto_migrate.redaction import redacted

    sqlparse.format("SELECT 1")
    redacted("nothing")
    argparse.ArgumentParser().format_help()
    # One that is hidden stands there as None.
    for module in filter(None, list(sys.modules.values())):
        for value in list(vars(module).values()):
            # What `_lazy_re_compile` returns.
            if type(value) is SimpleLazyObject and value._setupfunc.__name__ == "_compile":
                bool(value)


def freeze() -> None:
    """Leave all that is there out of what the collector looks at, and writes to, in this process and its forks."""
    gc.collect()
    gc.freeze()


@contextlib.contextmanager
def models_of_its_own() -> Iterator[None]:
    """Let the package's models be made, which stay in a registry of their own and ask for no setting but these."""
    from django.apps import apps
    from django.conf import settings
    from django.utils import translation
    from django.utils.functional import empty

    settings._wrapped = Undecided()
    # Whatever else is asked of the apps is answered by those of the project alone: the module is left to its processes.
    apps.get_containing_app_config = lambda object_name: None  # type: ignore[method-assign]
    # A constraint's own message is compared with the one that it has otherwise.
    translation._trans.gettext = str  # type: ignore[attr-defined]
    try:
        yield
    finally:
        del translation._trans.gettext  # type: ignore[attr-defined]
        del apps.get_containing_app_config
        settings._wrapped = empty


class Undecided:
    """Settings of which only those are known that the programs of the tests leave as they are."""

    ABSOLUTE_URL_OVERRIDES: Mapping[str, Any] = {}
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    DEFAULT_TABLESPACE = ""
    DEBUG = False  # `Signal.connect` looks at its receiver more closely otherwise

    def __getattr__(self, name: str) -> NoReturn:
        from django.core.exceptions import ImproperlyConfigured

        raise ImproperlyConfigured(name)


def modules() -> list[str]:
    """Return the modules of the package."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in sorted((ROOT / "auto_migrate").rglob("*.py"))]
    names = [".".join(path.parts).removesuffix(".__init__") for path in paths]
    apart = tuple(f"auto_migrate.{name}." for name in APART.split())
    return [name for name in names if not f"{name}.".startswith(apart)]


def serve(link: socket.socket) -> dict[str, Any] | None:
    """Return each request in a process of its own, and None in this one when there are no more."""
    while True:
        message, descriptors, *_ = socket.recv_fds(link, LARGEST, 3)
        if not message:
            return None
        request = json.loads(message)
        reader, writer = os.pipe()
        if not (between := os.fork()):
            leave_parent()
            for number, descriptor in enumerate(descriptors):
                os.dup2(descriptor, number)
            if request.pop("session"):
                os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.write(writer, str(os.getpid()).encode())
            link.close()
            os.closerange(3, max(writer, *descriptors) + 1)
            return dict(request)
        for descriptor in (*descriptors, writer):
            os.close(descriptor)
        os.waitpid(between, 0)
        link.send(os.read(reader, 32))
        os.close(reader)


def leave_parent() -> None:
    """Go on in a process whose parent has ended, so that whoever asked for it is its parent."""
    parent = os.getpid()
    if os.fork():
        os._exit(0)
    while os.getppid() == parent:
        time.sleep(0.0005)


def prepare(arguments: Sequence[str], env: Mapping[str, str], cwd: str) -> None:
    """Make this process what a new interpreter would be."""
    os.chdir(cwd)
    own = 1 + len(places_in(os.environ))
    os.environ.clear()
    os.environ.update(env)
    sys.dont_write_bytecode = bool(env.get("PYTHONDONTWRITEBYTECODE"))
    places = {"-m": cwd, "-c": ""}
    first = places.get(arguments[0], os.path.dirname(os.path.realpath(arguments[0])))
    sys.path[:own] = [first, *places_in(env)]
    unbuffered = bool(env.get("PYTHONUNBUFFERED"))
    sys.stdin.reconfigure(line_buffering=False, write_through=unbuffered)  # type: ignore[union-attr]
    sys.stdout = sys.__stdout__ = stream(sys.stdout, 1, unbuffered=unbuffered)  # type: ignore[misc]
    sys.stderr = sys.__stderr__ = stream(sys.stderr, 2, unbuffered=unbuffered)  # type: ignore[misc]


def places_in(env: Mapping[str, str]) -> list[str]:
    """Return the folders that stand before Python's own in `sys.path`."""
    return list(filter(None, env.get("PYTHONPATH", "").split(os.pathsep)))


def stream(before: Any, number: int, *, unbuffered: bool) -> io.TextIOWrapper:
    """Return an output as Python makes it when it begins."""
    raw = open(number, "wb", buffering=0 if unbuffered else -1, closefd=False)  # noqa: SIM115
    return io.TextIOWrapper(
        raw,
        encoding=before.encoding,
        errors=before.errors,
        newline="\n",
        line_buffering=not unbuffered and (number == 2 or os.isatty(number)),
        write_through=unbuffered,
    )


def run(arguments: list[str]) -> None:
    """Run a program as `python` does with these arguments."""
    if arguments[0] == "-m":
        sys.argv[:] = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv[:] = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__", "__builtins__": __builtins__})
    else:
        sys.argv[:] = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def end(program: Callable[[], None]) -> NoReturn:
    """Run a program, and end with the exit code and the last words of an interpreter, without taking it apart."""
    # As an interpreter does, with no regard for what the program has put in its place.
    leave = os._exit
    code = exit_code(program)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        print(f"Exception ignored in: {sys.stdout!r}\n{type(error).__name__}: {error}", file=sys.stderr)  # noqa: T201
        code = 120
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    leave(code)


def exit_code(program: Callable[[], None]) -> int:
    """Run a program, and return its exit code, or the negative number of the signal that it wants to die of."""
    try:
        program()
    except SystemExit as ending:
        if ending.code is None or isinstance(ending.code, int):
            return (ending.code or 0) & 255
        print(ending.code, file=sys.stderr)  # noqa: T201 # as the interpreter does
        return 1
    except BaseException as error:  # noqa: BLE001 # whatever it is
        sys.excepthook(type(error), error, error.__traceback__)
        return -signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    return 0


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
