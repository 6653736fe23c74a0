"""What the commands about an environment take; a misspelt field is refused, for it would change what is meant."""

from datetime import datetime
from typing import Annotated

import msgspec

Reason = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=500, description="Why, for whoever asks later.")]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An application in an environment. tenant: needed when several tenants have an application of this name."""

    application: str
    environment: str
    tenant: str = ""


class RollbackForm(Place, frozen=True, kw_only=True):
    """version: the one to take back; by default what Git declares. deny: its images never come back by themselves."""

    reason: Reason
    version: str = ""
    deny: bool = False


class AllowForm(Place, frozen=True, kw_only=True):
    """version: the one that was taken back or is denied."""

    version: str
    reason: Reason


class HoldForm(Place, frozen=True, kw_only=True):
    """until: a moment with its time zone; for: a length such as 90m, 4h, 2d. Neither: until somebody lifts it."""

    reason: Reason
    until: Moment | None = None
    lasts: str = msgspec.field(name="for", default="")


class UnholdForm(Place, frozen=True, kw_only=True):
    """reason: optional."""

    reason: str = ""
