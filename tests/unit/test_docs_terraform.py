"""The Terraform example parses, hangs together, names what its providers have, and agrees with the Flux tree.

It is no `terraform validate`: no provider can be had here, so types and values are not checked.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hcl2
import pytest
from doc_pages import REPOSITORY, fences
from ruamel.yaml import YAML
from terraform_files import Block, arguments, blocks, of_kind, references, text

FLUX = REPOSITORY / "flux"
CLUSTERS = tuple(sorted(folder.name for folder in (FLUX / "clusters").iterdir() if folder.is_dir()))
EXAMPLE = REPOSITORY / "docs" / "terraform-flux-example"
MODULES = (EXAMPLE, *sorted(file for file in (EXAMPLE / "modules").iterdir() if file.is_dir()))
PROVIDERS: dict[str, Any] = json.loads(Path(__file__).with_name("terraform_arguments.json").read_text())
"""Arguments and attributes by type. gitlab: 19.1.0, as pulumi-gitlab 10.0.0 was generated from it; the others: the
providers' own pages for fluxcd/flux 1.9, hashicorp/kubernetes 3 and hashicorp/random 3.7."""
META = frozenset(
    {"for_each", "count", "depends_on", "lifecycle", "provider", "providers", "source", "version", "alias"}
)
BUILT_IN = frozenset({"each", "self", "path", "terraform", "count"})

every_module = pytest.mark.parametrize("folder", MODULES, ids=lambda folder: folder.name)


@every_module
def test_every_reference_is_declared(folder: Path) -> None:
    assert [fault for block in blocks(folder) for fault in undeclared(folder, block)] == []


def undeclared(folder: Path, block: Block) -> Iterator[str]:
    """What a block refers to and its module does not have."""
    known, own = declared(folder), {one.strip('"') for one in dynamic_blocks(block)}
    for words in references(block.body):
        root, *rest = words
        if root in BUILT_IN or root in own or (block.kind == "terraform"):
            continue
        address = ("data", *rest[:2]) if root == "data" else (root, *rest[:1])
        if address not in known:
            yield f"{block.name} refers to {'.'.join(words)}, which is not declared. Declare it, or mend the name."
        elif attribute := missing_attribute(folder, address, rest):
            yield f"{block.name} refers to {'.'.join(words)}: there is no {attribute}."


def declared(folder: Path) -> set[tuple[str, ...]]:
    """Every address of a module."""
    found: set[tuple[str, ...]] = set()
    for block in blocks(folder):
        match block.kind:
            case "variable":
                found.add(("var", *block.labels))
            case "locals":
                found |= {("local", name) for name in arguments(block.body)}
            case "module":
                found.add(("module", *block.labels))
            case "data":
                found.add(("data", *block.labels))
            case "resource":
                found.add(block.labels)
            case "provider":
                found.add((block.labels[0], text(block.body.get("alias", ""))))
            case _:
                continue
    return found


def missing_attribute(folder: Path, address: tuple[str, ...], rest: list[str]) -> str:
    """What is asked of a module or resource that it does not have; empty when it has it."""
    if address[0] == "module":
        outputs = {name for (name,) in of_kind(source_of(folder, address[1]), "output")}
        return "" if len(rest) < 2 or rest[1] in outputs else f"output {rest[1]}"
    data = address[0] == "data"
    known = PROVIDERS.get(f"data.{address[1]}" if data else address[0])
    asked = rest[2 if data else 1 :][:1]
    if known is None or not asked:
        return ""
    has = {*known["arguments"], *known.get("attributes", ()), *known.get("blocks", ())}
    return "" if asked[0] in has else f"attribute {asked[0]}"


def dynamic_blocks(block: Block) -> set[str]:
    """The names of blocks that are made in a loop; inside they are its variable."""
    return {name for one in block.body.get("dynamic", []) for name in arguments(one)}


def source_of(folder: Path, module: str) -> Path:
    """Where a called module stands."""
    return (folder / text(of_kind(folder, "module")[(module,)].body["source"])).resolve()


@every_module
def test_every_variable_and_local_is_used(folder: Path) -> None:
    used = {words[:2] for block in blocks(folder) for words in references(block.body)}

    idle = {address for address in declared(folder) if address[0] in ("var", "local")} - used

    assert idle == set()


