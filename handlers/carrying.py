"""Which release the target of a canary carries, as far as its images tell."""

from bot.observing import ClusterSeen, Image, Release
from config.policy import EnvironmentPolicy
from handlers.selecting import kept_here


def carried(cluster: ClusterSeen, environment: EnvironmentPolicy) -> Release | None:
    """What the cluster applied, or what it tries where Flux waits for the very canary that asks; None when neither."""
    if cluster.canary is None:
        return None
    if cluster.canary.carries:
        return cluster.release
    tried = cluster.attempt
    return tried if tried and holds(cluster.canary.images, environment, tried) else None


def holds(references: tuple[str, ...], environment: EnvironmentPolicy, release: Release) -> bool:
    """Whether a pod template has every image of a release, and no other of that name."""
    wanted = kept_here(environment, release).values()
    return bool(release.images) and all(named(references, image) for image in wanted)


def named(references: tuple[str, ...], image: Image) -> bool:
    """Every reference of the image's repository is the image, by digest where one is written, else by tag."""
    here = [one for one in references if one.startswith((f"{image.name}:", f"{image.name}@"))]
    return bool(here) and all(is_image(one, image) for one in here)


def is_image(reference: str, image: Image) -> bool:
    """A digest decides; a tag does where no digest is written."""
    _, _, digest = reference.partition("@")
    return digest == image.digest if digest else reference == f"{image.name}:{image.tag}"
