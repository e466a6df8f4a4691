"""The chart, rendered by Helm itself: what Kubernetes takes, and what deploy/kubernetes.yaml says without Helm."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests import examples
from tests.manage import ROOT
from tests.requirements import HELM, KUBERNETES, need

CHART = ROOT / "deploy/chart"
VALUES = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
PLAIN = {
    (document["kind"], document["metadata"]["name"]): document
    for document in yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8"))
}
# All that may be switched on or be left out.
EVERYTHING: dict[str, Any] = {
    "image": {"repository": "registry.example.com/shop", "tag": "1.4.0"},
    "secrets": ["shop", "shop-redis"],
    "config": {"ALLOWED_HOSTS": "shop.example.com", "LIMIT": "1000000"},
    "release": {"resources": {"limits": {"memory": "512Mi"}}},
    "phases": True,
    "waitForMigrations": True,
    "pod": {"serviceAccountName": "shop", "nodeSelector": {"disk": "ssd"}},
}
TOLD = yaml.safe_load(examples.blocks("how-to/kubernetes.md", "yaml")[1])
LEAST: dict[str, Any] = {"worker": {"enabled": False}, "beat": {"enabled": False}}


def render(values: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what Helm makes of the chart, by kind and name; raise `HelmError` for values that it refuses."""
    from helm_python import Chart

    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name="sms-sender", namespace="shop")
    documents = [each for name, text in files.items() if name.endswith(".yaml") for each in yaml.safe_load_all(text)]
    return {(each["kind"], each["metadata"]["name"]): each for each in documents if each}


def pods(documents: dict[tuple[str, str], dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Return the spec of each pod, with the name of what makes it."""
    for (_kind, name), document in documents.items():
        if "template" in document["spec"]:
            yield name, document["spec"]["template"]["spec"]


def test_helm_has_nothing_against_the_chart() -> None:
    need(HELM)
    from helm_python import lint

    report = lint(CHART, strict=True)
    assert report["errors"] == []
    assert [one["error"] for one in report["messages"]] == ["icon is recommended"]


@pytest.mark.parametrize("values", [{}, EVERYTHING, LEAST, TOLD], ids=["as it stands", "everything", "least", "how-to"])
def test_kubernetes_takes_what_is_rendered(values: dict[str, Any]) -> None:
    need(HELM, KUBERNETES)
    import kubernetes_validate

    for document in render(values).values():
        kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_the_chart_as_it_stands_says_what_is_said_without_helm() -> None:
    need(HELM)
    rendered = render({})
    config = PLAIN["ConfigMap", "sms-sender"]["data"]
    assert {*rendered, ("ConfigMap", "sms-sender")} == PLAIN.keys()
    for key, told in rendered.items():
        plain = PLAIN[key]
        assert told["metadata"].get("annotations") == plain["metadata"].get("annotations")
        assert without_ways(told["spec"], config) == without_ways(plain["spec"], config)


def without_ways(spec: dict[str, Any], config: dict[str, str]) -> dict[str, Any]:
    """Leave out in which way a pod is given the same: its variables, and what Kubernetes takes where nothing stands."""
    if "template" not in spec:
        return spec
    pod = dict(spec["template"]["spec"])
    [container] = pod.pop("containers")
    variables = {one["name"]: one["value"] for one in container.pop("env", [])}
    assert variables in ({}, config)
    assert {"secretRef": {"name": "sms-sender"}} in container.pop("envFrom")
    usual: dict[str, Any] = {"resources": {}, "imagePullPolicy": "IfNotPresent"}
    container = {name: value for name, value in container.items() if usual.get(name) != value}
    if pod.get("terminationGracePeriodSeconds") == 30:
        del pod["terminationGracePeriodSeconds"]
    return {**{name: value for name, value in spec.items() if name != "template"}, "pod": pod, "container": container}


def test_what_is_switched_on_is_there() -> None:
    need(HELM)
    rendered = render(EVERYTHING)
    job = rendered["Job", "sms-sender-post-deploy"]
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade"
    found = dict(pods(rendered))
    assert found.keys() == {f"sms-sender-{name}" for name in ("release", "post-deploy", "web", "worker", "beat")}
    for name, pod in found.items():
        assert (pod["serviceAccountName"], pod["nodeSelector"]) == ("shop", {"disk": "ssd"})
        # A Job that waited for its own work would wait for ever.
        waits = [each["command"] for each in pod.get("initContainers", ())]
        of_job = name in {"sms-sender-release", "sms-sender-post-deploy"}
        assert waits == ([] if of_job else [["python", "manage.py", "wait_for_migrations"]])
        for container in (*pod["containers"], *pod.get("initContainers", ())):
            variables = {one["name"]: one["value"] for one in container["env"]}
            assert (variables["AUTO_MIGRATE_RELEASE"], variables["AUTO_MIGRATE_PHASES"]) == ("1.4.0", "true")
            assert variables["LIMIT"] == "1000000"
            assert container["envFrom"] == [{"secretRef": {"name": name}} for name in EVERYTHING["secrets"]]
    assert {name for name, _pod in pods(render(LEAST))} == {"sms-sender-release", "sms-sender-web"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"image": {"tag": 1.4}}, "tag"),
        ({"secrets": []}, "secrets"),
        ({"config": {"LIMIT": 1000000}}, "LIMIT"),
        ({"config": {"PORT": "80"}}, "PORT"),
        ({"release": {"activeDeadlineSeconds": "25m"}}, "activeDeadlineSeconds"),
        ({"pod": {"containers": []}}, "containers"),
        ({"replicas": 2}, "replicas"),
    ],
)
def test_values_that_would_be_misread_are_refused(values: dict[str, Any], words: str) -> None:
    need(HELM)
    from helm_python import HelmError

    with pytest.raises(HelmError, match=words):
        render(values)


def test_every_deadline_is_below_the_timeout_that_is_told() -> None:
    """Helm gives up on a hook after `--timeout`, and its Job would go on."""
    assert max(VALUES[job]["activeDeadlineSeconds"] for job in ("release", "postDeploy")) < 30 * 60
