"""A cluster whose API is away says nothing, and keeps nobody from seeing the others."""

from dataclasses import replace

import pytest
from canary_worlds import MemoryCluster, production_of, put_canary, put_kustomization, rollout_policy
from rule_worlds import IMAGE, NEW, OLD

from bot.errors import PermanentError, TemporaryError
from bot.looking.cluster_truth import ClusterTruth
from bot.looking.git_truth import Written
from bot.looking.images import Images
from bot.observing import ClusterSeen
from config.policy import EnvironmentPolicy

PRODUCTION = production_of(rollout_policy())
HEAD = "a" * 40
NEW_HERE = f"{IMAGE}@{NEW.images[0].digest}"
OLD_HERE = f"{IMAGE}:1.0.0@{OLD.images[0].digest}"


class Declared:
    """A Git in which every revision says the same."""

    async def knows(self, revision: str) -> bool:
        return True

    async def written(self, revision: str, environment: EnvironmentPolicy, release_file: str) -> Written:
        return Written(declared=None, standing=NEW, tags=(), agrees=True)


async def seen_in_both(two: MemoryCluster, three: MemoryCluster, git: Declared) -> tuple[ClusterSeen, ...]:
    both = replace(PRODUCTION, clusters=("two", "three"))
    truth = ClusterTruth({"two": two, "three": three}, Images(registries={}))
    return await truth.seen(git, both, ".sluice/releases/production/demo-service.yaml")


def failed_canary(name: str) -> MemoryCluster:
    cluster = MemoryCluster(name)
    put_kustomization(cluster, HEAD)
    put_canary(cluster, "Failed", target=NEW_HERE, primary=OLD_HERE)
    return cluster


async def test_a_cluster_that_is_away_is_unknown_and_hides_no_failure_in_another() -> None:
    away = MemoryCluster("three")
    away.fault = TemporaryError("connection refused")

    two, three = await seen_in_both(failed_canary("two"), away, Declared())

    assert (two.health, two.failing, two.away) == ("failed", "canary", False)
    assert (three.health, three.release, three.attempt, three.away) == ("unknown", None, None, True)
    assert three.because == "cluster three cannot be read now: connection refused"


async def test_an_environment_whose_every_cluster_is_away_is_tried_again() -> None:
    two, three = MemoryCluster("two"), MemoryCluster("three")
    two.fault = three.fault = TemporaryError("connection refused")

    with pytest.raises(TemporaryError, match="cannot be read now: connection refused"):
        await seen_in_both(two, three, Declared())


async def test_what_a_person_must_mend_in_a_cluster_is_not_taken_for_an_outage() -> None:
    forbidden = MemoryCluster("three")
    forbidden.fault = PermanentError("a right is missing")

    with pytest.raises(PermanentError, match="a right is missing"):
        await seen_in_both(failed_canary("two"), forbidden, Declared())


class AwayGit(Declared):
    """A Git that does not answer."""

    async def knows(self, revision: str) -> bool:
        raise TemporaryError("the mirror is away")


async def test_a_git_that_is_away_is_not_taken_for_a_cluster_that_is() -> None:
    with pytest.raises(TemporaryError, match=r"^the mirror is away$"):
        await seen_in_both(failed_canary("two"), failed_canary("three"), AwayGit())


async def test_image_policies_of_a_cluster_that_is_away_count_as_not_observed() -> None:
    cluster = MemoryCluster()
    cluster.fault = TemporaryError("connection refused")

    truth = ClusterTruth({cluster.name: cluster}, Images(registries={}))
    (found,) = await truth.selections(PRODUCTION, {IMAGE: "flux-system:web"})

    assert (found.image.tag, found.observed) == ("", False)
