"""The instance itself: version, users, groups and tokens."""

from datetime import date, timedelta

from bot.sandbox.gitlab.answers import Reply, created, ok, page
from bot.sandbox.gitlab.call import Call
from bot.sandbox.gitlab.people import AccessLevel
from bot.sandbox.gitlab.problems import bad_parameter, conflict, forbidden, not_found, unauthorized
from bot.sandbox.gitlab.registration import new_group, new_token, new_user
from bot.sandbox.gitlab.routing import RouteTable
from bot.sandbox.gitlab.views.people import token_view, user_basic, user_own
from bot.sandbox.gitlab.webhook_queue import VERSION

ROUTES = RouteTable()
SCOPES = frozenset({"api", "read_api", "read_user", "read_repository", "write_repository", "sudo"})


@ROUTES.get("/version", scopes=("read_user",))
async def get_version(call: Call) -> Reply:
    _ = call.actor
    return ok({"version": VERSION, "revision": "5a9dbf11e42"})


@ROUTES.get("/metadata", scopes=("read_user",))
async def get_metadata(call: Call) -> Reply:
    _ = call.actor
    kas = {"enabled": False, "externalUrl": None, "externalK8sProxyUrl": None, "version": None}
    return ok({"version": VERSION, "revision": "5a9dbf11e42", "kas": kas, "enterprise": True})


@ROUTES.get("/user", scopes=("read_user",))
async def get_own_user(call: Call) -> Reply:
    return ok(user_own(call.lab, call.actor))


@ROUTES.get("/users", scopes=("read_user",))
async def list_users(call: Call) -> Reply:
    if call.user is None and not call.has("username"):
        raise forbidden("Not authorized to access /api/v4/users")
    wanted, search = call.optional_text("username"), call.optional_text("search")
    found = [
        one
        for one in sorted(call.lab.users.values(), key=lambda user: -user.id)
        if (wanted is None or one.username.lower() == wanted.lower())
        and (search is None or search.lower() in f"{one.username} {one.name}".lower())
    ]
    return page(call, found, lambda one: user_basic(call.lab, one))


@ROUTES.get("/users/:id", scopes=("read_user",))
async def get_user(call: Call) -> Reply:
    user = call.lab.users.get(int(call.path["id"])) if call.path["id"].isdecimal() else None
    if user is None:
        raise not_found("User")
    return ok({**user_basic(call.lab, user), "bot": user.bot})


@ROUTES.post("/users")
async def create_user(call: Call) -> Reply:
    _admin_only(call)
    username = call.required("username")
    if call.lab.user_named(username) is not None:
        raise conflict("Username has already been taken")
    user = new_user(call.lab, username, call.required("name"), email=call.required("email"), admin=call.flag("admin"))
    return created(user_own(call.lab, user))


@ROUTES.post("/users/:id/personal_access_tokens")
async def create_personal_access_token(call: Call) -> Reply:
    _admin_only(call)
    user = call.lab.users.get(int(call.path["id"]))
    if user is None:
        raise not_found("User")
    scopes = call.listing("scopes") or []
    if not scopes or not set(scopes) <= SCOPES:
        raise bad_parameter("scopes does not have a valid value")
    expires = call.optional_text("expires_at")
    token = new_token(call.lab, user, scopes, name=call.required("name"))
    token.expires_on = date.fromisoformat(expires) if expires else call.lab.now().date() + timedelta(days=365)
    return created(token_view(token, with_value=True))


@ROUTES.get("/personal_access_tokens/self", scopes=("read_user", "read_repository", "write_repository"))
async def get_own_token(call: Call) -> Reply:
    if call.token is None:
        raise unauthorized()
    return ok(token_view(call.token))


@ROUTES.post("/groups")
async def create_group(call: Call) -> Reply:
    path = call.required("path")
    if any(one.path == path for one in call.lab.groups.values()):
        raise conflict('Failed to save group {:path=>["has already been taken"]}')
    group = new_group(call.lab, path, name=call.required("name"))
    group.members[call.actor.id] = AccessLevel.OWNER
    return created({"id": group.id, "name": group.name, "path": group.path, "full_path": group.path})


def _admin_only(call: Call) -> None:
    if not call.actor.admin:
        raise forbidden()
