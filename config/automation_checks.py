"""Where Flux's image automation writes the positions, a tag may appear only after the merge that approves it."""

from collections.abc import Iterator, Mapping, Sequence

from config.located import Finding, Location
from config.policy_form import PolicyForm
from config.resolution import EnvironmentPolicy

EXAMPLE = "1.2.3"
"""A version to show what its tag would be."""


def automated(policy: PolicyForm, pairs: Sequence[EnvironmentPolicy]) -> Iterator[Finding]:
    """Faults of the environments with `delivery: image_automation`."""
    for pair in pairs:
        if pair.delivery == "image_automation":
            yield from _entry(pair, policy)
            others = {other.name: other for other in pairs if other.application == pair.application}
            yield from _tag(pair, policy, others)


def _entry(pair: EnvironmentPolicy, policy: PolicyForm) -> Iterator[Finding]:
    if not pair.after:
        yield Finding(
            path=_written(pair, policy, "delivery"),
            at_key=True,
            code="automation-entry",
            what=f"image automation writes {pair.application} in {pair.name}, which comes after no environment",
            why="its tags are placed once a merge request is merged, and no release ever arrives to open one",
            do="Write after: with the environment before it, or delivery: observe to follow the build's tags.",
        )


def _tag(pair: EnvironmentPolicy, policy: PolicyForm, others: Mapping[str, EnvironmentPolicy]) -> Iterator[Finding]:
    """What comes after an environment may take over its tags: they are there by its own merge then."""
    ours = _tags(pair)
    for name, other in others.items():
        shared = ours & _tags(other)
        if shared and not _follows(name, pair.name, others):
            yield Finding(
                path=_written(pair, policy, "tag"),
                at_key=True,
                code="automation-tag",
                what=f"{pair.application} has the tag {min(shared)} in {pair.name} and in {other.name} alike",
                why=f"Flux would write it into {pair.name} as soon as {other.name} has it, before the merge",
                do=f'Give {pair.name} a registry or a tag of its own, such as tag: "{{version}}-{pair.name}".',
            )


def _follows(name: str, first: str, others: Mapping[str, EnvironmentPolicy]) -> bool:
    """Whether the environment is the first one, or comes after it however far."""
    return name == first or any(_follows(before, first, others) for before in others[name].after)


def _tags(pair: EnvironmentPolicy) -> frozenset[str]:
    return frozenset(f"{pair.image_name(image)}:{pair.tag(EXAMPLE)}" for image in pair.images)


def _written(pair: EnvironmentPolicy, policy: PolicyForm, field: str) -> Location:
    """Where the field stands: in the application's override, else in the environment."""
    override = policy.applications[pair.application].environments.get(pair.name)
    if override is not None and getattr(override, field) is not None:
        return ("applications", pair.application, "environments", pair.name, field)
    return ("environments", pair.name, field)
