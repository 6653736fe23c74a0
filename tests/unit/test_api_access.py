"""Nobody reads or commands without a live token."""

from pathlib import Path

import pytest
from api_cases import TOKEN, governing, serving

from bot.api.access import Callers
from bot.errors import PermanentError

PATHS = ["/status", "/deliveries", "/work", "/runs", "/openapi.json", "/nowhere"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_path_is_closed_without_a_token(tmp_path: Path, path: str) -> None:
    async with serving(tmp_path) as caller:
        caller.token = ""

        refused = await caller.get(path, status=401)

    assert refused["error"]["code"] == "no_credential"


async def test_wrong_token_is_refused_and_not_repeated(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller:
        caller.token = "guessed-token"

        refused = await caller.get("/status", status=401)

    assert refused["error"]["code"] == "bad_token"
    assert "guessed-token" not in str(refused)


async def test_no_configured_token_closes_the_api_and_says_so(tmp_path: Path) -> None:
    async with serving(tmp_path, tokens={}) as caller:
        refused = await caller.get("/status", status=401)

    assert refused["error"]["code"] == "no_tokens_configured"
    assert "api_tokens" in refused["error"]["do"]


async def test_401_names_the_scheme(tmp_path: Path) -> None:
    async with serving(tmp_path) as caller, caller.session.get(f"{caller.url}/api/v1/status") as response:
        scheme = response.headers["WWW-Authenticate"]

    assert scheme.startswith("Bearer")


async def test_command_carries_the_name_of_its_token(tmp_path: Path) -> None:
    tokens = {"ci": TOKEN, "operator": "another-token"}
    async with serving(tmp_path, tokens=tokens, tenants=governing("demo")) as caller:
        caller.token = "another-token"

        await caller.post("/adopt", {"tenant": "demo"})

        known = await caller.journal.tenant("demo")
    assert known is not None
    assert known.adoption_asked_by == "operator"


def test_callers_know_every_token_by_name() -> None:
    callers = Callers({"a": "first", "b": "second"})

    assert [callers.name_of(text) for text in ("first", "second", "third", "")] == ["a", "b", None, None]


@pytest.mark.parametrize("tokens", [{"a": ""}, {"a": "same", "b": "same"}])
def test_useless_tokens_are_refused_at_start(tokens: dict[str, str]) -> None:
    with pytest.raises(PermanentError, match="token"):
        Callers(tokens)