def test_every_called_module_gets_what_it_needs_and_no_more() -> None:
    wrong = []
    for (name,), block in of_kind(EXAMPLE, "module").items():
        folder = source_of(EXAMPLE, name)
        assert folder in MODULES, f"{name} calls {folder}, which is no module of ours"
        inputs = {one: found.body for (one,), found in of_kind(folder, "variable").items()}
        given = arguments(block.body).keys() - META
        needed = {one for one, body in inputs.items() if "default" not in body}
        wrong += [f"{name} lacks {one}" for one in needed - given] + [
            f"{name} has no {one}" for one in given - inputs.keys()
        ]

    assert wrong == []


@every_module
def test_every_argument_is_one_of_the_providers(folder: Path) -> None:
    assert [fault for block in blocks(folder) for fault in unknown_arguments(block)] == []


def unknown_arguments(block: Block) -> Iterator[str]:
    """Arguments of a resource, data source or provider that its provider does not have."""
    if block.kind not in ("resource", "data", "provider"):
        return
    prefix = "" if block.kind == "resource" else f"{block.kind}."
    known = PROVIDERS[prefix + block.labels[0]]
    nested = known.get("blocks", {})
    for name, value in arguments(block.body).items():
        if name == "dynamic":
            for one in value:
                for kind, body in arguments(one).items():
                    inside = [key for content in body["content"] for key in arguments(content)]
                    yield from (
                        f"{block.name}: {kind} has no {key}" for key in inside if key not in nested.get(kind, ())
                    )
        elif name in nested:
            inside = [key for one in value for key in arguments(one)]
            yield from (f"{block.name}: {name} has no {key}" for key in inside if key not in nested[name])
        elif name not in {*known["arguments"], *META}:
            yield f"{block.name} has no argument {name}"


