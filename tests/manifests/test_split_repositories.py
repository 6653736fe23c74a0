"""The split of a real clone: each repository has its history, builds, and names nothing that stayed behind."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import doc_pages
import pytest
from flux_secrets import sops
from flux_tree import CLUSTERS, FLUX, FLUX_KUSTOMIZATION
from ruamel.yaml import YAML
from splitting import git, new_source, split
from terraform_files import of_kind, text
from tools_at_hand import binary
from typer.testing import CliRunner

from bot.cli import main
from bot.sandbox.documents import Document

PARTS = {
    "demo-service": "services/demo-service",
    "node-service": "services/node-service",
    "flux-config": "flux",
    "terraform-infra": "docs/terraform-flux-example",
}
SERVICES = ("demo-service", "node-service")
every_part = pytest.mark.parametrize("name", PARTS)
every_service = pytest.mark.parametrize("service", SERVICES)
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A clone, the folder with what it was split into, and what the script said."""

    source: Path
    made: Path
    out: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Split:
    place = tmp_path_factory.mktemp("split")
    source = new_source(place)
    said = split(source, place / "made")
    assert said.status == 0, said.err
    return Split(source=source, made=place / "made", out=said.out)


@pytest.fixture(scope="module")
def config(done: Split) -> Path:
    """The config repository."""
    return done.made / "flux-config"


@every_part
def test_the_history_of_the_folder_is_kept(name: str, done: Split) -> None:
    written = ("log", "--no-merges", "--format=%an %ae %aI %cI %s")
    before = git(done.source, *written, "--", PARTS[name]).splitlines()

    after = git(done.made / name, *written, "HEAD~1").splitlines()

    assert set(after) == set(before)


@every_part
def test_one_commit_on_top_makes_it_stand_alone(name: str, done: Split) -> None:
    folder, made = PARTS[name], done.made / name
    before = git(done.source, "ls-tree", "-r", "--format=%(objectmode) %(path)", f"HEAD:{folder}")

    assert git(made, "ls-tree", "-r", "--format=%(objectmode) %(path)", "HEAD~1") == before
    assert git(made, "show", "--no-patch", "--format=%s|%an", "HEAD") == f"Stand alone as {name}|split-repositories"
    assert git(made, "status", "--porcelain") == ""
    assert git(made, "branch", "--format=%(refname:short)") == "main"
    assert git(made, "remote") == ""


@every_part
def test_the_licence_comes_along(name: str, done: Split) -> None:
    assert (done.made / name / "LICENSE").read_text() == (done.source / "LICENSE").read_text()


@every_part
def test_every_link_leads_somewhere(name: str, done: Split) -> None:
    found = [(link, page) for page in (done.made / name).rglob("*.md") for link in doc_pages.links(page)]
    inside = [(link, page) for link, page in found if not re.match(r"[a-z]+:", link.text)]

    assert [link.text for link, page in inside if not (page.parent / link.text.partition("#")[0]).exists()] == []
    for link, _ in found:
        if "/-/blob/main/" in link.text:
            repository, _, path = link.text.partition("/-/blob/main/")
            place = done.made / repository.rpartition("/")[2]
            assert ((place if place.exists() else done.source) / path.partition("#")[0]).exists(), link.text


@every_part
def test_the_way_to_push_it_is_printed(name: str, done: Split) -> None:
    assert f"git -C {done.made}/{name} push https://gitlab.example.com/demo/{name}.git main\n" in done.out


def test_every_overlay_of_the_config_repository_builds_as_it_did(config: Path, done: Split) -> None:
    folders = [file.parent for file in config.rglob("kustomization.yaml") if "kind: Kustomization" in file.read_text()]
    assert len(folders) > 30

    for folder in folders:
        before = built(done.source / "flux" / folder.relative_to(config))
        assert built(folder) == [moved(one) for one in before], folder


def test_flux_of_every_cluster_follows_the_config_repository(config: Path) -> None:
    followed = [
        one["spec"]["url"]
        for cluster in CLUSTERS
        for one in built(config / "clusters" / cluster)
        if one["kind"] == "GitRepository"
    ]

    assert followed == ["https://gitlab.example.com/demo/flux-config.git"] * len(CLUSTERS)


