"""What Flux selects of the tags that a registry really has, by the libraries that Flux uses.

The table says it for each policy of each option; the sandbox, which stands in for Flux elsewhere, is held to the same
choice on tags, filters and ranges that nobody thought of.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from flux_breaking import Change, broken
from flux_selection import Case, Selection, case_of, selected
from flux_tree import CLUSTERS, TREE, Tree, layer, objects_of
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.sandbox.cluster.images.selection import Filter, InvalidPolicy, NothingSelected, Policy, select
from bot.sandbox.cluster.kustomize import split_image
from bot.sandbox.documents import Document
from config.policy import Policy as TenantPolicy

TAGS = (
    "0.9.0", "1.2.3", "1.9.0", "1.10.0", "1.10.0-rc9", "1.10.0-rc10", "1.10.1-rc.1", "1.11.0-feat-xyz",
    "latest", "stable", "main-3f2a1c", "1.11", "2", "20261123", "sha256-5d41.sig", "01.12.0",
    "0.9.0-staging", "1.2.3-staging", "1.9.0-staging", "1.10.0-staging", "v2.0.0-staging", "2.0.0-staging-hold",
    "1.11.0-rc9-staging", "1.8.0-preprod", "1.9.0-preprod", "1.10.0-preprod", "2.0.0-rc1-preprod", "1.8.0-prod",
    "1.9.0-prod", "1.10.0-prod", "1.2.3-prod", "2.0.0-rc1-prod", "3.0.0-nonprod", "3.0.0-production",
)  # fmt: skip
SELECTED = {
    ("single-registry", "development"): ("1.10.0", ("demo-service", "node-service", "sluice")),
    ("single-registry", "staging"): ("1.10.0-staging", ("demo-service", "node-service")),
    ("single-registry", "production"): ("1.10.0-prod", ("demo-service", "node-service")),
    ("multi-registry", "staging"): ("1.10.0-preprod", ("demo-service", "node-service")),
    ("multi-registry", "production"): ("1.10.0-prod", ("demo-service", "node-service")),
}
"""Option and environment -> what is selected of TAGS, for which applications."""
OPTIONS = list(SELECTED)
every_option = pytest.mark.parametrize(("option", "environment"), OPTIONS, ids=["-".join(one) for one in OPTIONS])
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


@every_option
def test_every_policy_selects_the_newest_tag_of_its_environment(
    option: str, environment: str, record_property: Callable[[str, object], None]
) -> None:
    tag, applications = SELECTED[option, environment]

    found = selections(TREE, option, environment, TAGS)

    assert {name: one.tag for name, one in found.items()} == dict.fromkeys(applications, tag)
    for name, one in found.items():
        record_property("selection", f"{option}\t{environment}\t{name}\t{one.tag}")


@every_option
@pytest.mark.parametrize("tags", [TAGS[::-1], sorted(TAGS), sorted(TAGS, key=len)], ids=["back", "sorted", "by-length"])
def test_the_order_of_tags_changes_nothing(option: str, environment: str, tags: Sequence[str]) -> None:
    found = selections(TREE, option, environment, tags)

    assert {one.tag for one in found.values()} == {SELECTED[option, environment][0]}


@every_option
def test_nothing_is_selected_that_is_not_for_the_environment(option: str, environment: str) -> None:
    wanted = SELECTED[option, environment][0].partition("-")[2]
    others = [tag for tag in TAGS if tag.partition("-")[2] != wanted or not tag[0].isdecimal() or tag.count(".") != 2]

    found = selections(TREE, option, environment, [*others, "01.12.0", "latest"])

    assert {one.tag for one in found.values()} == {None}
    assert not any(one.invalid for one in found.values())


def test_a_leading_v_is_part_of_a_version_where_every_build_is_followed() -> None:
    found = selections(TREE, "single-registry", "development", [*TAGS, "v1.10.1"])

    assert {one.tag for one in found.values()} == {"v1.10.1"}


@every_cluster
def test_what_runs_is_an_image_that_the_policy_of_the_cluster_selects(cluster: str) -> None:
    policies = objects_of(cluster, "ImagePolicy")
    running = [split_image(image_of(cluster, application_of(one, cluster)))[1] for one in policies]

    found = selected([case_of(one, [tag]) for one, tag in zip(policies, running, strict=True)])

    assert policies
    assert [one.tag for one in found] == running


@pytest.mark.parametrize("environment", ["staging", "production"])
def test_flux_selects_the_tags_that_the_policy_of_sluice_places(environment: str) -> None:
    tenant = TenantPolicy.parse((TREE.flux / ".sluice" / "policy.yaml").read_text("utf-8"))
    tags = {name: tenant.environment(name, environment).tag("1.10.0") for name in ("demo-service", "node-service")}

    for name, tag in tags.items():
        assert selections(TREE, "single-registry", environment, [tag])[name].tag == tag


@pytest.mark.parametrize(
    "change",
    [
        Change("flux/image-automation/single-registry/production/policy.yaml", "    extract: $version\n", ""),
        Change("flux/image-automation/single-registry/production/policy.yaml", '">=1.0.0"', '">=2.0.0"'),
        Change("flux/image-automation/single-registry/production/policy.yaml", "-prod$", "-live$"),
    ],
    ids=["no extract", "range", "suffix"],
)
def test_a_policy_that_selects_nothing_is_named_with_its_file(change: Change, tmp_path: Path) -> None:
    tree = broken(tmp_path, change)

    told = unselected(tree, "single-registry", "production")

    assert len(told) == 2
    assert all(one.startswith(f"{change.file}: the policy of ") for one in told)


def test_policies_of_this_tree_all_select_something() -> None:
    assert [told for option, environment in OPTIONS for told in unselected(TREE, option, environment)] == []


numbers = st.integers(0, 12).map(str)
words = st.sampled_from(["rc9", "rc10", "rc.1", "rc.10", "0", "alpha", "staging", "preprod", "prod", "beta.2-x", "1a"])
versions = st.builds(".".join, st.lists(numbers, min_size=1, max_size=4))
whole = st.builds("{}.{}.{}".format, numbers, numbers, numbers)
tags = st.one_of(
    whole,
    st.builds("{}{}-{}".format, st.sampled_from(["", "v"]), whole, words),
    versions,
    st.sampled_from(["latest", "main-3f2a1c-1712", "20261123", "v", "1.2.3-", "01.2.3", "1.02.3", "sha256-5d41.sig"]),
)
comparisons = st.builds(
    "{}{}{}".format, st.sampled_from(["", "=", "!=", ">", "<", ">=", "<=", "~", "^"]), st.sampled_from(["", " ", "v"]),
    st.one_of(versions, st.sampled_from(["*", "x", "1.x", "1.2.*", "1.0.0-0", "1.2.3-rc.1", "2.0.0-alpha"])),
)  # fmt: skip
ranges = st.one_of(
    st.sampled_from([">=0.1.0", ">=1.0.0", ">=1.0.0-0", "*", "^1", "1.x || 2.x", "<9", "!=1.10.0"]),
    comparisons,
    st.builds("{} {}".format, comparisons, comparisons),
    st.builds("{}, {}".format, comparisons, comparisons),
    st.builds("{} || {}".format, comparisons, comparisons),
    st.builds("{} - {}".format, versions, versions),
    st.sampled_from(["", "latest", ">=", "1.2.3.4.5", ">>1"]),
)
filters = st.sampled_from(
    [
        None,
        Filter(pattern=r"^(?P<version>[0-9]+\.[0-9]+\.[0-9]+)-prod$", extract="$version"),
        Filter(pattern=r"^(?P<version>.*)-(staging|preprod)$", extract="${version}"),
        Filter(pattern=r"^v?(?P<v>[0-9.]+)", extract="$v"),
        Filter(pattern="-rc"),
        Filter(pattern=r"^main-[a-f0-9]+-(?P<ts>[0-9]+)$", extract="$ts"),
    ]
)
policies = st.one_of(
    st.builds(Policy, kind=st.just("semver"), range=ranges, filter=filters),
    st.builds(Policy, kind=st.sampled_from(["numerical", "alphabetical"]), order=st.sampled_from(["asc", "desc"]),
              filter=filters),
)  # fmt: skip


@given(
    cases=st.lists(st.tuples(policies, st.lists(tags, unique=True, min_size=1, max_size=12)), min_size=20, max_size=60)
)
@settings(max_examples=40)
def test_the_sandbox_selects_what_flux_selects(cases: list[tuple[Policy, list[str]]]) -> None:
    real = selected([asked(policy, listed) for policy, listed in cases])

    for (policy, listed), flux in zip(cases, real, strict=True):
        ours = imitated(policy, listed)
        # Whether a policy is broken shows only where there are tags to select of: Flux looks for tags first.
        assert (ours.tag is None) == (flux.tag is None), (policy, listed, ours, flux)
        assert equal(ours.tag, flux.tag, policy), (policy, listed, ours, flux)


def selections(tree: Tree, option: str, environment: str, listed: Sequence[str]) -> dict[str, Selection]:
    """Application -> what its policy selects."""
    found = [one for one in built(tree, option, environment) if one["kind"] == "ImagePolicy"]
    answers = selected([case_of(one, listed) for one in found])
    return {application_of(one, environment): answer for one, answer in zip(found, answers, strict=True)}


def unselected(tree: Tree, option: str, environment: str) -> list[str]:
    """The policies that select none of the tags that their environment has."""
    folder = tree.flux / "image-automation" / option / environment
    file = folder / "policy.yaml" if (folder / "policy.yaml").is_file() else folder
    return [
        f"{file.relative_to(tree.root)}: the policy of {name} selects none of the tags of {environment}: {one.error}. "
        "Mend filterTags (extract gives the version without its suffix) or the range."
        for name, one in selections(tree, option, environment, TAGS).items()
        if one.tag is None
    ]


def built(tree: Tree, option: str, environment: str) -> list[Document]:
    return tree.applied(tree.flux / "image-automation" / option / environment, tree.variables(environment))


def application_of(policy: Document, environment: str) -> str:
    return str(policy["metadata"]["name"]).removesuffix(f"-{environment}")


def image_of(cluster: str, application: str) -> str:
    (deployment,) = [one for one in layer(cluster, application).objects if one["kind"] == "Deployment"]
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["image"])


def asked(policy: Policy, listed: list[str]) -> Case:
    body = {"range": policy.range} if policy.kind == "semver" else {"order": policy.order}
    wanted = policy.filter
    return Case(
        policy={policy.kind: body},
        filter={"pattern": wanted.pattern, "extract": wanted.extract} if wanted else None,
        tags=listed,
    )


def imitated(policy: Policy, listed: list[str]) -> Selection:
    try:
        return Selection(tag=select(listed, policy))
    except InvalidPolicy as error:
        return Selection(error=str(error), invalid=True)
    except NothingSelected as error:
        return Selection(error=str(error))


def equal(ours: str | None, flux: str | None, policy: Policy) -> bool:
    """The same tag; where several are equal by the policy Flux's choice is chance (it walks a Go map)."""
    if ours == flux or ours is None or flux is None or policy.filter is None:
        return ours == flux
    both = [one for tag in (ours, flux) for one in [imitated(policy, [tag])] if one.tag == tag]
    return len(both) == 2 and imitated(policy, [ours, flux]).tag != imitated(policy, [flux, ours]).tag
