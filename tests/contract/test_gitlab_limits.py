"""Rate limits: told in headers, and refused the way GitLab refuses."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from contract.forge import Forge, SandboxThread, open_merge_request
from gitlab.v4.objects import Project


@pytest.fixture
async def http(forge: Forge) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(f"{forge.url}/api/v4/", headers={"PRIVATE-TOKEN": forge.admin_token}) as session:
        yield session


@pytest.mark.rule("limit-headers")
async def test_answers_tell_how_much_is_left(sandbox: SandboxThread, http: aiohttp.ClientSession) -> None:
    sandbox.do(lambda: setattr(sandbox.lab.limits, "per_minute", 50))

    first = (await http.get("version")).headers
    second = (await http.get("version")).headers

    assert first["RateLimit-Limit"] == "50"
    assert int(second["RateLimit-Remaining"]) == int(first["RateLimit-Remaining"]) - 1
    assert int(second["RateLimit-Reset"]) > 0
    assert "Retry-After" not in second


@pytest.mark.rule("limit-429-text")
async def test_request_over_the_budget_is_told_when_to_come_again(
    sandbox: SandboxThread, http: aiohttp.ClientSession
) -> None:
    sandbox.do(lambda: setattr(sandbox.lab.limits, "per_minute", 0))

    refused = await http.get("version")

    assert refused.status == 429
    assert (await refused.text()).strip() == "Retry later"
    assert refused.content_type == "text/plain"
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["RateLimit-Remaining"] == "0"


@pytest.mark.rule("limit-notes-429-json")
async def test_notes_have_a_smaller_budget(
    sandbox: SandboxThread, project: Project, http: aiohttp.ClientSession
) -> None:
    mr = open_merge_request(project)
    notes = ("POST", "/projects/:id/merge_requests/:merge_request_iid/notes")
    sandbox.do(lambda: sandbox.lab.limits.routes.update({notes: 0}))

    refused = await http.post(f"projects/{project.id}/merge_requests/{mr.iid}/notes", json={"body": "more"})

    assert refused.status == 429
    assert "too many times" in (await refused.json())["message"]["error"]
    assert mr.notes.list(get_all=True) == []
