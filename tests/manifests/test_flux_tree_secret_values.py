"""The Secrets hold what the README says: made-up values, equal where they must be, that what reads them can use."""

import base64
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flux_building import documents
from flux_secrets import all_in_clear, demo_keys, environment_of, in_clear, name_of, sops, values
from flux_tree import CLUSTERS, FLUX, layers, named, secret_files, substituted
from kubernetes_asyncio.config import new_client_from_config_dict
from ruamel.yaml import YAML
from tools_at_hand import binary

from bot.sandbox.documents import Document
from config.settings import load

FILES = secret_files()
PATTERNS = {"flux-<cluster>": "flux-", "flagger-<cluster>": "flagger-", "kubeconfig-<cluster>": "kubeconfig-"}
SCANNED = re.compile(
    r"gl[a-z]{2,4}-[\w-]{20}|gh[oprsu]_\w{36}|github_pat_|AKIA[0-9A-Z]{16}|xox[abpr]-|[rs]k_(live|test)_|eyJ[\w-]{10}"
    r"|-----BEGIN|AIza[\w-]{35}|whsec_[\w+/]{24}|dop_v1_|npm_\w{36}|hv[bs]\.|SG\.[\w-]{22}"
)
"""What secret scanners look for."""
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(FLUX).as_posix())
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_file
def test_a_secret_holds_the_keys_that_the_readme_names(file: Path) -> None:
    (wanted,) = [keys for pattern, keys in table().items() if Path(name_of(file)).match(pattern)]

    found = {next((key for key, start in PATTERNS.items() if one.startswith(start)), one) for one in values(file)}

    allowed_to_be_absent = {"kubeconfig-<cluster>", "database-url"}
    assert found <= wanted
    assert wanted - found <= allowed_to_be_absent


def table() -> dict[str, set[str]]:
    """The README's table: the keys of each file's pattern."""
    rows: dict[str, set[str]] = {}
    last = ""
    text = (FLUX / "README.md").read_text("utf-8").partition("| File | Key | What it is |\n")[2]
    for line in text.partition("\n\n")[0].splitlines()[1:]:
        pattern, keys, _ = (cell.strip() for cell in line.strip("|").split("|"))
        last = pattern.strip("`") or last
        rows.setdefault(last, set()).update(re.findall(r"`([^`]+)`", keys))
    return rows


def test_tokens_are_equal_where_they_must_be() -> None:
    clear = all_in_clear()
    flux = {cluster: clear[f"clusters/{cluster}/secrets/sluice-webhook"]["token"] for cluster in CLUSTERS}
    flagger = {cluster: clear[f"clusters/{cluster}/secrets/cluster-secrets"]["flagger_token"] for cluster in CLUSTERS}
    heard = [(f"flux-{cluster}", token) for cluster, token in flux.items()]
    heard += [(f"flagger-{cluster}", token) for cluster, token in flagger.items()]

    bots = [clear[f"apps/bot/{environment}/secret"] for environment in CLUSTERS]

    assert all(bot.get(key, token) == token for bot in bots for key, token in heard)
    assert all(any(key in bot for bot in bots) for key, _ in heard)


def test_no_two_clusters_share_a_token() -> None:
    own = [value for name, found in all_in_clear().items() if name.startswith("clusters/") for value in found.values()]

    assert len(set(own)) == len(own)


def test_every_value_is_made_up_and_looks_like_no_real_token() -> None:
    found = [value for secret in all_in_clear().values() for value in secret.values()]

    assert [value for value in found if "demo" not in readable(value)] == []
    assert [value for value in found if SCANNED.search(value)] == []


def readable(value: str) -> str:
    return base64.b64decode(value.removeprefix("whsec_")).decode() if value.startswith("whsec_") else value


def test_no_value_stands_in_clear_anywhere_in_the_tree() -> None:
    found = {value for secret in all_in_clear().values() for value in secret.values()}
    texts = {file: file.read_text("utf-8") for file in FLUX.rglob("*") if file.is_file()}

    assert [(str(file), value) for value in found for file, text in texts.items() if value in text] == []


