"""What the tags of a release name in an environment's registry, and which marks its images carry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import pytest
from rule_worlds import APPLICATION, IMAGE, policy_of, release

from bot.clients.registry import RegistryClient
from bot.looking.images import Images
from bot.looking.placing import IRREVERSIBLE, Placing
from bot.observing import TagSeen
from bot.releases import Image

REGISTRY = {"production": {"registry": "prod.example.org/{repository}", "tag": "{version}-prod"}}
ENVIRONMENT = policy_of(**REGISTRY).environment(APPLICATION, "production")
RELEASE = release("1.2.3+build")
NAME = ENVIRONMENT.image_name(IMAGE)
DIGEST = RELEASE.images[0].digest


@dataclass(slots=True)
class Shelf:
    """A registry: digests by repository and tag, labels by digest."""

    tags: dict[tuple[str, str], str] = field(default_factory=dict)
    marks: dict[str, Mapping[str, str]] = field(default_factory=dict)

    async def digest(self, repository: str, reference: str) -> str | None:
        return self.tags.get((repository, reference))

    async def labels(self, repository: str, digest: str) -> Mapping[str, str]:
        return self.marks.get(digest, {}) if repository == NAME.partition("/")[2] else {}


def placing(shelf: Shelf) -> Placing:
    return Placing(Images(registries={"prod.example.org": cast("RegistryClient", shelf)}))


@pytest.mark.parametrize("named", [None, DIGEST, f"sha256:{'0' * 64}"])
async def test_tag_is_looked_up_where_the_environment_keeps_it(named: str | None) -> None:
    repository = NAME.partition("/")[2]
    shelf = Shelf(tags={(repository, "1.2.3_build-prod"): named} if named else {})

    seen = await placing(shelf).placed(ENVIRONMENT, RELEASE)

    assert seen == (TagSeen(image=Image(name=NAME, digest=DIGEST, tag="1.2.3_build-prod"), digest=named),)


@pytest.mark.parametrize(
    ("mark", "found"),
    [
        ({}, ()),
        ({IRREVERSIBLE: "false"}, ()),
        ({IRREVERSIBLE: " No "}, ()),
        ({IRREVERSIBLE: ""}, ()),
        ({IRREVERSIBLE: "true"}, (f"{IMAGE} is marked {IRREVERSIBLE}: true",)),
        ({IRREVERSIBLE: "drops a column"}, (f"{IMAGE} is marked {IRREVERSIBLE}: drops a column",)),
    ],
)
async def test_mark_that_does_not_say_no_is_told(mark: Mapping[str, str], found: tuple[str, ...]) -> None:
    shelf = Shelf(marks={DIGEST: mark})

    assert await placing(shelf).irreversible(ENVIRONMENT, RELEASE) == found
