"""Every diagram of the pages is one, and what it names as ours exists."""

import re
from pathlib import Path

import pytest
from doc_pages import REPOSITORY, Fence, fences, name_of, pages
from ruamel.yaml import YAML

FLUX = REPOSITORY / "flux"
KINDS = ("flowchart", "graph", "sequenceDiagram", "stateDiagram")
ARROW = re.compile(r"-->|-\.->|==>|--[^->\n]+-->|->>")
LABEL = re.compile(r"""[\[({]+"?([^\[\](){}"\n]+)"?[\])}]+""")
DIAGRAMS = [fence for page in pages() for fence in fences(page, "mermaid")]


def applied_by(folder: Path) -> set[str]:
    """The names of the Flux Kustomizations that the files of a folder hold."""
    found = (one for file in folder.rglob("*.yaml") for one in YAML(typ="safe", pure=True).load_all(file.read_text()))
    return {
        one["metadata"]["name"]
        for one in found
        if one.get("kind") == "Kustomization" and one["apiVersion"].startswith("kustomize.toolkit.fluxcd.io/")
    }


def paths_in(diagram: Fence) -> list[str]:
    """What the labels of a diagram name like a file or folder of ours."""
    words = (word for label in LABEL.findall(diagram.text) for word in re.split(r"[\s,·]+", label))
    return [word for word in words if "/" in word]


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.place)
def test_every_diagram_has_a_kind_and_arrows(diagram: Fence) -> None:
    lines = [line.strip() for line in diagram.text.splitlines() if line.strip()]
    opened = sum(line.startswith("subgraph") for line in lines)

    assert lines[0].startswith(KINDS)
    assert ARROW.search(diagram.text)
    assert opened == lines.count("end")


@pytest.mark.parametrize("diagram", DIAGRAMS, ids=lambda diagram: diagram.place)
def test_every_path_in_a_diagram_exists(diagram: Fence) -> None:
    assert [path for path in paths_in(diagram) if not (REPOSITORY / path).exists()] == []


def test_the_order_in_the_flux_readme_is_that_of_the_kustomizations() -> None:
    (diagram,) = fences(REPOSITORY / "flux" / "README.md", "mermaid")
    kustomizations = {
        name for file in (FLUX / "clusters/minikube", FLUX / "infrastructure") for name in applied_by(file)
    }

    told = set(re.findall(r"[a-z][a-z-]+", diagram.text)) - {"graph", "subgraph", "end"}

    assert told - kustomizations == set()
    assert kustomizations - told == {"flux-system"}


def test_a_path_that_is_gone_is_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text('```mermaid\nflowchart LR\n  a["bot/gone.py"] --> b[(bot/journal)]\n```\n')
    (diagram,) = fences(page, "mermaid")

    assert [path for path in paths_in(diagram) if not (REPOSITORY / path).exists()] == ["bot/gone.py"]
    assert name_of(page) == "page.md"
