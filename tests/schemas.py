"""The schemas to which what the commands write is held, and what platforms read."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

from jsonschema import Draft7Validator, Draft202012Validator
from jsonschema.validators import validator_for

from tests.manage import ROOT


def strict(schema: Any) -> Any:
    """Let a schema refuse what it does not describe, which readers should not: what is added breaks nobody."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    told = {key: strict(value) for key, value in schema.items()}
    return {**told, "additionalProperties": False} if "properties" in schema else told


def read(path: str) -> Any:
    """Read a schema of the repository."""
    return json.loads((ROOT / path).read_text("utf-8"))


SARIF = Draft7Validator(
    read("tests/fixtures/sarif/sarif-schema-2.1.0.json"), format_checker=Draft7Validator.FORMAT_CHECKER
)
ASSESSMENT = Draft202012Validator(
    strict(read("docs/reference/assessment.schema.json")), format_checker=Draft202012Validator.FORMAT_CHECKER
)


def refusals(platform: str, document: Any) -> list[str]:
    """Return what a platform's schema has against a document, such as one of "compose-spec" or "github-workflows"."""
    text = (files("check_jsonschema") / f"builtin_schemas/vendor/{platform}.json").read_text("utf-8")
    schema = json.loads(text)
    return [error.message for error in validator_for(schema)(schema).iter_errors(document)]
