"""Per-team files tighten a policy; whatever would loosen it is a fault at their line."""

from datetime import timedelta

import pytest

from config.policy import Policy, PolicyFault

POLICY = """\
version: 1
environments:
  dev: {cluster: demo, delivery: observe, mode: act}
  production: {cluster: demo, after: [dev], mode: act, merge: automatic, soak: 10m, no_pipeline: allow}
applications:
  shop:
    project: demo/shop
    images: [registry.example/demo/shop]
    kustomization: flux-system/shop-{environment}
    position: {kind: kustomize_images, file: "{environment}.yaml", image: shop}
    environments: {production: {mode: propose, soak: 1h}}
  worker:
    project: demo/worker
    images: [registry.example/demo/worker]
    kustomization: flux-system/worker-{environment}
    only: [production]
    position: {kind: kustomize_images, file: "{environment}.yaml", image: worker}
"""


def tightened(team: str) -> Policy:
    return Policy.parse(POLICY, extra={"team.yaml": f"version: 1\n{team}"})


def test_environment_limit_holds_for_every_application() -> None:
    policy = tightened("environments: {production: {mode: propose, merge: manual, soak: 30m, no_pipeline: wait}}\n")

    worker, shop = policy.environment("worker", "production"), policy.environment("shop", "production")
    assert (worker.mode, worker.merge, worker.soak) == ("propose", "manual", timedelta(minutes=30))
    assert (shop.mode, shop.merge, shop.soak) == ("propose", "manual", timedelta(hours=1))
    assert worker.no_pipeline == "wait"


def test_application_limit_holds_for_that_application_alone() -> None:
    policy = tightened("applications: {shop: {environments: {production: {mode: observe}}}}\n")

    assert policy.environment("shop", "production").mode == "observe"
    assert policy.environment("worker", "production").mode == "act"


def test_team_may_ask_for_a_person_and_for_fewer_causes() -> None:
    policy = tightened("environments: {production: {rollback: {way: merge_request, on: []}}}\n")

    rollback = policy.environment("worker", "production").rollback
    assert (rollback.way, rollback.on) == ("merge_request", ())
    assert Policy.parse(POLICY).environment("worker", "production").rollback.on == ("canary_failed",)


def test_limits_of_several_teams_hold_together() -> None:
    base = POLICY.replace("no_pipeline: allow", "rollback: {on: [canary_failed, health_check_failed], people: [lead]}")
    team = "version: 1\nenvironments: {{production: {{rollback: {}}}}}\n"

    policy = Policy.parse(
        base, extra={"a.yaml": team.format("{on: [canary_failed], way: person}"), "b.yaml": team.format("{on: []}")}
    )

    rollback = policy.environment("worker", "production").rollback
    assert (rollback.way, rollback.on, rollback.people) == ("person", (), ("lead",))
    assert Policy.model_validate_json(policy.model_dump_json()) == policy


def test_limits_are_part_of_what_is_recorded() -> None:
    policy = tightened("environments: {production: {mode: observe}}\n")

    assert Policy.model_validate_json(policy.model_dump_json()) == policy
    assert policy.sha != Policy.parse(POLICY).sha


def test_empty_team_file_changes_nothing() -> None:
    assert tightened("") == Policy.parse(POLICY)


@pytest.mark.parametrize(
    ("team", "line", "code"),
    [
        ("environments:\n  dev: {soak: 1m}\n  qa: {mode: observe}\n", 4, "loosens"),
        ("environments:\n  production:\n    soak: 5m\n", 4, "loosens"),
        ("applications:\n  shop:\n    environments:\n      production:\n        mode: act\n", 6, "loosens"),
        ("applications:\n  worker:\n    environments:\n      dev: {mode: observe}\n", 5, "loosens"),
        ("applications:\n  other:\n    environments:\n      dev: {mode: observe}\n", 5, "loosens"),
        ("mode: act\n", 2, "loosens"),
        ("environments:\n  production:\n    delivery: observe\n", 4, "loosens"),
        ("environments:\n  production:\n    after: []\n", 4, "loosens"),
        ("environments:\n  production:\n    mode: full\n", 4, "value"),
        ("environments: [\n", 3, "yaml"),
        ("environments:\n  production:\n    rollback: {on: [health_check_failed]}\n", 4, "loosens"),
        ("environments:\n  production:\n    rollback: {within: 1d}\n", 4, "loosens"),
        ("environments:\n  production:\n    rollback: {way: person}\n", 4, "people"),
    ],
)
def test_loosening_is_a_fault_at_its_line(team: str, line: int, code: str) -> None:
    with pytest.raises(PolicyFault) as caught:
        tightened(team)

    assert ("team.yaml", line, code) in [(found.file, found.line, found.code) for found in caught.value.diagnostics]


def test_way_of_a_rollback_cannot_be_widened() -> None:
    base = POLICY.replace("no_pipeline: allow", "rollback: {way: merge_request}")
    team = "version: 1\nenvironments: {production: {rollback: {way: commit}}}\n"

    with pytest.raises(PolicyFault, match="way: commit would loosen the policy"):
        Policy.parse(base, extra={"team.yaml": team})


def test_faults_of_all_team_files_are_told_together() -> None:
    with pytest.raises(PolicyFault) as caught:
        Policy.parse(POLICY, extra={"b.yaml": "version: 2\n", "a.yaml": "version: 1\nmode: act\n"})

    assert [found.file for found in caught.value.diagnostics] == ["a.yaml", "b.yaml"]
