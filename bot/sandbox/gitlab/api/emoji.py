"""Emoji on merge requests, issues and notes, told to hooks as award and revoke."""

from bot.sandbox.gitlab.answers import Json, Reply, created, no_content, ok, page, stamp
from bot.sandbox.gitlab.api.notes import ISSUE, MR, note_of, noteable_of
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.payloads.talk import emoji_payload
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import forbidden, not_found
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Award, Issue, MergeRequest, Note
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.people import user_basic

ROUTES = RouteTable()


async def list_awards(call: Call) -> Reply:
    _, _, _, awards = _target(call)
    return page(call, awards, lambda award: _view(call, award))


async def get_award(call: Call) -> Reply:
    _, _, _, awards = _target(call)
    return ok(_view(call, _award(call, awards)))


async def create_award(call: Call) -> Reply:
    project, noteable, note, awards = _target(call)
    name, user = call.required("name").strip(":"), call.actor
    call.natural_key = f"emoji:{project.path_with_namespace}:{noteable.iid}:{note.id if note else ''}:{name}"
    if any(award.name == name and award.user is user for award in awards):
        raise not_found("Award Emoji Name has already been taken")
    award = Award(
        id=call.lab.next_id("award"),
        name=name,
        user=user,
        awardable_type="Note" if note else "MergeRequest" if isinstance(noteable, MergeRequest) else "Issue",
        awardable_id=note.id if note else noteable.id,
        created_at=call.lab.now(),
    )
    awards.append(award)
    await _tell(call, project, noteable, note, award, action="award")
    return created(_view(call, award))


async def delete_award(call: Call) -> Reply:
    project, noteable, note, awards = _target(call)
    award = _award(call, awards)
    if award.user is not call.actor and not call.actor.admin:
        raise forbidden()
    awards.remove(award)
    await _tell(call, project, noteable, note, award, action="revoke")
    return no_content()


for _base in (MR, ISSUE, f"{MR}/notes/:note_id", f"{ISSUE}/notes/:note_id"):
    ROUTES.get(f"{_base}/award_emoji")(list_awards)
    ROUTES.get(f"{_base}/award_emoji/:award_id")(get_award)
    ROUTES.post(f"{_base}/award_emoji")(create_award)
    ROUTES.delete(f"{_base}/award_emoji/:award_id")(delete_award)


def _target(call: Call) -> tuple[Project, MergeRequest | Issue, Note | None, list[Award]]:
    project, noteable = noteable_of(call)
    if call.method != "GET" and call.level(project) < AccessLevel.GUEST:
        raise not_found()
    note = note_of(call, project, noteable) if "note_id" in call.path else None
    return project, noteable, note, note.awards if note else noteable.awards


def _award(call: Call, awards: list[Award]) -> Award:
    found = next((award for award in awards if str(award.id) == call.path["award_id"]), None)
    if found is None:
        raise not_found("Award Emoji")
    return found


async def _tell(
    call: Call, project: Project, noteable: MergeRequest | Issue, note: Note | None, award: Award, *, action: str
) -> None:
    head = await project.repository.commit(noteable.head_sha) if isinstance(noteable, MergeRequest) else None
    payload = emoji_payload(call.lab, project, award, action=action, note=note, noteable=noteable, head=head)
    call.lab.webhooks.fire(project, "emoji_events", payload)


def _view(call: Call, award: Award) -> Json:
    return {
        "id": award.id,
        "name": award.name,
        "user": user_basic(call.lab, award.user),
        "created_at": stamp(award.created_at),
        "updated_at": stamp(award.created_at),
        "awardable_id": award.awardable_id,
        "awardable_type": award.awardable_type,
        "url": None,
    }
