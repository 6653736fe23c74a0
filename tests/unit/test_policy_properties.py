"""A policy is plain data: recorded and read back it is equal, so every decision can be replayed."""

import json
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from config.ordering import cycle, promotion_order
from config.policy import Policy, PolicyFault
from config.words import parse_duration, write_duration

NAMES = st.from_regex(r"[a-z]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
MODES = st.sampled_from(["observe", "propose", "act"])
DURATIONS = st.from_regex(r"[0-9]{1,3}[dhms]", fullmatch=True)
OPTIONS = {
    "mode": MODES,
    "merge": st.sampled_from(["manual", "automatic"]),
    "soak": DURATIONS,
    "no_pipeline": st.sampled_from(["wait", "allow"]),
    "statuses": st.sampled_from(["on", "off", "deployments_only"]),
    "deployments": st.sampled_from(["on", "off"]),
    "delivery": st.sampled_from(["observe", "merge_request"]),
}
PLACE = "apps/{application}/{environment}.yaml"
POSITIONS = st.sampled_from(
    [
        {"kind": "kustomize_images", "file": PLACE, "image": "app"},
        {"kind": "setter", "file": PLACE, "marker": "ns:{application}:tag"},
        {"kind": "helm_values", "file": PLACE, "path": "spec.values.image"},
        {"kind": "chart_version", "file": PLACE},
        {"kind": "oci_ref", "file": PLACE, "object": "OCIRepository/app"},
        {"kind": "yaml_path", "file": PLACE, "path": "a[0].b[name=x]", "part": "digest"},
    ]
)


@st.composite
def policies(draw: st.DrawFn) -> str:
    """The JSON (which is YAML) of a policy whose environments come after earlier ones only."""
    environments: dict[str, object] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=5, unique=True)):
        after = draw(st.lists(st.sampled_from(sorted(environments)), max_size=2, unique=True)) if environments else []
        options = draw(st.fixed_dictionaries({}, optional=OPTIONS))
        environments[name] = {"cluster": draw(NAMES), "after": after, **options}
    overrides = st.dictionaries(
        st.sampled_from(sorted(environments)), st.fixed_dictionaries({}, optional=OPTIONS), max_size=3
    )
    applications = {
        name: {
            "project": f"group/{name}",
            "images": [f"registry.example/group/{name}"],
            "kustomization": "flux-system/{application}-{environment}",
            "position": draw(POSITIONS),
            "environments": draw(overrides),
        }
        for name in draw(st.lists(NAMES, max_size=3, unique=True))
    }
    policy = {"version": 1, "mode": draw(MODES), "environments": environments, "applications": applications}
    return json.dumps(policy)


@given(policies())
def test_recorded_policy_reads_back_equal(text: str) -> None:
    policy = Policy.parse(text)

    again = Policy.model_validate_json(policy.model_dump_json())

    assert again == policy
    assert again.sha == policy.sha
    assert [again.environment(*pair) for pair in pairs(again)] == [policy.environment(*pair) for pair in pairs(policy)]


@given(policies())
def test_every_environment_comes_after_those_before_it(text: str) -> None:
    policy = Policy.parse(text)

    for application, environment in pairs(policy):
        order = policy.environments_of(application)
        assert all(order.index(b) < order.index(environment) for b in policy.before(application, environment))


@given(policies(), st.sampled_from(["observe", "propose", "act"]), DURATIONS)
def test_team_file_never_loosens_anything(text: str, mode: str, soak: str) -> None:
    policy = Policy.parse(text)
    environment = policy.order[0]
    team = json.dumps({"version": 1, "environments": {environment: {"mode": mode, "soak": soak, "merge": "manual"}}})
    try:
        tight = policy.tightened({"team.yaml": team})
    except PolicyFault:
        tight = policy

    modes = ["observe", "propose", "act"]
    for pair in pairs(policy):
        before, after = policy.environment(*pair), tight.environment(*pair)
        assert modes.index(after.mode) <= modes.index(before.mode)
        assert after.soak >= before.soak
        assert after.merge == before.merge or after.merge == "manual"


@given(st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=6))
def test_environments_are_ordered_or_a_cycle_is_named(after: dict[str, tuple[str, ...]]) -> None:
    known = {name: tuple(before for before in befores if before in after) for name, befores in after.items()}

    found = cycle(after)

    if found:
        assert all(following in known[name] for name, following in zip(found, (*found[1:], found[0]), strict=True))
    else:
        assert sorted(promotion_order(known)) == sorted(after)


@given(st.integers(0, 10**8).map(lambda seconds: timedelta(seconds=seconds)))
def test_written_duration_reads_back_equal(duration: timedelta) -> None:
    assert parse_duration(write_duration(duration)) == duration


def pairs(policy: Policy) -> list[tuple[str, str]]:
    return [(name, environment) for name in policy.applications for environment in policy.environments_of(name)]
