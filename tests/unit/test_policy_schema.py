"""The JSON schema beside the models is current, and says of a policy what the models say."""

import json
from pathlib import Path

import jsonschema
import pytest

from config.schema import SCHEMA_FILE, policy_schema
from config.yaml_text import documents
from config.yaml_values import plain

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "policy.yaml"


def validate(text: str) -> None:
    (root,) = documents(text, file="policy.yaml")
    jsonschema.Draft202012Validator(json.loads(policy_schema())).validate(plain(root, file="policy.yaml"))


def test_schema_file_is_current() -> None:
    assert SCHEMA_FILE.read_text() == policy_schema(), "run: python -m config.schema > config/policy.schema.json"


def test_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(json.loads(policy_schema()))


def test_example_fits_the_schema() -> None:
    validate(EXAMPLE.read_text())


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\nenvironments: {dev: {cluster: a}}",
        "version: 1",
        "version: 1\nenvironments: {}",
        "version: 1\nenvironments: {dev: {cluster: a, soak: soon}}",
        "version: 1\nenvironments: {dev: {cluster: a, sok: 1m}}",
        "version: 1\nenvironments: {d: {cluster: a}}\napplications: {a: {project: p/a, images: [], kustomization: n}}",
    ],
)
def test_schema_refuses_what_the_models_refuse(text: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        validate(text)
