"""The one authoriser: whether a caller may give a command here, by the policy's grants; whatever no grant says, no.

Everything about the caller was read from GitLab's API at this moment, nothing from the message that was sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.actions import Refused
from bot.observing import Caller, Role
from config.policy import GrantForm, PeopleForm, Policy

ROLES: tuple[Role, ...] = (
    "none",
    "minimal",
    "guest",
    "planner",
    "reporter",
    "developer",
    "maintainer",
    "owner",
)
"""Weakest first."""
FREE = frozenset({"help", "whoami", "link"})
"""What everybody whose account is alive may say: it tells nothing of others, and links only oneself."""
OF_PEOPLE = frozenset({"approve"})
"""What only a person can do: a token's yes is nobody's."""
WIDE = frozenset({"freeze", "thaw"})
"""What is about every application of an environment."""
READING = frozenset({"help", "whoami", "who-can", "status", "why", "diff"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """What is asked for. environment: empty for commands that are about none."""

    verb: str
    application: str
    environment: str


def authorise(caller: Caller, right: Right, policy: Policy) -> Refused | None:
    """None when the caller may; else the refusal with what was found and what is needed."""
    if refused := stranger(caller, right):
        return refused
    if right.verb in FREE or caller.principal.kind == "token":
        return None
    if caller.principal.kind == "chat":
        return None if right.verb in READING else unlinked(caller)
    granted = granting(right, policy)
    if any(is_one_of(caller, grant) for grant in granted):
        return None
    return not_granted(caller, right, granted)


def granting(right: Right, policy: Policy) -> tuple[GrantForm, ...]:
    """The grants that cover a right. What changes all applications takes a grant for all of them."""
    found = policy.grants(right.verb, right.application, right.environment)
    if right.application or right.verb in READING:
        return found
    return tuple(grant for grant in found if not grant.applications)


def stranger(caller: Caller, right: Right) -> Refused | None:
    """Accounts that command nothing, whoever granted what."""
    name = caller.principal.name
    if not caller.found:
        return Refused(code="unknown_caller", rule="only accounts of this GitLab command", found=f"no account {name}")
    if caller.is_bot or caller.ours:
        return Refused(code="bot", rule="bots and access tokens do not command", found=f"{name} is a bot")
    if not caller.active:
        return Refused(code="blocked", rule="the account must be active", found=f"{name} is blocked or deactivated")
    if caller.principal.kind == "token" and right.verb in OF_PEOPLE:
        rule = f"only people {right.verb}"
        return Refused(code="needs_second_person", rule=rule, found=f"{name} is a token of the API")
    return None


def unlinked(caller: Caller) -> Refused:
    """A chat account that nobody vouches for reads, and no more."""
    return Refused(
        code="unlinked",
        rule="chat accounts that are linked to no GitLab account only read",
        found=f"{caller.principal.name} is not linked",
        next="`link` begins it",
    )


def not_granted(caller: Caller, right: Right, granted: Iterable[GrantForm]) -> Refused:
    """What the caller is, what the grants ask for, and who that would be."""
    needed = phrase(granted)
    where = f" in {right.environment}" if right.environment else ""
    return Refused(
        code="not_allowed",
        rule=f"who may {right.verb}{where}",
        found=f"{caller.principal.name} is {standing(caller)}",
        needed=needed or "nobody is granted it: the policy's access block says who",
        who=needed,
        next=f"`who-can {right.verb}{where}`",
    )


def standing(caller: Caller) -> str:
    """What a caller is, in a phrase."""
    role = "no member of the application's project" if caller.role == "none" else f"{caller.role} of its project"
    return f"{role} and in {', '.join(caller.groups)}" if caller.groups else role


def is_one_of(caller: Caller, people: PeopleForm) -> bool:
    """Whether a caller is among some people: any of role, group, name or ownership is enough.

    GitLab's user names are the same name in whatever case (Users API, 18.x).
    """
    weakest = min((ROLES.index(role) for role in people.roles), default=len(ROLES))
    return (
        ROLES.index(caller.role) >= weakest
        or not set(people.groups).isdisjoint(caller.groups)
        or caller.principal.name.lower() in map(str.lower, people.users)
        or (people.code_owners and caller.code_owner)
    )


def phrase(people: Iterable[PeopleForm]) -> str:
    """Some people, as a phrase without mentions; empty for nobody."""
    parts: dict[str, None] = {}
    for some in people:
        if some.roles:
            weakest = min(some.roles, key=lambda role: ROLES.index(role))
            parts[f"a {weakest} of the application's project"] = None
        parts.update({f"a member of {group}": None for group in some.groups})
        parts.update(dict.fromkeys(some.users))
        if some.code_owners:
            parts["a code owner of the release file"] = None
    return ", ".join(parts)
