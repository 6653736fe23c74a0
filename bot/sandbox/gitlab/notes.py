"""Notes: written by people and by GitLab itself, told to hooks on create and update."""

from hashlib import sha1

from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.payloads.talk import Noteable, note_payload
from bot.sandbox.gitlab.people import User
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Issue, MergeRequest, Note, NoteableKind
from bot.sandbox.gitlab.repository import Commit


def add_system_note(lab: Instance, noteable: MergeRequest | Issue, user: User, body: str) -> None:
    """What GitLab itself writes into the thread; no note hook is sent for it."""
    noteable.notes.append(_new(lab, noteable, user, body, system=True))


async def add_note(
    lab: Instance,
    project: Project,
    noteable: MergeRequest | Issue,
    user: User,
    body: str,
    *,
    internal: bool = False,
    discussion_id: str | None = None,
    resolvable: bool = False,
) -> Note:
    note = _new(lab, noteable, user, body, internal=internal, discussion_id=discussion_id, resolvable=resolvable)
    noteable.notes.append(note)
    noteable.updated_at = lab.now()
    await tell_note(lab, project, note, user, noteable, action="create")
    return note


async def edit_note(
    lab: Instance, project: Project, noteable: MergeRequest | Issue, note: Note, user: User, body: str
) -> None:
    """Change the text; the same text again changes nothing and tells nobody."""
    if note.body == body:
        return
    note.body, note.updated_at = body, lab.now()
    noteable.updated_at = lab.now()
    await tell_note(lab, project, note, user, noteable, action="update")


async def tell_note(
    lab: Instance, project: Project, note: Note, user: User, noteable: Noteable, *, action: str
) -> None:
    head = await project.repository.commit(noteable.head_sha) if isinstance(noteable, MergeRequest) else None
    event = "confidential_note_events" if note.internal else "note_events"
    lab.webhooks.fire(project, event, note_payload(lab, project, note, user, noteable, action=action, head=head))


async def add_commit_note(lab: Instance, project: Project, commit: Commit, user: User, body: str) -> Note:
    note = _note(lab, user, body, kind="Commit", noteable_id=0)
    note.commit_id = commit.sha
    project.commit_notes.setdefault(commit.sha, []).append(note)
    await tell_note(lab, project, note, user, commit, action="create")
    return note


def _new(
    lab: Instance,
    noteable: MergeRequest | Issue,
    user: User,
    body: str,
    *,
    system: bool = False,
    internal: bool = False,
    discussion_id: str | None = None,
    resolvable: bool = False,
) -> Note:
    kind: NoteableKind = "MergeRequest" if isinstance(noteable, MergeRequest) else "Issue"
    note = _note(lab, user, body, kind=kind, noteable_id=noteable.id)
    note.system, note.internal, note.resolvable = system, internal, resolvable
    note.discussion_id = discussion_id or note.discussion_id
    return note


def _note(lab: Instance, user: User, body: str, *, kind: NoteableKind, noteable_id: int) -> Note:
    number = lab.next_id("note")
    return Note(
        id=number,
        body=body,
        author=user,
        noteable_type=kind,
        noteable_id=noteable_id,
        created_at=lab.now(),
        updated_at=lab.now(),
        discussion_id=sha1(f"{kind}-{number}".encode(), usedforsecurity=False).hexdigest(),
    )
