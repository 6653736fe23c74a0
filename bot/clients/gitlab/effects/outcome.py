"""What an effect hands back: what is there now, and whether it had to write."""

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensured(Generic[T]):
    """`external_id` is the iid of a merge request, else the id. `wrote`: a request changed something."""

    value: T
    external_id: str
    wrote: bool
