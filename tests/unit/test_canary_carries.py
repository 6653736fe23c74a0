"""What a canary's target carries is told by digest where one is written, else by tag; a half is not the release."""

from dataclasses import replace

import pytest
from rule_worlds import IMAGE, NEW, OLD, STAGING, cluster, policy_of

from bot.observing import CanarySeen, Release
from handlers.carrying import carried

ENVIRONMENT = policy_of(staging={"tag": "{version}-staging"}).environment(STAGING.application, STAGING.environment)
DIGEST, OTHER = NEW.images[0].digest, OLD.images[0].digest


def canary(*images: str, carries: bool = False) -> CanarySeen:
    """A canary whose target has these images, and not those of what was applied."""
    return CanarySeen(
        name="shop/web", phase="Waiting", images=images, carries=carries, serves=False, spec="11", messages=()
    )


@pytest.mark.parametrize(
    ("images", "found"),
    [
        ((f"{IMAGE}:1.1.0-staging",), NEW),
        ((f"{IMAGE}:1.1.0-staging", "sidecar:1"), NEW),
        ((f"{IMAGE}@{DIGEST}",), NEW),
        ((f"{IMAGE}:any@{DIGEST}",), NEW),
        ((f"{IMAGE}:1.1.0-staging@{OTHER}",), None),
        ((f"{IMAGE}:1.1.0",), None),
        ((f"{IMAGE}:1.1.0-staging", f"{IMAGE}:1.0.0-staging"), None),
        ((f"{IMAGE}-worker:1.1.0-staging",), None),
        ((), None),
    ],
)
def test_what_flux_still_waits_for_is_told_by_its_images(images: tuple[str, ...], found: Release | None) -> None:
    here = replace(cluster(OLD, "progressing", attempt=NEW), canary=canary(*images))

    assert carried(here, ENVIRONMENT) == found


def test_what_was_applied_and_is_carried_is_that() -> None:
    assert carried(replace(cluster(NEW), canary=canary("anything", carries=True)), ENVIRONMENT) == NEW


def test_without_a_canary_nothing_is_carried() -> None:
    assert carried(cluster(NEW), ENVIRONMENT) is None
