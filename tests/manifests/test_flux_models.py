"""Declarations of Kubernetes models become strict JSON schemas; what is written in an unknown way is refused."""

from pathlib import Path

import pytest
from flux_models import Models, Schema, UnknownSyntax, go_type

HEAD = 'import { IIoK8sApiCoreV1EnvVar } from "kubernetes-models/v1/EnvVar";\n'


def read(folder: Path, body: str, **others: str) -> Schema:
    (folder / "It.d.ts").write_text(HEAD + body)
    for name, text in others.items():
        (folder / f"{name}.d.ts").write_text(text)
    return Models(folder=folder, foreign=lambda name: {"of": name}).schema(folder / "It.d.ts")


def test_an_interface_knows_no_field_but_its_own(tmp_path: Path) -> None:
    found = read(tmp_path, 'export interface IIt {\n    /** What. */\n    "name": string;\n    "count"?: number;\n}\n')

    assert found == {
        "type": "object",
        "properties": {"name": {"type": "string"}, "count": {"type": "number"}},
        "required": ["name"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("declared", "schema"),
    [
        ("boolean", {"type": "boolean"}),
        ("Array<string>", {"type": "array", "items": {"type": "string"}}),
        ('"Always" | "Never"', {"enum": ["Always", "Never"]}),
        ("string | number", {"anyOf": [{"type": "string"}, {"type": "number"}]}),
        ("{\n        [key: string]: Array<number>;\n    }",
         {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "number"}}}),
        ("{}", {"type": "object"}),
        ("Array<IIoK8sApiCoreV1EnvVar>", {"type": "array", "items": {"of": "k8s.io/api/core/v1.EnvVar"}}),
    ],
)  # fmt: skip
def test_every_type_has_its_schema(declared: str, schema: Schema, tmp_path: Path) -> None:
    found = read(tmp_path, f'export interface IIt {{\n    "field": {declared};\n}}\n')

    assert found["properties"]["field"] == schema


def test_an_interface_has_the_fields_of_those_it_extends(tmp_path: Path) -> None:
    body = (
        'import { IBase } from "./Base.js";\nexport interface IIt extends TypeMeta, IBase {\n    "own"?: string;\n}\n'
    )

    found = read(tmp_path, body, Base='export interface IBase {\n    "based": boolean;\n}\n')

    assert set(found["properties"]) == {"own", "based"}
    assert found["required"] == ["based"]


@pytest.mark.parametrize(
    "body",
    [
        'export interface IIt {\n    "field": Partial<string>;\n}\n',
        'export interface IIt {\n    "field": (a: string) => void;\n}\n',
        'export interface IIt {\n    "field": INowhere;\n}\n',
        "export declare class It {}\n",
        'export interface IIt {\n    "field": Array<string;\n}\n',
    ],
)
def test_what_is_written_in_an_unknown_way_is_refused(body: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownSyntax):
        read(tmp_path, body)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("kubernetes-models/v1/Container", "k8s.io/api/core/v1.Container"),
        ("kubernetes-models/apps/v1/DeploymentStrategy", "k8s.io/api/apps/v1.DeploymentStrategy"),
        ("kubernetes-models/networking.k8s.io/v1/IngressTLS", "k8s.io/api/networking/v1.IngressTLS"),
        ("@kubernetes-models/apimachinery/api/resource/Quantity", "k8s.io/apimachinery/pkg/api/resource.Quantity"),
    ],
)
def test_types_of_kubernetes_are_named_as_in_go(source: str, name: str) -> None:
    assert go_type(source) == name
