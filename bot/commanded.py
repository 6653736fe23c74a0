"""What people command, as the journal keeps it: who, where, what, and what it was bound to when it was said."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from bot.keys import EnvironmentKey

Door = Literal["note", "slack", "mattermost", "api"]
"""By which way a command came. The CLI and the dashboard come by the API."""

PrincipalKind = Literal["gitlab", "token", "chat"]
CommandState = Literal["heard", "accepted", "open", "done", "refused", "failed"]
"""heard: nobody looked at it yet. accepted: it is being carried out. open: a rule of its environment will deal with
it. The others are how it ended."""


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Principal:
    """Who commands.

    kind: gitlab: an account there. token: a token of the API that is nobody's. chat: an account of a chat that is
    linked to no GitLab account. id: GitLab's user id, the token's name, or `<team>/<user>` of the chat.
    name: for people; it may be renamed and never decides.
    """

    kind: PrincipalKind
    id: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command was said, and so where it is answered.

    thread: commands of one thread run in order: `<project path>:merge_request:<iid>`, `<chat>:<channel>:<user>`, or
    `api:<principal>`. message: unique for the door: the note's id, or the delivery's.
    project, noteable, iid, note, discussion: of a note; empty or 0 elsewhere. branch: the merge request's source.
    fork: the merge request comes from another project. edited: somebody changed a note into this.
    chain: what GitLab calls the chain of events that led here (X-Gitlab-Event-UUID), sent back with the answer.
    chat: the name of the chat in the settings; channel and team: its ids.
    """

    door: Door
    thread: str
    message: str
    project: str = ""
    noteable: Literal["merge_request", "issue", "other", ""] = ""
    iid: int = 0
    note: int = 0
    discussion: str = ""
    branch: str = ""
    internal: bool = False
    fork: bool = False
    edited: bool = False
    chain: str = ""
    chat: str = ""
    team: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """A line that was understood: the verb and what was said with it, names as they were written.

    until: a moment with its zone. lasts: a length instead. percent: 0 to 100. skip and override: as often as given.
    about: the verb or code that `help`, `who-can` and `link` are about.
    """

    verb: str
    application: str = ""
    environment: str = ""
    version: str = ""
    reason: str = ""
    until: datetime | None = None
    lasts: timedelta | None = None
    percent: int | None = None
    about: str = ""
    skip: tuple[str, ...] = ()
    override: tuple[str, ...] = ()
    replace: bool = False
    deny: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why a line of ours cannot be carried out as it is written. do: what to write instead, a whole command if known.

    code: one of the stable reason codes: `unknown_verb`, `bad_argument`, `unknown_name`, `ask`, `look_alike`.
    """

    code: str
    because: str
    do: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What the environment's promotion showed when a command was said. change: the patch-id of its merge request.

    Empty: there was none. What was bound to one release and change is not carried out for another.
    """

    release_id: str = ""
    release: str = ""
    change: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One line of a message that is meant for us, before it has an id. line: its place among them, from 0.

    tenant: whose policy decides. key: the environment meant, once it is known. said is None when there is a fault.
    words: 64 hex digits (SHA-256) of the whole message, to compare with what GitLab shows later. said_at: by the
    sender's clock.
    """

    place: Place
    principal: Principal
    line: int
    text: str
    tenant: str
    said: Spoken | None
    fault: Fault | None
    words: str
    said_at: datetime
    key: EnvironmentKey | None = None
    application: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A stored command. delivery: what brought it, empty for the API."""

    id: str
    heard: Heard
    bound: Bound
    state: CommandState
    because: str
    code: str
    heard_at: datetime
    settled_at: datetime | None = None
    delivery: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Somebody's yes to exactly this release and change in an environment.

    command: by which it was given, authorised then; empty for an approval of GitLab's own. by: who gave that one, as
    GitLab knows them now, because nobody authorised it.
    """

    key: EnvironmentKey
    release_id: str
    change: str
    principal: Principal
    door: Door
    at: datetime
    command: str = ""
    by: "Caller | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Nothing is promoted into an environment of a tenant, whatever the application. until: None: until a thaw."""

    tenant: str
    environment: str
    principal: str
    because: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeWindow:
    """A freeze that a calendar says: the policy's, or GitLab's freeze period. open ended windows do not exist.

    source: `policy`, or `<project path>` for GitLab's. since, until: the window that is now, or the next one.
    """

    environment: str
    source: str
    because: str
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLink:
    """A chat account that is known to be a GitLab account: both sides confirmed it. account: `<team>/<user>`."""

    chat: str
    account: str
    principal: Principal
    at: datetime


Role = Literal["none", "minimal", "guest", "planner", "reporter", "developer", "maintainer", "owner"]
"""GitLab's roles, weakest first (Members API, `access_level` 0, 5, 10, 15, 20, 30, 40, 50)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A principal as GitLab knows them now. found: False: there is no such account any more.

    role: on the application's project. groups: those the policy names that the account is a member of.
    code_owner: of the release file that the command is about. is_bot: project and group access tokens, service
    accounts and bots of GitLab. ours: it is the bot itself.
    """

    principal: Principal
    found: bool = True
    active: bool = True
    is_bot: bool = False
    ours: bool = False
    role: Role = "none"
    groups: tuple[str, ...] = ()
    code_owner: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSeen:
    """A note as GitLab shows it now. words: SHA-256 of its text, 64 hex digits. edited_by: another account's id."""

    author: str
    words: str
    edited: bool
    edited_by: str = ""


PersonRole = Literal["requester", "author", "committer", "merger", "last_pusher"]
"""How a person can be part of what is approved (design section 5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Involved:
    """The people who are part of a release or its promotion, so that they do not approve it themselves.

    people: role and GitLab user id. unknown: commits whose author or committer could not be told from an account, by
    the e-mail's text; they exclude nobody and are shown. names: user id and user name, as far as they are known.
    """

    people: tuple[tuple[PersonRole, str], ...] = ()
    unknown: tuple[str, ...] = field(default=())
    names: tuple[tuple[str, str], ...] = ()