def test_every_provider_is_pinned_to_one_version() -> None:
    (versions,) = [block.body["required_providers"][0] for block in blocks(EXAMPLE) if block.kind == "terraform"]
    pinned = {name: text(one["version"]) for name, one in arguments(versions).items()}
    used = {
        block.labels[0].partition("_")[0]
        for folder in MODULES
        for block in blocks(folder)
        if block.kind in ("resource", "data", "provider")
    }

    assert used == pinned.keys()
    assert [name for name, version in pinned.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []


def test_modules_ask_for_the_providers_they_use_and_pin_none() -> None:
    for folder in MODULES[1:]:
        (asked,) = [block.body["required_providers"][0] for block in blocks(folder) if block.kind == "terraform"]
        used = {block.labels[0].partition("_")[0] for block in blocks(folder) if block.kind in ("resource", "data")}

        assert arguments(asked).keys() == used
        assert all("version" not in one for one in arguments(asked).values())


def test_flux_is_the_version_of_the_tree_with_its_extra_components() -> None:
    readme = (FLUX / "README.md").read_text()
    version = text(of_kind(EXAMPLE / "modules/cluster", "variable")[("flux_version",)].body["default"])
    bootstrap = of_kind(EXAMPLE / "modules/cluster", "resource")[("flux_bootstrap_git", "this")].body

    components = ",".join(text(one) for one in bootstrap["components_extra"])

    assert f"Versions: Flux {version.removeprefix('v')}," in readme
    assert f"flux install --version={version} --components-extra={components}" in readme


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_every_cluster_has_a_module_two_providers_and_a_folder(cluster: str) -> None:
    module = of_kind(EXAMPLE, "module")[(cluster,)].body
    aliases = {
        (block.labels[0], text(block.body.get("alias", ""))) for block in blocks(EXAMPLE) if block.kind == "provider"
    }

    assert (FLUX / text(module["path"])).is_dir()
    assert arguments(module["providers"]) == {
        "flux": f"${{flux.{cluster}}}",
        "kubernetes": f"${{kubernetes.{cluster}}}",
    }
    assert {("flux", cluster), ("kubernetes", cluster)} <= aliases
    assert f'"{cluster}"' in str(of_kind(EXAMPLE, "variable")[("clusters",)].body["validation"])


def manifest(path: str) -> Any:
    """The one document of a file of the Flux tree."""
    return YAML(typ="safe", pure=True).load((FLUX / path).read_text())


def test_defaults_are_those_of_the_governing_cluster() -> None:
    defaults = {name: text(block.body.get("default", "")) for (name,), block in of_kind(EXAMPLE, "variable").items()}
    config = manifest("clusters/production/cluster-config.yaml")["data"]

    assert defaults["gitlab_url"] == config["gitlab_url"]
    assert defaults["group"] == config["gitlab_group"]
    assert f"{defaults['group']}/{defaults['config_project']}" == config["config_project"]


def test_webhooks_go_where_the_clusters_listen() -> None:
    hooks = of_kind(EXAMPLE / "modules/gitlab", "resource")
    to_flux = text(hooks[("gitlab_project_hook", "flux")].body["url"])
    receiver, ingress = manifest("notifications/receiver.yaml"), manifest("notifications/ingress.yaml")
    name = receiver["metadata"]["name"] + manifest("notifications/kustomization.yaml")["namespace"]
    sluice = manifest("apps/bot/base/ingress.yaml")

    # notification-controller: /hook/<sha256 of token, name and namespace>
    assert to_flux.endswith(f'{name}")}}')
    assert to_flux.startswith(
        f"https://{ingress['spec']['rules'][0]['host'].replace('${domain}', '${each.value}')}/hook/"
    )
    assert text(of_kind(EXAMPLE, "module")[("gitlab",)].body["sluice_url"]).startswith(
        f"https://{sluice['spec']['rules'][0]['host'].removesuffix('${domain}')}${{"
    )
    assert text(hooks[("gitlab_project_hook", "sluice")].body["url"]) == "${var.sluice_url}/hooks/gitlab"


def test_sluice_is_told_of_all_that_the_readme_asks_for() -> None:
    hook = of_kind(EXAMPLE / "modules/gitlab", "resource")[("gitlab_project_hook", "sluice")].body
    asked = "push, tag push, merge request, pipeline and comment events"

    assert asked in " ".join((REPOSITORY / "README.md").read_text("utf-8").split())
    assert {name for name in hook if name.endswith("_events")} == {
        "push_events", "tag_push_events", "merge_requests_events", "pipeline_events", "note_events"
    }  # fmt: skip


def test_secrets_it_gives_are_keys_of_the_secrets_in_git() -> None:
    output = of_kind(EXAMPLE / "modules/gitlab", "output")[("sluice_secret",)].body["value"]
    secret = manifest("apps/bot/production/secret.sops.yaml")

    assert arguments(output).keys() <= secret["stringData"].keys()


@every_module
def test_every_output_with_a_token_is_marked_sensitive(folder: Path) -> None:
    outputs = of_kind(folder, "output")

    plain = {name for (name,), block in outputs.items() if block.body.get("sensitive") is not True}

    assert plain <= {"config_url", "flux_files"}


def test_the_values_of_the_page_are_all_that_the_example_asks_for() -> None:
    (fence,) = fences(REPOSITORY / "docs" / "terraform-flux-example.md", "hcl")
    variables_of = of_kind(EXAMPLE, "variable")
    needed = {name for (name,), block in variables_of.items() if "default" not in block.body}

    given = arguments(hcl2.loads(fence.text))

    assert given.keys() == needed
    assert arguments(given["clusters"]).keys() == set(CLUSTERS)


BROKEN = """
variable "idle" {}
resource "gitlab_project_hook" "one" {
  project = gitlab_project.none.id
  url     = "https://${var.host}/${sha256("${local.salt}x")}"
  colour  = "red"
}
"""


def test_what_does_not_hang_together_is_seen(tmp_path: Path) -> None:
    (tmp_path / "main.tf").write_text(BROKEN)
    (hook,) = of_kind(tmp_path, "resource").values()

    assert [fault.split(" refers to ")[1].split(",")[0] for fault in undeclared(tmp_path, hook)] == [
        "gitlab_project.none.id", "var.host", "local.salt",
    ]  # fmt: skip
    assert list(unknown_arguments(hook)) == ["main.tf: resource gitlab_project_hook one has no argument colour"]
