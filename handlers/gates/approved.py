"""Gate: enough people who are no part of it said yes to exactly this release and this change.

A yes by command was authorised when it was given; one given in GitLab is held against the same rules here. Whoever
asked for it, wrote it or pushed it does not count, and neither do bots and tokens (design section 5).
"""

from dataclasses import dataclass

from bot.actions import Gate
from bot.observing import Approval, Involved, PersonRole
from config.policy import ApprovalsForm, GrantForm, PeopleForm
from handlers.chatops.authorising import is_one_of, phrase

NAME = "approved"
PART: dict[PersonRole, str] = {
    "requester": "asked for it",
    "author": "wrote a commit of it",
    "committer": "committed a part of it",
    "merger": "merged a part of it",
    "last_pusher": "pushed to its merge request",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """What is voted on, by whom, and by which rules.

    change: of the open merge request, empty without one. given: every yes that is known, also to something else.
    rights: who may `approve` here, for where the policy names nobody else who counts.
    """

    release_id: str
    change: str
    given: tuple[Approval, ...]
    involved: Involved
    form: ApprovalsForm
    rights: tuple[GrantForm, ...]

    @property
    def electors(self) -> tuple[PeopleForm, ...]:
        """The people who count."""
        return self.rights if self.form.from_.nobody else (self.form.from_,)


def judge(ballot: Ballot) -> Gate:
    """Green with enough of them, red when nobody is left who could; else it waits for people."""
    required = ballot.form.required
    if not required:
        return Gate(name=NAME, verdict="green", because="nobody need approve it")
    if not ballot.change:
        because = f"it takes {required} approvals, once its merge request shows what it changes"
        return Gate(name=NAME, verdict="waiting", because=because)
    counted = {approval.principal.id: approval.principal.name for approval in valid(ballot)}
    said = f"{len(counted)} of {required} approved{named(list(counted.values()))}"
    told = "; ".join([said, *(f"{name}'s does not count: {why}" for name, why in void(ballot)), *unknown(ballot)])
    if len(counted) >= required:
        return Gate(name=NAME, verdict="green", because=told)
    if (left := still_could(ballot, counted)) is not None and len(left) < required - len(counted):
        because = f"{told}; nobody eligible is left: of {phrase(ballot.electors) or 'nobody'} only {len(left)} could"
        return Gate(name=NAME, verdict="red", because=because)
    who = named(sorted(left)) if left else f": {phrase(ballot.electors) or 'nobody'}"
    return Gate(name=NAME, verdict="waiting", because=f"{told}; `/sluice approve` is for those who count{who}")


def valid(ballot: Ballot) -> list[Approval]:
    """The approvals that count."""
    return [approval for approval in ballot.given if not why_not(approval, ballot)]


def void(ballot: Ballot) -> list[tuple[str, str]]:
    """Whose yes does not count, and why; each person once, and none whose other yes counts."""
    counted = {approval.principal.id for approval in valid(ballot)}
    left = [one for one in ballot.given if one.principal.id not in counted]
    return list({one.principal.id: (one.principal.name, why_not(one, ballot)) for one in left}.values())


def why_not(approval: Approval, ballot: Ballot) -> str:
    """Why a yes does not count; empty when it does."""
    if approval.principal.kind != "gitlab":
        return "only accounts of GitLab count"
    if approval.release_id != ballot.release_id:
        return "it was for another release"
    if approval.change != ballot.change:
        return "what it changes is not what it was"
    if part := part_of(approval.principal.id, ballot):
        return part
    return "" if approval.command else stranger(approval, ballot)


def part_of(account: str, ballot: Ballot) -> str:
    """How a person is part of what is approved, as far as the policy minds; empty for nobody's part."""
    roles = (role for role, person in ballot.involved.people if person == account and role in ballot.form.exclude)
    role = next(roles, None)
    return f"who {PART[role]} does not approve it" if role else ""


def stranger(approval: Approval, ballot: Ballot) -> str:
    """What speaks against a yes that was given in GitLab, where nobody authorised it."""
    by = approval.by
    if not ballot.form.native:
        return "the policy takes no approvals of GitLab's own"
    if by is None or not by.found or not by.active:
        return "the account is gone or blocked"
    if by.is_bot or by.ours:
        return "bots and access tokens do not approve"
    if not any(is_one_of(by, people) for people in ballot.electors):
        return f"it takes {phrase(ballot.electors) or 'somebody, and nobody is named'}"
    return ""


def still_could(ballot: Ballot, counted: dict[str, str]) -> frozenset[str] | None:
    """The names of those who could approve yet; None where roles or groups decide, whose members are not known."""
    if any(people.roles or people.groups or people.code_owners for people in ballot.electors):
        return None
    names = dict(ballot.involved.names)
    out = {names.get(person, "") for _, person in ballot.involved.people if part_of(person, ballot)}
    gone = {name.lower() for name in (*out, *counted.values())}
    return frozenset(name for people in ballot.electors for name in people.users if name.lower() not in gone)


def unknown(ballot: Ballot) -> list[str]:
    """What nobody could be excluded for."""
    commits = ballot.involved.unknown
    return [f"whose accounts wrote {len(commits)} of its commits is not known"] if commits else []


def named(names: list[str]) -> str:
    """Some names behind a sentence."""
    return f": {', '.join(names)}" if names else ""
