"""What may be wanted to take a release back and keep it back (design section 6): actions, part of `bot.actions`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.answers import Code
from bot.keys import EnvironmentKey
from bot.records import CanaryGate, Failure, Request
from bot.releases import Image, Release

Way = Literal["commit", "merge_request"]
"""How Git goes back: a commit on the default branch, or a merge request that needs no promotion gate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollBack:
    """Release file and positions say `back_to` again, with pin, denial (`deny`) and setter marker, in one commit.

    since: when the failure was first seen; it dates pin and denial, so a repeated effect makes the same files.
    by: `sluice`, or who asked. draft_for: people named in the merge request when only a person may merge it.
    """

    key: EnvironmentKey
    release: Release
    back_to: Release
    failure: Failure
    deny: bool
    by: str
    way: Way
    people: tuple[str, ...]
    because: str

    @property
    def effect_key(self) -> str:
        return f"rollback:{self.key}:{self.release.id}:{self.since:%Y%m%dT%H%M%S}"

    @property
    def since(self) -> datetime:
        """The moment the rollback is dated by."""
        return self.failure.at


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeRollback:
    """Merge the rollback's merge request if its head is still `sha`; goes before every promotion in the queue."""

    key: EnvironmentKey
    merge_request: int
    sha: str
    release: Release
    because: str

    @property
    def effect_key(self) -> str:
        return f"merge:{self.key.tenant}:{self.merge_request}:{self.sha}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftPin:
    """The pin goes, setter markers come back, and positions say `release`, which is what image automation selects."""

    key: EnvironmentKey
    release: Release
    way: Way
    since: datetime
    because: str

    @property
    def effect_key(self) -> str:
        return f"unpin:{self.key}:{self.release.id}:{self.since:%Y%m%dT%H%M%S}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeDenial:
    """The release is no longer denied here: its lines leave the denial file. request: who asked, and when."""

    key: EnvironmentKey
    version: str
    request: Request
    way: Way
    because: str

    @property
    def effect_key(self) -> str:
        return f"allow:{self.key}:{self.version}:{self.request.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTag:
    """The tag of `image` names its digest in the environment's registry; a tag that names another is refused."""

    key: EnvironmentKey
    image: Image
    because: str

    @property
    def effect_key(self) -> str:
        return f"tag:{self.key.tenant}:{self.image.name}:{self.image.tag}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenIncident:
    """One incident issue in the config project for (environment, application, release)."""

    key: EnvironmentKey
    release: Release
    back_to: Release | None
    failure: Failure
    taken_back: bool
    people: tuple[str, ...]
    merge_request: int | None
    because: str

    @property
    def effect_key(self) -> str:
        return f"incident:{self.key}:{self.release.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellPromotion:
    """A note of its own on the config merge request that brought the release: it was taken back."""

    key: EnvironmentKey
    merge_request: int
    release: Release
    back_to: Release
    failure: Failure
    because: str

    @property
    def effect_key(self) -> str:
        return f"note:{self.key.tenant}:{self.merge_request}:rollback:{self.release.id[:12]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellSource:
    """A note on the application's merge request that brought the release's commit, where there is one."""

    key: EnvironmentKey
    project: str
    release: Release
    back_to: Release
    failure: Failure
    because: str

    @property
    def effect_key(self) -> str:
        return f"note:{self.project}:{self.release.commit}:rollback:{self.key.environment}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleRequest:
    """A person's request was dealt with; `because` is the answer, `code` why it ended so (empty: ok, or failed)."""

    request: Request
    outcome: Literal["done", "refused"]
    because: str
    code: Code | Literal[""] = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCanaryGates:
    """The answers to Flagger's questions about this environment from now on; they replace those before."""

    key: EnvironmentKey
    gates: tuple[CanaryGate, ...]
