"""What people say in threads, and what they see there: read back from GitLab, never from the bot."""

from typing import Any, cast

from running import Outside, until

Found = dict[str, Any]


async def say(world: Outside, project: str, iid: int, text: str, token: str = "maintainer_token", **more: Any) -> Found:
    """Write a note on a merge request as a person."""
    path = f"projects/{project}/merge_requests/{iid}/notes"
    return cast(Found, await world.gitlab(path, token, "POST", body=text, **more))


async def emoji(world: Outside, project: str, iid: int, note: int) -> list[str]:
    """What stands on a note."""
    path = f"projects/{project}/merge_requests/{iid}/notes/{note}/award_emoji"
    return [one["name"] for one in await world.gitlab(path)]


async def until_emoji(world: Outside, project: str, iid: int, note: Found, name: str) -> None:
    """Wait until exactly this emoji stands on a note."""

    async def there() -> bool:
        return await emoji(world, project, iid, note["id"]) == [name]

    await until(there, f"{name} on {note['body']!r}")


async def replies(world: Outside, project: str, iid: int, note: int) -> list[str]:
    """What was answered in the discussion of a note."""
    path = f"projects/{project}/merge_requests/{iid}/discussions?per_page=100"
    for discussion in await world.gitlab(path):
        if any(one["id"] == note for one in discussion["notes"]):
            return [one["body"] for one in discussion["notes"] if one["id"] != note]
    return []


async def until_reply(world: Outside, project: str, iid: int, note: Found, text: str) -> str:
    """Wait until an answer with this text is there; the answer."""

    async def there() -> str | None:
        return next((one for one in await replies(world, project, iid, note["id"]) if text in one), None)

    return await until(there, f"an answer to {note['body']!r} that says {text!r}")