def moved(document: Document) -> Document:
    """What the split is to make of an object."""
    spec = document.get("spec") or {}
    if document["apiVersion"] == FLUX_KUSTOMIZATION:
        spec["path"] = re.sub(r"^\./flux/", "./", spec["path"])
    if document["kind"] == "ImageUpdateAutomation":
        spec["update"]["path"] = re.sub(r"^\./flux/", "./", spec["update"]["path"])
    if document["kind"] == "GitRepository":
        spec["url"] = spec["url"].replace("/demo/sluice.git", "/demo/flux-config.git")
    return document


def built(folder: Path) -> list[Document]:
    command = [str(binary("kustomize")), "build", str(folder)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert said.returncode == 0, said.stderr
    return list(YAML(typ="safe", pure=True).load_all(said.stdout))


@every_cluster
def test_every_path_that_flux_applies_exists(cluster: str, config: Path) -> None:
    waiting, seen = [f"./clusters/{cluster}"], set[str]()
    while waiting:
        path = waiting.pop()
        seen.add(path)
        nested = [one for one in built(config / path) if one["apiVersion"] == FLUX_KUSTOMIZATION]
        waiting += [one["spec"]["path"] for one in nested if one["spec"]["path"] not in seen]

    assert len(seen) > 8


def test_nothing_in_the_config_repository_names_the_folder_it_came_from(config: Path) -> None:
    tops = "|".join(entry.name for entry in FLUX.iterdir())
    naming = re.compile(rf"(?<![\w-])flux/({tops})\b")
    texts = {
        file: file.read_text("utf-8") for file in config.rglob("*.*") if file.is_file() and ".git/" not in str(file)
    }
    texts.pop(config / "README.md")

    assert [str(file) for file, content in texts.items() if naming.search(content)] == []
    assert "flux/clusters" not in (config / "README.md").read_text("utf-8")
    assert "When this folder becomes" not in (config / "README.md").read_text("utf-8")


def test_check_config_passes_on_the_config_repository(config: Path) -> None:
    answer = CliRunner().invoke(main, ["check-config", "--policy", str(config)])

    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("0 findings in ")


def test_the_secrets_are_untouched(config: Path, done: Split) -> None:
    names = [name for name in git(config, "ls-files").splitlines() if Path(name).match("?*.sops.yaml")]

    assert len(names) == 24
    for name in names:
        assert (config / name).read_bytes() == (done.source / "flux" / name).read_bytes()


def test_the_rules_of_the_config_repository_encrypt_a_new_secret(config: Path, tmp_path: Path) -> None:
    place = tmp_path / "clusters" / "production" / "secrets" / "new.sops.yaml"
    place.parent.mkdir(parents=True)
    place.write_text("stringData: {token: made-up}\n")
    shutil.copy(config / ".sops.yaml", tmp_path)

    encrypted = sops("encrypt", "--in-place", str(place.relative_to(tmp_path)), keys="", tree=tmp_path)
    opened = sops("decrypt", str(place), keys=(config / "demo.agekey").read_text(), tree=tmp_path)

    assert (encrypted.status, opened.status) == (0, 0), encrypted.err + opened.err
    assert "made-up" not in place.read_text()
    assert "made-up" in opened.out


@every_service
def test_all_that_the_image_of_a_service_is_built_from_is_there(service: str, done: Split) -> None:
    folder = done.made / service
    copied = re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", (folder / "Dockerfile").read_text())
    allowed = [line[1:] for line in (folder / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    sources = {source for line in copied for source in line.split()}

    assert len(sources) > 1
    assert [source for source in (*sources, *allowed) if not (folder / source).exists()] == []


def test_the_modules_of_the_infrastructure_repository_are_there(done: Split) -> None:
    folder = done.made / "terraform-infra"

    modules = {text(block.body["source"]) for block in of_kind(folder, "module").values()}

    assert modules
    assert all(of_kind(folder / module, "variable") for module in modules)
    assert "# Terraform" in (folder / "README.md").read_text()
