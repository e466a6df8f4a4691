"""The files that a platform reads, those of the how-to pages too, are what its schema takes."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests import examples
from tests.manage import ROOT
from tests.requirements import KUBERNETES, need
from tests.schemas import refusals

COMPOSE = (ROOT / "deploy/compose.yaml").read_text("utf-8")
[COMPOSE_EXAMPLE] = examples.blocks("how-to/compose.md", "yaml")
JOB, _VALUES, INIT_CONTAINERS, PROBES = examples.blocks("how-to/kubernetes.md", "yaml")
PLAIN = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}}


def deployment() -> dict[str, Any]:
    """Return a Deployment with the parts of the how-to page in it."""
    container = {"name": "web", "image": "shop:1.4.0", **yaml.safe_load(PROBES)}
    pod = {"containers": [container], **yaml.safe_load(INIT_CONTAINERS)}
    template = {"metadata": {"labels": {"app": "shop"}}, "spec": pod}
    return {**PLAIN, "spec": {"selector": {"matchLabels": {"app": "shop"}}, "template": template}}


@pytest.mark.parametrize("text", [COMPOSE, COMPOSE_EXAMPLE], ids=["deploy", "how-to"])
def test_compose_takes_it(text: str) -> None:
    assert refusals("compose-spec", yaml.safe_load(text)) == []


def kubernetes_documents() -> dict[str, Any]:
    """Return every resource that we tell people to apply, by where it is."""
    ours = list(yaml.safe_load_all((ROOT / "deploy/kubernetes.yaml").read_text("utf-8")))
    told = {f"deploy/kubernetes.yaml: {document['metadata']['name']} {document['kind']}": document for document in ours}
    return {**told, "how-to: Job": yaml.safe_load(JOB), "how-to: Deployment": deployment()}


@pytest.mark.parametrize("name", kubernetes_documents())
def test_kubernetes_takes_it(name: str) -> None:
    need(KUBERNETES)
    import kubernetes_validate

    # Strict: a key that there is not is an error, as with `kubectl apply --validate=strict`.
    kubernetes_validate.validate(kubernetes_documents()[name], kubernetes_validate.latest_version(), strict=True)
