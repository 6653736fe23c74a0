"""What the image policies in the clusters select, held against a release, in words for whoever waits for Flux."""

from datetime import timedelta

from bot.observing import EnvironmentSeen, Image, Release, SelectionSeen
from config.policy import EnvironmentPolicy

LOOK_AGAIN = timedelta(seconds=5)
"""Flux tells nobody when a policy selects anew or its automation has seen it, so both are polled for a moment."""


def kept_here(environment: EnvironmentPolicy, release: Release) -> dict[str, Image]:
    """Each image of a release as the environment keeps it, by its name there."""
    images = [(environment.image_name(image.name), image) for image in release.images]
    tag = environment.tag(release.version) if release.version else ""
    return {name: Image(name=name, digest=image.digest, tag=tag or image.tag) for name, image in images}


def selects(seen: EnvironmentSeen, environment: EnvironmentPolicy, release: Release) -> bool:
    """Whether every policy selects the release by tag and digest, and no older selection may still be written."""
    wanted = kept_here(environment, release)
    alike = [one.observed and wanted.get(one.image.name) == one.image for one in seen.selections]
    covered = {selection.image.name for selection in seen.selections}
    return all(alike) and covered >= wanted.keys()


def in_words(seen: EnvironmentSeen) -> str:
    """What each policy selects now."""
    return "; ".join(map(said_of, seen.selections)) or f"no image policy of {seen.environment} can be read"


def said_of(selection: SelectionSeen) -> str:
    """One policy's selection."""
    where = f"image policy {selection.policy} in {selection.cluster}"
    if not selection.image.digest:
        return f"{where} selects nothing that can be read"
    found = f"{where} selects {selection.image.tag} ({selection.image.digest[:19]})"
    return found if selection.observed else f"{found}, and an older selection may still be written"
