"""`make run`: the whole service on this machine, from servers to web, worker and beat.

The story: hold `.run/`, end what a killed run left, start the servers that no variable names, run `build.sh`, then the
Procfile's `release` to its end, then `web`, `worker` and `beat` side by side until Ctrl-C.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import NoReturn

from honcho.environ import parse_procfile

from tools.run_folder import MARK, AlreadyRunning, RunFolder
from tools.servers import HOST, PostgreSQL, Redis, Server, ServerFailed, ServerMissing, free_port, is_free, launcher

ROOT = Path(__file__).resolve().parent.parent
LONG_RUNNING = ("web", "worker", "beat")
START_TIMEOUT = 120.0
STOP_TIMEOUT = 30.0
QUICK_DELAY = 5
"""Seconds from a webhook to its SMS that nobody minds waiting for."""
AT_ANY_TIME = {
    "SMS_HOURS": "00:00-24:00",
    "SMS_SATURDAY_HOURS": "00:00-24:00",
    "SMS_SUNDAYS": "true",
    "SMS_HOLIDAYS": "true",
    "SMS_MAX_AGE": "1000000000",
    "SMS_PER_PHONE_PER_DAY": "1000",
}
"""Whoever tries it out does not wait for the morning; the example of a payment may be of last year."""

READY = """
✅ sms_sender is running. Ctrl-C stops everything.

   Panel     {url}/panel/   {login}
   Health    {url}/api/webhooks/health/
   API docs  {url}/api/docs/
   Admin     {url}/admin/
   Token     {token}
   Variables .run/env   (for manage.py: set -a; . .run/env; set +a; . .venv/bin/activate)

   Try it, each line as it stands; the panel shows what comes of it:

   .venv/bin/python -m tools.trial paid      # paid before its SMS: the SMS is cancelled
   .venv/bin/python -m tools.trial morning   # it comes at night: the SMS waits for the morning
   .venv/bin/python -m tools.trial opt-out   # its phone wants no SMS: it gets none

   Post a webhook, each time of a new payment; its SMS appears below from the worker after {delay} s{hint}:

   sed "s/gp_7f3a9c21/gp_$(date +%s)/; s/pedido-1042/pedido-$(date +%s)/" tests/fixtures/ghostpay-pix-pending.json |
     curl -X POST {url}/api/webhooks/ghostpay/ -H 'X-Webhook-Secret: {secret}' \\
       -H 'Content-Type: application/json' -d @-
