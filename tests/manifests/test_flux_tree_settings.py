"""The settings that each cluster gives Sluice are settings it starts with, and every secret they name is delivered."""

from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from flux_building import containers
from flux_tree import CLUSTERS, FLUX, named
from typer.testing import CliRunner

from bot.cli import main
from config.settings import Settings, load

SECRETS = "/run/secrets/sluice/"
SIGNING_TOKEN = "whsec_" + b64encode(b"thirty-two bytes to sign bodies!").decode()
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_cluster
def test_sluice_starts_with_the_settings_of_its_cluster(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = loaded(cluster, tmp_path, monkeypatch)

    assert cluster in settings.clusters
    assert settings.clusters[cluster].access == "api"
    assert settings.listen.host == "0.0.0.0"
    assert settings.base_url().startswith("https://sluice.")


def test_production_governs_every_cluster_that_reports_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = loaded("production", tmp_path, monkeypatch)

    assert set(settings.clusters) == set(CLUSTERS) - {"minikube"}
    assert set(settings.tenants["demo"].clusters) == set(settings.clusters)


def test_production_is_granted_all_that_the_policy_of_this_tree_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivered("production", tmp_path, monkeypatch)

    arguments = ["check-config", "--policy", str(FLUX), "--settings", str(tmp_path / "sluice.yaml")]
    answer = CliRunner().invoke(main, arguments)

    assert answer.output.endswith("YAML files.\n")
    assert answer.exit_code == 0, answer.output


@every_cluster
def test_every_secret_that_is_delivered_is_named_once_in_the_settings(cluster: str) -> None:
    secret = named(cluster, "Secret", "sluice", "sluice")
    settings = text_of(cluster) + str(environment(cluster))
    by_variable = {"database-url"} if postgresql(cluster) else set()
    assert secret is not None

    keys = set(secret["stringData"])

    assert {key for key in keys if f"{SECRETS}{key}" in settings} | by_variable == keys
    assert settings.count(SECRETS) == len(keys - by_variable)


@every_cluster
def test_a_journal_in_a_file_is_opened_by_one_process_alone(cluster: str) -> None:
    deployment = named(cluster, "Deployment", "sluice", "sluice")
    assert deployment is not None

    spec = deployment["spec"]

    if postgresql(cluster):
        assert named(cluster, "HorizontalPodAutoscaler", "sluice", "sluice") is not None
        assert spec["strategy"] == {"rollingUpdate": {"maxUnavailable": 0}}
    else:
        claim = named(cluster, "PersistentVolumeClaim", "sluice", "sluice")
        assert claim is not None
        assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
        assert {"name": "data", "persistentVolumeClaim": {"claimName": "sluice"}} in spec["template"]["spec"]["volumes"]


def test_the_files_that_sluice_writes_and_reads_are_mounted_where_it_looks() -> None:
    deployment = named("production", "Deployment", "sluice", "sluice")
    assert deployment is not None
    (container,) = containers(deployment)
    found = environment("production")

    mounts = {mount["mountPath"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}

    assert mounts[found["SLUICE_DATA_DIR"]] is False
    assert mounts[str(Path(found["SLUICE_CONFIG"]).parent)] is True
    assert mounts[SECRETS.rstrip("/")] is True


def environment(cluster: str) -> dict[str, str]:
    config = named(cluster, "ConfigMap", "sluice", "sluice")
    assert config is not None
    found: dict[str, str] = config["data"]
    return found


def text_of(cluster: str) -> str:
    config = named(cluster, "ConfigMap", "sluice", "sluice-settings")
    assert config is not None
    return str(config["data"]["sluice.yaml"])


def delivered(cluster: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the pod sees, in a folder of our own: settings, environment, and one file for each key of its Secret."""
    secret = named(cluster, "Secret", "sluice", "sluice")
    assert secret is not None
    for key in secret["stringData"]:
        (folder / key).write_text(SIGNING_TOKEN if key.startswith("gitlab-signing") else f"a-secret-for-{key}")
    for name, value in environment(cluster).items():
        monkeypatch.setenv(name, value.replace(SECRETS, f"{folder}/"))
    file = folder / "sluice.yaml"
    file.write_text(text_of(cluster).replace(SECRETS, f"{folder}/"))
    return file


def loaded(cluster: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    return load(delivered(cluster, folder, monkeypatch))


def postgresql(cluster: str) -> bool:
    deployment = named(cluster, "Deployment", "sluice", "sluice")
    assert deployment is not None
    variables: list[dict[str, Any]] = [one for found in containers(deployment) for one in found.get("env", [])]
    return "SLUICE_DATABASE_URL" in {one["name"] for one in variables}