@every_cluster
def test_a_flagger_token_stays_text_when_it_is_substituted(cluster: str) -> None:
    token = all_in_clear()[f"clusters/{cluster}/secrets/cluster-secrets"]["flagger_token"]

    assert token[0].isalpha()
    assert substituted("${flagger_token}", {"flagger_token": token}) == token


@every_cluster
def test_registries_are_read_with_credentials_of_the_cluster(cluster: str) -> None:
    written = json.loads(all_in_clear()[f"clusters/{cluster}/secrets/registry-auth"][".dockerconfigjson"])
    repositories = [one["spec"]["image"] for layer in layers(cluster) for one in layer.objects if is_repository(one)]

    assert {image.partition("/")[0] for image in repositories} <= set(written["auths"])
    for entry in written["auths"].values():
        assert base64.b64decode(entry["auth"]).decode() == f"{entry['username']}:{entry['password']}"


def is_repository(document: Document) -> bool:
    return bool(document["kind"] == "ImageRepository")


@every_cluster
async def test_sluice_starts_with_the_secret_of_its_environment(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = all_in_clear()[f"apps/bot/{cluster}/secret"]
    for key, value in secret.items():
        (tmp_path / key).write_text(value)
    delivered = {name: named(cluster, "ConfigMap", "sluice", name) for name in ("sluice", "sluice-settings")}
    texts = {name: one["data"] for name, one in delivered.items() if one is not None}
    for name, value in texts["sluice"].items():
        monkeypatch.setenv(name, value.replace("/run/secrets/sluice", str(tmp_path)))
    (tmp_path / "sluice.yaml").write_text(
        texts["sluice-settings"]["sluice.yaml"].replace("/run/secrets/sluice", str(tmp_path))
    )

    settings = load(tmp_path / "sluice.yaml")

    assert set(settings.clusters) >= {cluster}
    for key in [key for key in secret if key.startswith("kubeconfig-")]:
        client = await new_client_from_config_dict(YAML(typ="safe", pure=True).load(secret[key]))
        assert client.configuration.host == f"https://kubernetes.{key.removeprefix('kubeconfig-')}.example.com:6443"
        await client.close()


@every_file
def test_kustomize_builds_the_folder_and_flux_decrypts_what_it_built(file: Path) -> None:
    (document,) = documents(file)
    wanted = (document["metadata"]["name"], document["metadata"]["namespace"])

    found = built_secrets(file.parent)
    (secret,) = [one for one in found if (one["metadata"]["name"], one["metadata"]["namespace"]) == wanted]

    # As kustomize-controller does (internal/decryptor, 1.9): after the build, and without a look at the MAC.
    said = sops(
        *("decrypt", "--ignore-mac", "--input-type", "json", "--output-type", "json", "/dev/stdin"),
        keys=demo_keys()[environment_of(file)],
        stdin=json.dumps(secret),
    )

    assert said.status == 0, said.err
    assert json.loads(said.out)["stringData"] == values(file)


def test_kustomize_builds_the_folder_with_the_values_in_clear(tmp_path: Path) -> None:
    tree = decrypted_tree(tmp_path)

    for file in FILES:
        secrets = built_secrets(tree / file.relative_to(FLUX).parent)
        assert values(file) in [one["stringData"] for one in secrets]
        assert all("sops" not in one for one in secrets)


def built_secrets(folder: Path) -> list[Document]:
    command = [str(binary("kustomize")), "build", str(folder)]
    built = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert built.returncode == 0, built.stderr
    return [one for one in YAML(typ="safe", pure=True).load_all(built.stdout) if one["kind"] == "Secret"]


def decrypted_tree(folder: Path) -> Path:
    tree = folder / "flux"
    shutil.copytree(FLUX, tree)
    for file in FILES:
        (tree / file.relative_to(FLUX)).write_text(json.dumps(in_clear(file)))
    return tree
