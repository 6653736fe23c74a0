"""Notes and discussions on merge requests and issues."""

from hashlib import sha256

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.notes import add_note, edit_note
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import ApiProblem, bad_parameter, bad_request, forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.quick_actions import split_quick_actions
from bot.sandbox.gitlab.records import Issue, MergeRequest, Note
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.people import user_basic

ROUTES = RouteTable()
LONGEST = 1_000_000
"""Characters in a note (GitLab docs: administration/instance_limits, size of comments)."""
MR, ISSUE = "/projects/:id/merge_requests/:merge_request_iid", "/projects/:id/issues/:issue_iid"


async def list_notes(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    notes = [note for note in noteable.notes if _visible(call, project, note)]
    by_update = call.chosen("order_by", ("created_at", "updated_at"), "created_at") == "updated_at"
    notes.sort(
        key=lambda note: (note.updated_at if by_update else note.created_at, note.id),
        reverse=call.chosen("sort", ("asc", "desc"), "desc") == "desc",
    )
    shown = call.chosen("activity_filter", ("all_notes", "only_comments", "only_activity"), "all_notes")
    if shown != "all_notes":
        notes = [note for note in notes if note.system == (shown == "only_activity")]
    return page(call, notes, lambda note: note_view(call, project, noteable, note))


async def get_note(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    return ok(note_view(call, project, noteable, note_of(call, project, noteable)))


async def create_note(call: Call) -> Reply:
    author = call.actor
    project, noteable = noteable_of(call)
    body, internal = _body(call), call.flag("internal") or call.flag("confidential")
    level = call.level(project)
    if internal and level < AccessLevel.REPORTER:
        raise forbidden()
    if isinstance(noteable, MergeRequest) and noteable.discussion_locked and level < AccessLevel.DEVELOPER:
        raise forbidden()
    digest = sha256(body.encode()).hexdigest()[:12]
    call.natural_key = f"note:{project.path_with_namespace}:{type(noteable).__name__}:{noteable.iid}:{digest}"
    kept, actions = split_quick_actions(body)
    if actions and not kept:
        raise ApiProblem(501, {"error": f"the sandbox does not carry out GitLab's quick actions: {actions}"})
    note = await add_note(call.lab, project, noteable, author, kept, internal=internal)
    return created(note_view(call, project, noteable, note))


async def update_note(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    note = note_of(call, project, noteable)
    if note.system or (note.author is not call.actor and call.level(project) < AccessLevel.MAINTAINER):
        raise forbidden()
    await edit_note(call.lab, project, noteable, note, call.actor, _body(call))
    return ok(note_view(call, project, noteable, note))


async def delete_note(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    note = note_of(call, project, noteable)
    if note.author is not call.actor and call.level(project) < AccessLevel.MAINTAINER:
        raise forbidden()
    noteable.notes.remove(note)
    return no_content()


async def list_discussions(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    threads: dict[str, list[Note]] = {}
    for note in noteable.notes:
        if _visible(call, project, note):
            threads.setdefault(note.discussion_id, []).append(note)
    return page(call, list(threads.items()), lambda one: _thread(call, project, noteable, one[0], one[1]))


async def get_discussion(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    thread = call.path["discussion_id"]
    notes = [note for note in noteable.notes if note.discussion_id == thread and _visible(call, project, note)]
    if not notes:
        raise not_found("Discussion")
    return ok(_thread(call, project, noteable, thread, notes))


async def create_discussion(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    resolvable = isinstance(noteable, MergeRequest)
    note = await add_note(call.lab, project, noteable, call.actor, _body(call), resolvable=resolvable)
    return created(_thread(call, project, noteable, note.discussion_id, [note]))


async def reply_to_discussion(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    thread = call.path["discussion_id"]
    first = next((note for note in noteable.notes if note.discussion_id == thread), None)
    if first is None:
        raise not_found("Discussion")
    note = await add_note(
        call.lab, project, noteable, call.actor, _body(call), internal=first.internal, discussion_id=thread
    )
    return created(note_view(call, project, noteable, note))


@ROUTES.put(f"{MR}/discussions/:discussion_id")
async def resolve_discussion(call: Call) -> Reply:
    project, noteable = noteable_of(call)
    thread = [note for note in noteable.notes if note.discussion_id == call.path["discussion_id"]]
    if not thread:
        raise not_found("Discussion")
    if call.value("resolved") is None:
        raise bad_parameter("resolved is missing")
    for note in thread:
        note.resolved = note.resolvable and call.flag("resolved")
    return ok(_thread(call, project, noteable, call.path["discussion_id"], thread))


for _base in (MR, ISSUE):
    ROUTES.get(f"{_base}/notes")(list_notes)
    ROUTES.post(f"{_base}/notes")(create_note)
    ROUTES.get(f"{_base}/notes/:note_id")(get_note)
    ROUTES.put(f"{_base}/notes/:note_id")(update_note)
    ROUTES.delete(f"{_base}/notes/:note_id")(delete_note)
    ROUTES.get(f"{_base}/discussions")(list_discussions)
    ROUTES.post(f"{_base}/discussions")(create_discussion)
    ROUTES.get(f"{_base}/discussions/:discussion_id")(get_discussion)
    ROUTES.post(f"{_base}/discussions/:discussion_id/notes")(reply_to_discussion)


def noteable_of(call: Call) -> tuple[Project, MergeRequest | Issue]:
    """The merge request or issue of the path, with its project."""
    project = call.project()
    return project, call.merge_request(project) if "merge_request_iid" in call.path else call.issue(project)


def note_of(call: Call, project: Project, noteable: MergeRequest | Issue) -> Note:
    wanted = call.path["note_id"]
    found = next((note for note in noteable.notes if str(note.id) == wanted), None)
    if found is None or not _visible(call, project, found):
        raise not_found()
    return found


def note_view(call: Call, project: Project, noteable: MergeRequest | Issue, note: Note) -> Json:
    return {
        "id": note.id,
        "type": "DiscussionNote" if note.resolvable else None,
        "body": note.body,
        "attachment": None,
        "author": user_basic(call.lab, note.author),
        "created_at": stamp(note.created_at),
        "updated_at": stamp(note.updated_at),
        "system": note.system,
        "noteable_id": noteable.id,
        "noteable_type": note.noteable_type,
        "project_id": project.id,
        "resolvable": note.resolvable,
        **({"resolved": note.resolved} if note.resolvable else {}),
        "confidential": note.internal,
        "internal": note.internal,
        "imported": False,
        "imported_from": "none",
        "noteable_iid": noteable.iid,
        "commands_changes": {},
    }


def _thread(call: Call, project: Project, noteable: MergeRequest | Issue, thread: str, notes: list[Note]) -> Json:
    single = len(notes) == 1 and not notes[0].resolvable
    shown = [note_view(call, project, noteable, note) for note in notes]
    return {"id": thread, "individual_note": single, "notes": shown}


def _visible(call: Call, project: Project, note: Note) -> bool:
    return not note.internal or call.level(project) >= AccessLevel.REPORTER


def _body(call: Call) -> str:
    body = call.required("body")
    if not body.strip():
        raise bad_request('400 Bad request - Note {:note=>["can\'t be blank"]}')
    if len(body) > LONGEST:
        raise bad_request(f"400 Bad request - Note is too long (maximum is {LONGEST} characters)")
    return body
