"""Users and members as the API shows them."""

from datetime import datetime

from bot.sandbox.gitlab.answers import Json, stamp
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, Token, User


def user_basic(lab: Instance, user: User) -> Json:
    return {
        "id": user.id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": user.state,
        "locked": False,
        "avatar_url": None,
        "web_url": f"{lab.url}/{user.username}",
    }


def user_or_none(lab: Instance, user: User | None) -> Json | None:
    return user_basic(lab, user) if user else None


def user_own(lab: Instance, user: User) -> Json:
    """GET /user: what one sees of oneself."""
    return {
        **user_basic(lab, user),
        "bot": user.bot,
        "email": user.email,
        "commit_email": user.email,
        "is_admin": user.admin,
        "external": False,
        "two_factor_enabled": False,
        "can_create_group": True,
        "can_create_project": True,
    }


def member(lab: Instance, user: User, level: AccessLevel, since: datetime) -> Json:
    return {
        **user_basic(lab, user),
        "access_level": int(level),
        "created_at": stamp(since),
        "expires_at": None,
        "membership_state": "active",
    }


def token_view(token: Token, *, with_value: bool = False) -> Json:
    shown: Json = {
        "id": token.id,
        "name": token.name,
        "revoked": token.revoked,
        "scopes": sorted(token.scopes),
        "user_id": token.user.id,
        "active": not token.revoked,
        "expires_at": token.expires_on.isoformat() if token.expires_on else None,
    }
    return {**shown, "token": token.value} if with_value else shown
