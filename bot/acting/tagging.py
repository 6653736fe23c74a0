"""After the merge an environment's tag is placed in the registry, where image automation finds it."""

from bot.acting.hands import Done, Hands
from bot.actions import PlaceTag
from bot.errors import PermanentError


async def place_tag(action: PlaceTag, hands: Hands) -> Done:
    """The tag names the image's digest in the environment's repository; PermanentError when the image is elsewhere."""
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


def _missing(action: PlaceTag, name: str, hands: Hands) -> PermanentError:
    """What a person has to do, told apart by whether the environment has a registry of its own."""
    environment = hands.policy.environment(action.key.application, action.key.environment)
    what = f"cannot tag {name}:{action.image.tag} for {action.key.environment}: {action.image.digest} is not there."
    if environment.registry:
        return PermanentError(
            f"{what} {action.key.environment} has a registry of its own, and copying images between registries is not "
            "available. Let the build push the same image there too, or take `registry` out of the environment."
        )
    return PermanentError(f"{what} It was deleted, or never pushed. Push it again, or promote another release.")
