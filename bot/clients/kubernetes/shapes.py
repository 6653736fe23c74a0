"""What all objects of a cluster have in common, and the error for one that has another shape than documented."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from bot.errors import PermanentError

T = TypeVar("T")


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """`metadata`, as far as it is read."""

    name: str
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    labels: dict[str, str] | None = None


def shaped(document: Mapping[str, Any], shape: type[T], *, component: str) -> T:
    """The document as `shape`; PermanentError when a field is of another kind, naming the component to look at."""
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        raise PermanentError(
            f"an object of the cluster has another shape than expected: {error}. "
            f"The {component} version may be newer or older than Sluice knows: see the supported versions."
        ) from error
