"""What may be wanted because of a command: answers outside, and the facts it leaves behind (part of `bot.actions`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.answers import Answer
from bot.commanded import Approval, Command, Freeze, Place, Principal
from bot.keys import CommandKey, EnvironmentKey
from bot.records import Hold, RequestKind

Emoji = Literal["eyes", "white_check_mark", "x", "hourglass_flowing_sand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class React:
    """The bot's one emoji on the note of a command is `emoji`; another one of ours is taken away."""

    key: CommandKey
    command: str
    place: Place
    emoji: Emoji
    because: str

    @property
    def effect_key(self) -> str:
        return f"emoji:{self.place.project}:{self.place.noteable}:{self.place.iid}:{self.place.note}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one command, in the discussion it was said in, internal if that was; or in its chat.

    public: in a chat, everybody in the channel sees it.
    """

    key: CommandKey
    command: str
    place: Place
    answer: Answer
    public: bool
    because: str

    @property
    def effect_key(self) -> str:
        return f"reply:{self.command}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepApproval:
    """Somebody approved; a second approval of the same principal for the same change is the same."""

    approval: Approval


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeApprovals:
    """The approvals of a principal in an environment no longer count; without one, everybody's."""

    key: EnvironmentKey
    principal: str
    because: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepHold:
    """An environment is held."""

    hold: Hold


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftHolds:
    """Every hold of an environment is lifted."""

    key: EnvironmentKey
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepFreeze:
    """An environment of a tenant is frozen."""

    freeze: Freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Thaw:
    """Every freeze of an environment that people set ends."""

    tenant: str
    environment: str
    principal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRequest:
    """A command becomes a request that a rule of its environment deals with.

    version and release_id: the release that was found to be meant, so that nothing newer takes its place.
    principal: who asks, as GitLab knows them; a linked chat account is the account it is linked to.
    """

    command: str
    key: EnvironmentKey
    kind: RequestKind
    because: str
    version: str = ""
    release_id: str = ""
    principal: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkTold:
    """The end of a request was told where it was asked for."""

    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemCode:
    """A chat account's one-time code was said by a GitLab account: from now on they are one. The code is not kept."""

    code: str
    principal: Principal
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleCommand:
    """A command ended. code: a stable reason code, `ok` when it was carried out. because: the answer."""

    command: Command
    outcome: Literal["done", "refused", "failed"]
    code: str
    because: str
    at: datetime
