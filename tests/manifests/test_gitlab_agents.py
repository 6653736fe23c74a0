"""Each cluster's GitLab agent is configured as agents are today, lets nobody write, and fits the Flux tree."""

import json
import re
from pathlib import Path
from typing import Any

import gitlab_ci
import pytest
from flux_tree import CLUSTERS, layers, variables
from gitlab_ci import REPOSITORY, TEMPLATES
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML
from shared_payloads import shared_file

from config.lints import lint

AGENTS = REPOSITORY / ".gitlab" / "agents"
SCHEMA = Draft202012Validator(json.loads((AGENTS / "config.schema.json").read_text("utf-8")))
FLUX_PATH = re.compile(r"(?P<api>[^/]+/v[^/]+)/namespaces/(?P<namespace>[^/]+)/(?P<kinds>[^/]+)/(?P<name>[^/]+)")
CHART = frozenset(
    {
        "image", "imagePullSecrets", "nameOverride", "fullnameOverride", "replicas", "maxSurge", "maxUnavailable",
        "rbac", "serviceAccount", "podSecurityContext", "securityContext", "podAnnotations", "serviceMonitor", "config",
        "extraEnv", "extraArgs", "extraVolumeMounts", "extraVolumes", "resources", "nodeSelector", "tolerations",
        "affinity", "priorityClassName", "runtimeClassName", "hostAliases", "podLabels", "additionalLabels",
        "initContainers", "terminationMessagePolicy",
    }
)  # fmt: skip
"""The values of GitLab's chart gitlab-agent 2.x. Helm takes unknown ones without a word."""


def read(file: Path) -> Any:
    return YAML(typ="safe", pure=True).load(file.read_text("utf-8"))


def problems(config: object) -> list[str]:
    return [f"{list(one.path)}: {one.message[:120]}" for one in SCHEMA.iter_errors(config)]


def test_every_cluster_has_an_agent_of_its_name_and_no_other() -> None:
    assert {one.parent.name for one in AGENTS.glob("*/config.yaml")} == set(CLUSTERS)
    assert {one.parent.name for one in AGENTS.glob("*/values.yaml")} == set(CLUSTERS)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_agent_is_configured_as_agents_are_today(cluster: str) -> None:
    file = AGENTS / cluster / "config.yaml"

    assert problems(read(file)) == []
    assert list(lint(file.relative_to(REPOSITORY).as_posix(), file.read_text("utf-8"))) == []


def test_schema_refuses_the_seeds_configuration() -> None:
    (seed,) = shared_file("seed").glob("*.txt")
    (block,) = re.findall(
        r"^# \.gitlab/agents/production/config\.yaml\n(.*?)^```", seed.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )

    found = " ".join(problems(YAML(typ="safe", pure=True).load(block)))

    for section in ("gitops", "version", "metrics"):
        assert f"'{section}' was unexpected" in found or f"'{section}'" in found


@pytest.mark.parametrize(
    "config",
    [
        {"user_access": {"access_as": {"agent": {}, "user": {}}, "projects": [{"id": "demo/flux-config"}]}},
        {"user_access": {"access_as": {"agent": {}}}},
        {"ci_access": {"projects": [{"path": "demo/flux-config"}]}},
        {"ci_access": {"groups": [{"id": "https://gitlab.example.com/demo"}]}},
        {"flux": {"webhook_receiver_url": "flux-system/webhook-receiver"}},
        {"observability": {"logging": {"level": "verbose"}}},
    ],
)
def test_schema_refuses_what_the_agent_would_not_take(config: object) -> None:
    assert problems(config)


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_agent_lets_in_projects_of_the_group_alone(cluster: str) -> None:
    config, group = read(AGENTS / cluster / "config.yaml"), variables(cluster)["gitlab_group"]

    named = [
        one["id"]
        for section in ("user_access", "ci_access")
        for kind in ("projects", "groups")
        for one in config[section].get(kind, [])
    ]

    assert named
    assert all(one == group or one.startswith(f"{group}/") for one in named)


def test_production_is_open_to_the_config_project_alone() -> None:
    config = read(AGENTS / "production" / "config.yaml")

    assert config["user_access"]["projects"] == [{"id": variables("production")["config_project"]}]
    assert "groups" not in config["user_access"]


@pytest.mark.parametrize("cluster", CLUSTERS)
def test_agent_may_only_read_and_carries_no_token(cluster: str) -> None:
    values = read(AGENTS / cluster / "values.yaml")

    assert set(values) <= CHART
    assert values["rbac"] == {"useExistingRole": "view"}
    assert "token" not in values["config"]
    assert values["config"]["kasAddress"].startswith("wss://" + variables(cluster)["gitlab_url"].partition("://")[2])
    assert values["securityContext"]["readOnlyRootFilesystem"] is True


def environments() -> list[tuple[str, dict[str, Any]]]:
    """Every environment with a cluster behind it, by the example and job that has it."""
    return [
        (f"{file.name}: {name}", job["environment"])
        for file in sorted((TEMPLATES / "examples").glob("*.yml"))
        for name, job in gitlab_ci.configuration(file).jobs.items()
        if isinstance(job.get("environment"), dict) and "kubernetes" in job["environment"]
    ]


@pytest.mark.parametrize(("job", "environment"), environments(), ids=lambda one: one if isinstance(one, str) else "")
def test_environment_shows_an_object_that_flux_has_in_that_cluster(job: str, environment: dict[str, Any]) -> None:
    kubernetes = environment["kubernetes"]
    project, _, agent = kubernetes["agent"].partition(":")
    path = FLUX_PATH.fullmatch(kubernetes["dashboard"]["flux_resource_path"])
    assert path is not None, job

    objects = [one for layer in layers(agent) for one in layer.objects]
    named = {
        (one["apiVersion"], f"{one['kind'].lower()}s", one["metadata"].get("namespace"), one["metadata"]["name"])
        for one in objects
    }
    namespaces = {one["metadata"]["name"] for one in objects if one["kind"] == "Namespace"}

    assert (path["api"], path["kinds"], path["namespace"], path["name"]) in named
    assert kubernetes["dashboard"]["namespace"] in namespaces
    assert kubernetes["managed_resources"] == {"enabled": False}
    assert {"id": project} in read(AGENTS / agent / "config.yaml")["user_access"]["projects"]
    # Where they stood until GitLab 18.4; deprecated since.
    assert not {"namespace", "flux_resource_path"} & kubernetes.keys()


def test_there_is_an_environment_to_look_at() -> None:
    assert environments()
