"""Hear: what people say becomes commands, each line with its place, its principal, and what it is about. Pure.

Names are looked up in the policies in force. What the place tells is used (a promotion's branch, an application's
project); what nothing tells is asked for, and production is never a guess.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.commanded import Fault, Heard, Place, Principal, Spoken
from bot.commands import Grammar, Line, Names, lines_for_us
from bot.commands.lines import plain_line
from bot.events import ChatSaid, NoteWritten
from bot.keys import EnvironmentKey
from bot.tenants import Tenant, Tenants
from config.policy import Policy

BRANCHES = ("sluice", "sluice-rollback")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What a place tells about what is meant there."""

    application: str = ""
    environment: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearing:
    """Listens with one grammar. names: ours at the start of a line. chats: the tenant that each chat speaks to."""

    grammar: Grammar
    tenants: Tenants
    names: tuple[str, ...] = ("/sluice",)
    chats: tuple[tuple[str, str], ...] = ()

    def note(self, event: NoteWritten, chain: str = "") -> tuple[Heard, ...]:
        """The commands of a note; none for GitLab's own notes, and for projects that nobody governs here.

        chain: what GitLab calls the chain of events that led here.
        """
        if event.system:
            return ()
        found = lines_for_us(event.text, self.names)
        governing = tuple(self._governing(event.project)) if found else ()
        if not governing:
            return ()
        principal = Principal(kind="gitlab", id=str(event.author), name=event.username)
        words = sha256(event.text.encode()).hexdigest()
        place = replace(place_of(event), chain=chain)
        # An edited note runs nothing, so its first line stands for all of them and is answered once.
        lines = found[:1] if place.edited else found
        heard = (self._heard(line, place, principal, governing, event.written_at) for line in lines)
        return tuple(replace(one, line=number, words=words) for number, one in enumerate(heard))

    def chat(self, event: ChatSaid) -> tuple[Heard, ...]:
        """The one command of a chat's message; none for a chat of no tenant."""
        tenant = self.tenants.get(dict(self.chats).get(event.chat, ""))
        if tenant is None:
            return ()
        account = f"{event.team}/{event.user}"
        place = Place(
            door=event.kind,
            thread=f"{event.chat}:{event.channel}:{event.user}",
            message=event.message,
            chat=event.chat,
            team=event.team,
            channel=event.channel,
        )
        principal = Principal(kind="chat", id=account, name=event.username)
        heard = self._heard(plain_line(event.text), place, principal, ((tenant, Hint()),), event.said_at)
        return (replace(heard, words=sha256(event.text.encode()).hexdigest()),)

    def _governing(self, project: str) -> Iterator[tuple[Tenant, Hint]]:
        """The tenants for whom the project is the config repository, else those that govern an application of it."""
        configs = self.tenants.by_config_project(project)
        if configs:
            yield from ((tenant, Hint()) for tenant in configs)
            return
        for tenant in self.tenants:
            names = self.tenants.policy(tenant.name).applications_of_project(project)
            if names and tenant.may_govern(project):
                yield tenant, Hint(application=names[0] if len(names) == 1 else "")

    def _heard(
        self,
        line: Line,
        place: Place,
        principal: Principal,
        governing: Sequence[tuple[Tenant, Hint]],
        said_at: datetime,
    ) -> Heard:
        """The reading of the first tenant that understands it, else of the first."""
        readings = [self._read(line, place, principal, tenant, hint, said_at) for tenant, hint in governing]
        return next((reading for reading in readings if reading.fault is None), readings[0])

    def _read(
        self, line: Line, place: Place, principal: Principal, tenant: Tenant, hint: Hint, said_at: datetime
    ) -> Heard:
        policy = self.tenants.policy(tenant.name)
        said = self.grammar.read(line, names_of(policy), said_at)
        heard = Heard(
            place=place,
            principal=principal,
            line=0,
            text=line.text,
            tenant=tenant.name,
            said=None,
            fault=None,
            words="",
            said_at=said_at,
        )
        if isinstance(said, Fault):
            return replace(heard, fault=said)
        ours = tenant.config_project.lower() == place.project.lower()
        here = hint_of(place, policy) if ours else None
        return self.meant(replace(heard, said=said), said, policy, here or hint)

    def meant(self, heard: Heard, said: Spoken, policy: Policy, hint: Hint) -> Heard:
        """The same with the application and environment that are meant, or with the fault that asks for them."""
        form = self.grammar.forms[said.verb]
        application, environment = said.application, said.environment
        if "application" in form.takes:
            application = application or hint.application or only(policy.applications)
        if "environment" in form.takes and not environment and application == hint.application:
            environment = hint.environment
        known = {"application": application, "environment": environment, "version": said.version}
        missing = next((slot for slot, word in known.items() if slot in form.needs and not word), "")
        if missing:
            return replace(heard, said=None, fault=self._ask(missing, said, policy, application))
        if application and environment and environment not in policy.environments_of(application):
            return replace(heard, said=None, fault=self._not_there(said, policy, application, environment))
        key = EnvironmentKey(heard.tenant, application, environment) if application and environment else None
        return replace(heard, key=key, application=application, environment=environment)

    def _ask(self, slot: str, said: Spoken, policy: Policy, application: str) -> Fault:
        """Which one? Never a default."""
        because = f"it does not say which {slot} is meant"
        if slot != "version":
            there = sorted(policy.applications) if slot == "application" else environments(policy, application)
            because += f": there is {', '.join(there) or 'none yet'}"
        form = self.grammar.forms[said.verb]
        return Fault(code="ask", because=because, do=f"Write `{self.grammar.name} {form.usage}`.")

    def _not_there(self, said: Spoken, policy: Policy, application: str, environment: str) -> Fault:
        there = ", ".join(policy.environments_of(application))
        because = f"{application} is not in {environment}: it is in {there or 'none'}"
        do = f"Write `{self.grammar.name} {self.grammar.forms[said.verb].usage}`."
        return Fault(code="unknown_name", because=because, do=do)


def place_of(event: NoteWritten) -> Place:
    """Where a note is answered. All edits of a note are one message: they are answered once."""
    edited = event.action == "update"
    thread = f"{event.project}:{event.noteable}:{event.iid}"
    return Place(
        door="note",
        thread=thread,
        message=f"{event.note}:edited" if edited else str(event.note),
        project=event.project,
        noteable=event.noteable,
        iid=event.iid,
        note=event.note,
        discussion=event.discussion,
        branch=event.branch,
        internal=event.internal,
        fork=event.fork,
        edited=edited,
    )


def hint_of(place: Place, policy: Policy) -> Hint | None:
    """What the branch of one of our merge requests says; None for any other."""
    match place.branch.split("/"):
        case [prefix, environment, application] if prefix in BRANCHES and not place.fork:
            if environment in policy.environments_of(application):
                return Hint(application=application, environment=environment)
    return None


def names_of(policy: Policy) -> Names:
    """The names that words are compared with."""
    return Names(environments={name: frozenset(policy.environments_of(name)) for name in policy.applications})


def environments(policy: Policy, application: str) -> list[str]:
    """Those of an application, else all, in promotion order."""
    return list(policy.environments_of(application) or policy.order)


def only(names: Iterable[str]) -> str:
    """The one name there is, else empty."""
    found = list(names)
    return found[0] if len(found) == 1 else ""