"""


class StepFailed(Exception):
    """A step ended badly; the text says which and what to type."""

    def __init__(self, message: str, *, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Stopped(Exception):
    """A signal asked for the end."""


def say(text: str) -> None:
    """Say what happens now."""
    print(text, flush=True)  # noqa: T201 # this program's output


def main() -> int:
    """Run until a signal comes or a part ends; give the exit code."""
    folder = RunFolder(ROOT / ".run")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        with folder.locked(), contextlib.ExitStack() as servers:
            return run(folder, servers)
    except AlreadyRunning as error:
        say(f"✖ make run is running already, as process {error}. Stop it with Ctrl-C there, or type: kill {error}")
        return 1
    except (StepFailed, ServerFailed, ServerMissing) as error:
        say(f"✖ {error}")
        return getattr(error, "exit_code", 1)
    except Stopped:
        say("■ Stopped.")
        return 0


def stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Answer the first signal; later ones are ignored, since stopping is under way and takes seconds."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


def run(folder: RunFolder, servers: contextlib.ExitStack) -> int:
    """Go through all steps; give the exit code of the first part that ends."""
    if count := folder.end_leftovers():
        say(f"→ Ended {count} processes that an earlier run had left behind.")
    os.environ[MARK] = str(folder.path)
    servers.callback(folder.end_leftovers)
    environment = prepare(folder, servers)
    step("Building (build.sh)", ["./build.sh"], environment)
    step("Release phase (Procfile)", shlex.split(procfile()["release"]), environment)
    embedded = not os.environ.get("DATABASE_URL")
    if embedded:
        ensure_administrator(environment)
    say("→ Starting web, worker and beat…")
    with processes(environment) as parts:
        await_answers(parts, environment)
        say(summary(environment, embedded=embedded))
        parts.wait()
    raise StepFailed("A part of the service ended; its last lines are above.", exit_code=parts.returncode or 1)


def procfile() -> Mapping[str, str]:
    """Read the commands of the Procfile."""
    return dict(parse_procfile((ROOT / "Procfile").read_text()).processes)


def prepare(folder: RunFolder, servers: contextlib.ExitStack) -> dict[str, str]:
    """Start the servers that no variable names, and return the environment of all steps."""
    kept = folder.load()
    if not os.environ.get("DATABASE_URL"):
        postgresql = PostgreSQL(
            folder=folder.path / "postgresql", port=port(kept, "POSTGRES_PORT"), password=kept["POSTGRES_PASSWORD"]
        )
        serve(postgresql, servers, "PostgreSQL 18")
        kept["DATABASE_URL"] = postgresql.url()
    if not os.environ.get("REDIS_URL"):
        redis = Redis(folder.path / "redis", port=port(kept, "REDIS_PORT"), durable=True)
        serve(redis, servers, "Redis")
        kept["REDIS_URL"] = redis.url()
    if not os.environ.get("PORT"):
        port(kept, "PORT", preferred=8000)
    kept |= {"ALLOWED_HOSTS": "localhost,127.0.0.1", "DEBUG": "false", "SECURE_COOKIES": "false"}
    kept |= {name: os.environ.get(name) or value for name, value in AT_ANY_TIME.items()}
    chosen = {name: value for name, value in os.environ.items() if value}
    # What is tried out in another terminal finds the service by what it has been given.
    kept |= {name: chosen[name] for name in (*kept, "DATABASE_URL", "REDIS_URL", "PORT") if name in chosen}
    folder.save(kept)
    tools = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "PYTHONUNBUFFERED": "1",
        "PIP_QUIET": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GUNICORN_CMD_ARGS": f"--bind {HOST}:{kept['PORT']} --no-control-socket",
    }
    return {**kept, **chosen, **tools}


def port(kept: dict[str, str], name: str, *, preferred: int | None = None) -> int:
    """Return the port that was used before, if it is still free, else another; remember it."""
    before = int(kept.get(name) or preferred or 0)
    if before and is_free(before):
        chosen = before
    else:
        chosen = free_port()
        if before:
            say(f"→ Port {before} is taken by another program; {chosen} is used instead.")
    kept[name] = str(chosen)
    return chosen


def serve(server: Server, servers: contextlib.ExitStack, title: str) -> None:
    """Start a server that is stopped at the end of the run."""
    say(f"→ Starting {title} on {HOST}:{server.port} (data in {server.folder.relative_to(ROOT)})…")
    servers.enter_context(server)


def step(title: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
    """Run a command to its end with its output shown; raise `StepFailed` if it fails."""
    say(f"→ {title}…")
    with started(command, environment) as process:
        process.wait()
    if process.returncode:
        line = shlex.join(command)
        raise StepFailed(
            f"{title} failed with exit code {process.returncode}. Once what its lines say is mended, type: make run"
            f" (or only this step: set -a; . .run/env; set +a; . .venv/bin/activate; {line})",
            exit_code=process.returncode,
        )


@contextlib.contextmanager
def started(command: Sequence[str], environment: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command, and stop it when the block is left early.

    It has a session of its own, so that Ctrl-C reaches this program alone and everything ends in order; the kernel
    ends it too when this program is killed outright.
    """
    prefix = launcher(drop_root=False, death_signal=signal.SIGTERM)
    process = subprocess.Popen(  # noqa: S603 # the project's own scripts
        [*prefix, *command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            say("■ Stopping…")
            process.terminate()
            try:
                process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def processes(environment: Mapping[str, str]) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """Start the Procfile's long-running processes, each line of their logs under its name."""
    return started([sys.executable, "-m", "honcho", "start", *LONG_RUNNING], environment)


def ensure_administrator(environment: Mapping[str, str]) -> None:
    """Create the user `admin` in a database that was made here, unless it exists."""
    command = [sys.executable, "manage.py", "createsuperuser", "--noinput", "--username=admin", "--email="]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        say("→ Created the administrator `admin`.")


def await_answers(parts: subprocess.Popen[bytes], environment: Mapping[str, str]) -> None:
    """Wait until web, worker and beat do their work; raise `StepFailed` if one ends before or it takes too long."""
    patience = START_TIMEOUT + float(environment.get("SMS_POLL_INTERVAL") or 0)
    deadline = time.monotonic() + patience
    while not is_working(environment):
        if parts.poll() is not None:
            raise StepFailed("A part of the service did not start; its last lines are above.")
        if time.monotonic() > deadline:
            raise StepFailed(f"Web, worker and beat do not all work within {patience:.0f} s; their logs are above.")
        time.sleep(0.2)


def is_working(environment: Mapping[str, str]) -> bool:
    """Return whether the web process answers, and says that a worker does what beat asks for."""
    try:
        with urllib.request.urlopen(f"{url(environment)}/api/webhooks/health/", timeout=10) as answer:  # noqa: S310
            told = json.load(answer)
    except (OSError, ValueError):  # nobody answers yet, or with an error
        return False
    return bool(told["checks"]["sms_scheduler"]["celery_available"])


def url(environment: Mapping[str, str]) -> str:
    """Return the address of the web process."""
    return f"http://{HOST}:{environment['PORT']}"


def summary(environment: Mapping[str, str], *, embedded: bool) -> str:
    """Return the newcomer where everything is."""
    own = "python manage.py createsuperuser makes a login"
    delay = environment.get("SMS_RECOVERY_DELAY", "600")
    quicker = f" (SMS_RECOVERY_DELAY={QUICK_DELAY} make run is quicker)"
    return READY.format(
        url=url(environment),
        login=f"admin / {environment['DJANGO_SUPERUSER_PASSWORD']}" if embedded else own,
        token=environment["AUTO_MIGRATE_TOKEN"],
        secret=environment["GHOSTPAY_WEBHOOK_SECRET"],
        delay=delay,
        hint=quicker if float(delay) > QUICK_DELAY else "",
    )


if __name__ == "__main__":
    sys.exit(main())
