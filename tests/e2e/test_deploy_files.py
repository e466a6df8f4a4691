"""Every file that a platform reads names only what exists: commands, addresses, variables, services."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve
from honcho.environ import parse_procfile

from auto_migrate.conf import ENVIRONMENT_PREFIX, FIELDS
from tests.manage import ROOT, environment
from webhooks import gateways

# Read by the platform, the interpreter or gunicorn instead of the settings.
OTHERS = {"PYTHON_VERSION", "PORT", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD"}
PROCFILE = dict(parse_procfile((ROOT / "Procfile").read_text()).processes)


def load(name: str) -> Any:
    """Parse a file by its kind; a YAML file of several documents gives a list."""
    text = (ROOT / name).read_text("utf-8")
    if name.endswith(".toml"):
        return tomllib.loads(text)
    if name.endswith(".json"):
        return json.loads(text)
    documents = list(yaml.safe_load_all(text))
    return documents if len(documents) > 1 else documents[0]


RENDER = load("render.yaml")
COMPOSE = load("deploy/compose.yaml")
KUBERNETES = load("deploy/kubernetes.yaml")
FLY = load("deploy/fly.toml")
HEROKU = load("deploy/app.json")
APPS = [service for service in RENDER["services"] if service["type"] != "keyvalue"]


def variables_of_settings() -> set[str]:
    """Find the variables that the settings read: what is passed to a call there in capitals."""
    tree = ast.parse((ROOT / "sms_sender/settings.py").read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    words = {arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)}
    named = {str(word) for word in words if re.fullmatch(r"[A-Z][A-Z0-9_]+", str(word))}
    return (
        named
        | {f"{gateway.upper()}_WEBHOOK_SECRET" for gateway in gateways.names()}
        | {ENVIRONMENT_PREFIX + f for f in FIELDS}
    )


def render_variables() -> Iterator[dict[str, Any]]:
    """Return every variable of the blueprint, of services and groups alike."""
    for holder in [*APPS, *RENDER["envVarGroups"]]:
        yield from (variable for variable in holder["envVars"] if "key" in variable)


def containers(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a Job or Deployment."""
    return list(document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", []))


KUBERNETES_CONTAINERS = [container for document in KUBERNETES for container in containers(document)]
COMMANDS = {
    *(service[key] for service in APPS for key in ("buildCommand", "preDeployCommand", "startCommand")),
    *(shlex.join(service["command"]) for name, service in COMPOSE["services"].items() if "build" in service
      and "command" in service),
    *(shlex.join(container["command"]) for container in KUBERNETES_CONTAINERS),
    *FLY["processes"].values(),
    FLY["deploy"]["release_command"],
}  # fmt: skip
PROBES = [container[kind]["httpGet"] for container in KUBERNETES_CONTAINERS for kind in container if "Probe" in kind]
PATHS = {
    *(service["healthCheckPath"] for service in APPS if "healthCheckPath" in service),
    *(probe["path"] for probe in PROBES),
    *(check["path"] for check in FLY["http_service"]["checks"]),
    re.search(r"/api[^']*", COMPOSE["services"]["web"]["healthcheck"]["test"][-1])[0],  # type: ignore[index]
}
VARIABLES = {
    *(variable["key"] for variable in render_variables()),
    *(name for service in COMPOSE["services"].values() for name in service.get("environment", {})),
    *(name for document in KUBERNETES for name in document.get("data", {})),
    *FLY["env"],
    *HEROKU["env"],
}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_each_command_is_a_program_that_is_there(command: str) -> None:
    program = shlex.split(command)[0]
    if program.startswith("./"):
        assert os.access(ROOT / program, os.X_OK)
    else:
        assert shutil.which(program, path=str(Path(sys.executable).parent))


def test_every_platform_starts_what_the_procfile_says() -> None:
    assert set(PROCFILE.values()) <= COMMANDS
    assert set(HEROKU["formation"]) == set(PROCFILE) - {"release"}
    assert FLY["processes"] == {name: PROCFILE[name] for name in ("web", "worker", "beat")}


def test_every_platform_serves_with_the_projects_configuration() -> None:
    image = (ROOT / "deploy/Dockerfile").read_text("utf-8")
    [command] = re.findall(r"^CMD (.*)$", image, re.MULTILINE)
    assert shlex.join(json.loads(command)) == PROCFILE["web"]
    servers = {command for command in COMMANDS if command.startswith("gunicorn")}
    assert servers == {PROCFILE["web"]}, "an option would outvote gunicorn.conf.py"
    shown = subprocess.run(
        [*shlex.split(PROCFILE["web"]), "--print-config"], cwd=ROOT, env=environment({"WEB_THREADS": "31"}),
        capture_output=True, text=True, timeout=60, check=True,
    ).stdout  # fmt: skip
    config = dict(re.findall(r"^(\w+) += (.*)$", shown, re.MULTILINE))
    assert (config["worker_class"], config["workers"], config["threads"]) == ("gthread", "2", "31")


@pytest.mark.parametrize("path", sorted(PATHS))
def test_each_address_is_one_of_the_probes(path: str) -> None:
    assert resolve(path).url_name in {"live", "ready"}


@pytest.mark.parametrize("name", sorted(VARIABLES - OTHERS))
def test_each_variable_is_read_by_the_settings(name: str) -> None:
    assert name in variables_of_settings()


def test_render_refers_only_to_what_it_declares() -> None:
    services = {(service["type"], service["name"]) for service in RENDER["services"]}
    databases = {database["name"] for database in RENDER["databases"]}
    groups = {group["name"] for group in RENDER["envVarGroups"]}
    for variable in (variable for service in APPS for variable in service["envVars"]):
        if "fromService" in variable:
            assert (variable["fromService"]["type"], variable["fromService"]["name"]) in services
        if "fromDatabase" in variable:
            assert variable["fromDatabase"]["name"] in databases
        if "fromGroup" in variable:
            assert variable["fromGroup"] in groups


def test_render_holds_no_secret() -> None:
    written = {variable["key"] for variable in render_variables() if "value" in variable}
    assert written == {"PYTHON_VERSION", "LANGUAGE_CODE"}
    assert all(variable.get("sync") is not False for group in RENDER["envVarGroups"] for variable in group["envVars"])


def test_render_runs_programs_where_it_runs_no_shell() -> None:
    for service in APPS:
        assert service["preDeployCommand"] == "./pre_start.sh"
        assert 1 <= service.get("maxShutdownDelaySeconds", 30) <= 300


def test_each_probe_asks_under_a_host_that_is_allowed() -> None:
    [config] = [document["data"] for document in KUBERNETES if document["kind"] == "ConfigMap"]
    hosts = {header["value"] for probe in PROBES for header in probe["httpHeaders"]}
    assert hosts <= set(config["ALLOWED_HOSTS"].split(","))
    for check in FLY["http_service"]["checks"]:
        assert check["headers"]["Host"] in FLY["env"]["ALLOWED_HOSTS"].split(",")


def test_kubernetes_restarts_no_pod_over_the_database() -> None:
    [web] = [container for container in KUBERNETES_CONTAINERS if container["name"] == "web"]
    assert resolve(web["livenessProbe"]["httpGet"]["path"]).url_name == "live"
    assert resolve(web["readinessProbe"]["httpGet"]["path"]).url_name == "ready"


def test_compose_starts_nothing_before_the_release_has_ended_well() -> None:
    for name in ("web", "worker", "beat"):
        needs = COMPOSE["services"][name]["depends_on"]
        assert needs["release"] == {"condition": "service_completed_successfully"}
    build = COMPOSE["services"]["web"]["build"]
    assert (ROOT / "deploy" / build["context"] / build["dockerfile"]).exists()
