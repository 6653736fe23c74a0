"""After the merge an environment's tag is placed in the registry, where image automation finds it."""

from datetime import timedelta

from bot.acting.hands import Done, Hands
from bot.actions import PlaceTag
from bot.errors import PermanentError, TemporaryError

COPIED_BY_THEN = timedelta(seconds=20)
"""When a registry of an environment's own is asked again whether the pipeline has brought the image."""


async def place_tag(action: PlaceTag, hands: Hands) -> Done:
    """The tag names the image's digest in the environment's repository.

    TemporaryError while an environment's own registry does not have the image yet, for the pipeline of the config
    repository copies it after the merge; PermanentError when the image is gone.
    """
    name = _name_there(action, hands)
    registry, repository = hands.git.images.registry(name)
    image = action.image
    if await registry.digest(repository, image.digest) is None:
        raise _missing(action, name, hands)
    wrote = await registry.ensure_tag(repository, image.digest, image.tag, before_write=hands.about_to_write)
    return Done(external_id=image.digest, wrote=wrote)


def _name_there(action: PlaceTag, hands: Hands) -> str:
    """Where the environment keeps the image, whichever of its two names it was given by."""
    environment = hands.policy.environment(action.key.application, action.key.environment)
    name = action.image.name
    return environment.image_name(name) if name in environment.images else name


def _missing(action: PlaceTag, name: str, hands: Hands) -> PermanentError | TemporaryError:
    """What is waited for, or what a person has to do, told apart by whether the environment has its own registry."""
    environment = hands.policy.environment(action.key.application, action.key.environment)
    what = f"cannot tag {name}:{action.image.tag} for {action.key.environment}: {action.image.digest} is not there"
    if environment.registry:
        return TemporaryError(
            f"{what} yet. {action.key.environment} has a registry of its own, and the pipeline of the config "
            f"repository copies images there after the merge. See its job promotion-copy-{action.key.environment}.",
            retry_after=COPIED_BY_THEN,
        )
    return PermanentError(f"{what}. It was deleted, or never pushed. Push it again, or promote another release.")
