"""The seeded world as a whole, through its HTTP doors: a release flows in, and the control API keeps its word."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from contract.cluster_world import Bot, controlling, hearing, image_in, seeded, status_of, until, until_image
from yarl import URL

from bot.errors import PermanentError
from bot.sandbox.cluster.kinds import DEPLOYMENT
from bot.sandbox.sandbox import Sandbox

REPOSITORY = Path(__file__).resolve().parents[2]
PROMISED = {
    "gitlab_url", "token", "root_token", "registry_url", "config_project", "application_projects", "webhook_secret",
    "kubeconfig", "control_url",
}  # fmt: skip


@pytest.fixture
async def bot() -> AsyncIterator[Bot]:
    async with hearing() as listening:
        yield listening


@pytest.fixture
async def sandbox(tmp_path: Path, bot: Bot) -> AsyncIterator[Sandbox]:
    async with seeded(tmp_path / "world", bot) as running:
        yield running


@pytest.fixture
async def control(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    async with controlling(sandbox) as session:
        yield session


@pytest.fixture
async def gitlab(sandbox: Sandbox) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Private-Token": str(sandbox.facts["maintainer_token"])}
    async with aiohttp.ClientSession(str(sandbox.facts["gitlab_url"]), headers=headers) as session:
        yield session


async def test_the_world_begins_healthy_everywhere(sandbox: Sandbox) -> None:
    assert sandbox.facts.keys() >= PROMISED

    for environment in ("dev", "staging", "production"):
        status = await status_of(sandbox, environment)
        ready = next(one for one in status["conditions"] if one["type"] == "Ready")
        assert (ready["status"], ready["reason"]) == ("True", "ReconciliationSucceeded")
        tag = "1.0.0-prod" if environment == "production" else "1.0.0"
        assert (await image_in(sandbox, environment)).endswith(f"/demo/demo-service:{tag}")


async def test_the_release_files_name_the_tagged_commit_and_the_pushed_digest(
    sandbox: Sandbox, gitlab: aiohttp.ClientSession
) -> None:
    place = "/api/v4/projects/demo%2Fflux-config/repository/files/.sluice%2Freleases%2Fstaging%2Fdemo-service.yaml/raw"
    url = f"{sandbox.facts['gitlab_url']}{place}?ref=main"
    text = await (await gitlab.get(URL(url, encoded=True))).text()
    tags = await (await gitlab.get("/api/v4/projects/2/repository/tags")).json()
    manifest = f"{sandbox.facts['registry_url']}/v2/demo/demo-service/manifests/1.0.0"
    async with aiohttp.ClientSession() as nobody:
        digest = (await nobody.head(manifest)).headers["Docker-Content-Digest"]

    assert f'commit: "{tags[0]["target"]}"' in text
    assert f'digest: "{digest}"' in text


async def test_a_release_reaches_dev_and_everyone_is_told(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    made = await control.post("/control/releases", json={"version": "1.1.0", "changes": ["Add colour"]})
    await until_image(sandbox, "dev", "1.1.0")

    released = await made.json()
    assert made.status == 201
    kinds = {body["object_kind"] for body in bot.at("/hooks/gitlab")}
    assert {"push", "tag_push", "pipeline"} <= kinds
    pushed = [body["events"][0]["target"] for body in bot.at("/hooks/registry/demo")]
    assert {"repository": "demo/demo-service", "tag": "1.1.0", "digest": released["digest"]}.items() <= pushed[
        -1
    ].items()
    assert (await image_in(sandbox, "staging")).endswith(":1.0.0")


async def test_flux_tells_every_environment_of_every_head(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    await control.post("/control/releases", json={"version": "1.1.0"})

    def environments() -> set[str]:
        bodies = bot.at("/hooks/flux/demo")
        done = [one for one in bodies if one["reason"] == "ReconciliationSucceeded"]
        return {one["metadata"].get("environment", "") for one in done}

    await until(lambda: environments() >= {"dev", "staging", "production"})


async def test_the_bots_webhooks_carry_token_and_signature(sandbox: Sandbox, bot: Bot) -> None:
    await sandbox.release("1.1.0")
    await until(lambda: bot.at("/hooks/gitlab"))

    _, headers, body = next(one for one in bot.heard if one[0] == "/hooks/gitlab")
    key = base64.b64decode(str(sandbox.facts["signing_token"]).removeprefix("whsec_"))
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    assert headers["X-Gitlab-Token"] == sandbox.facts["webhook_secret"]
    assert f"v1,{expected}" in headers["webhook-signature"].split()


async def test_a_commit_to_main_moves_its_environment(sandbox: Sandbox, gitlab: aiohttp.ClientSession) -> None:
    await sandbox.release("1.1.0")
    await until_image(sandbox, "dev", "1.1.0")
    file = "apps/demo-service/staging/kustomization.yaml"
    text = (await sandbox.config_project.repository.blob("main", file) or b"").decode()

    action = {"action": "update", "file_path": file, "content": text.replace("1.0.0", "1.1.0")}
    body = {"branch": "main", "commit_message": "Promote by hand", "actions": [action]}
    commit = await gitlab.post("/api/v4/projects/1/repository/commits", json=body)

    assert commit.status == 201
    await until_image(sandbox, "staging", "1.1.0")


async def test_a_failing_release_is_unhealthy_in_dev(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    sandbox.cluster.settings.stall = 0.05
    await control.post("/control/releases", json={"version": "1.1.0", "outcome": "fails"})

    await until(lambda: [one for one in bot.at("/hooks/flux/demo") if one["reason"] == "HealthCheckFailed"])
    ready = next(one for one in (await status_of(sandbox, "dev"))["conditions"] if one["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "HealthCheckFailed")


async def test_dropped_hooks_reach_nobody_until_they_are_let_through(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    await control.post("/control/hooks", json={"target": "gitlab", "drop_all": True})
    await control.post("/control/hooks", json={"target": "flux", "drop": 1})
    await sandbox.release("1.1.0")
    await until_image(sandbox, "dev", "1.1.0")
    during = [path for path, _, _ in bot.heard if path != "/hooks/registry/demo"]

    await control.post("/control/hooks", json={"target": "gitlab"})
    await control.post("/control/hooks", json={"target": "flux"})
    await sandbox.release("1.2.0")

    assert during == []
    await until(lambda: bot.at("/hooks/gitlab") and bot.at("/hooks/flux/demo"))


@pytest.mark.parametrize("target", ["gitlab", "registry", "cluster"])
async def test_a_fault_hits_its_part_until_it_is_cleared(
    sandbox: Sandbox, control: aiohttp.ClientSession, target: str
) -> None:
    url = {
        "gitlab": f"{sandbox.facts['gitlab_url']}/api/v4/version",
        "registry": f"{sandbox.facts['registry_url']}/v2/",
        "cluster": f"{sandbox.facts['cluster_url']}/version",
    }[target]
    await control.post(
        "/control/faults", json={"target": target, "kind": "503", "retry_after": 7, "path": "v2/$|version"}
    )

    async with aiohttp.ClientSession() as nobody:
        during = await nobody.get(url)
        await control.delete("/control/faults")
        after = await nobody.get(url)

    assert (during.status, during.headers["Retry-After"]) == (503, "7")
    assert after.status != 503


async def test_a_part_that_is_away_comes_back_by_itself(sandbox: Sandbox, control: aiohttp.ClientSession) -> None:
    await control.post("/control/faults", json={"target": "gitlab", "kind": "away", "seconds": 0.2})
    url = f"{sandbox.facts['gitlab_url']}/api/v4/version"

    async with aiohttp.ClientSession() as nobody:
        with pytest.raises(aiohttp.ClientError):
            await nobody.get(url)
        async with asyncio.timeout(5):
            while not await answers(nobody, url):
                await asyncio.sleep(0.05)


async def answers(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        return (await session.get(url)).status < 500
    except aiohttp.ClientError:
        return False


async def test_the_clock_moves_and_stands(control: aiohttp.ClientSession) -> None:
    async def now() -> datetime:
        return datetime.fromisoformat((await (await control.get("/control/clock")).json())["now"])

    await control.post("/control/clock", json={"frozen": True})
    before = await now()
    await control.post("/control/clock", json={"advance_seconds": 3600})

    assert (await now() - before).total_seconds() == 3600
    await control.post("/control/clock", json={"frozen": False})


async def test_counters_name_who_wrote_and_begin_anew(sandbox: Sandbox, control: aiohttp.ClientSession) -> None:
    await sandbox.release("1.1.0")
    await until_image(sandbox, "dev", "1.1.0")
    before = await (await control.get("/control/counters")).json()

    await control.post("/control/counters/reset")

    after = await (await control.get("/control/counters")).json()
    assert before["gitlab"]["by_user"] == {"fluxcdbot": 1}
    assert before["git_pushes"] == before["image_automation"]["pushes"] == 1
    assert after["gitlab"]["writes"] == after["git_pushes"] == 0


async def test_a_rebuilt_image_has_another_digest_under_the_same_tag(
    sandbox: Sandbox, control: aiohttp.ClientSession
) -> None:
    first = sandbox.first_release
    body = {"version": "1.0.0", "commit": first.commit, "salt": "again"}

    rebuilt = await (await control.post("/control/images", json=body)).json()

    assert rebuilt["digest"] != first.digest
    async with aiohttp.ClientSession() as nobody:
        manifest = f"{sandbox.facts['registry_url']}/v2/demo/demo-service/manifests/1.0.0"
        assert (await nobody.head(manifest)).headers["Docker-Content-Digest"] == rebuilt["digest"]


async def test_canary_outcomes_are_kept_by_canary_and_by_image(
    sandbox: Sandbox, control: aiohttp.ClientSession
) -> None:
    canary = {"namespace": "production", "name": "demo-service", "outcome": "no-data"}

    await control.post("/control/canaries", json=canary)
    await control.post("/control/canaries", json=canary | {"image": "1.2.0", "outcome": "fail"})

    image = f"{sandbox.releasing.image}:1.2.0"
    kept = {"production/demo-service": "no-data", f"production/demo-service {image}": "fail"}
    assert await (await control.get("/control/canaries")).json() == kept


async def test_image_automation_looks_as_often_as_it_is_told(sandbox: Sandbox, control: aiohttp.ClientSession) -> None:
    before = sandbox.registry.traffic.requests["GET"]

    answered = await control.post("/control/registry/rescan", json={"times": 5})

    assert await answered.json() == {"times": 5}
    assert sandbox.registry.traffic.requests["GET"] - before >= 5
    assert (await control.post("/control/registry/rescan", json={"times": 0})).status == 422


async def test_flaggers_hooks_find_the_bot_by_its_name_in_the_cluster(
    sandbox: Sandbox, control: aiohttp.ClientSession, bot: Bot
) -> None:
    hook = {"name": "gate", "type": "confirm-rollout", "url": "http://sluice.sluice/gates/demo/confirm-rollout"}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "demo-service"}
    analysis = {
        "interval": "100ms",
        "threshold": 1,
        "iterations": 1,
        "webhooks": [{**hook, "metadata": {"token": "t"}}],
    }
    sandbox.cluster.settings.canary_interval = 0.1
    sandbox.cluster.put(
        {
            "apiVersion": "flagger.app/v1beta1",
            "kind": "Canary",
            "metadata": {"namespace": "dev", "name": "demo-service"},
            "spec": {"targetRef": target, "service": {"port": 80}, "analysis": analysis},
        }
    )
    await until(lambda: sandbox.cluster.objects.find(DEPLOYMENT, "dev", "demo-service-primary"))

    await control.post("/control/releases", json={"version": "1.1.0"})
    await until(lambda: bot.at("/gates/demo/confirm-rollout"))

    asked = bot.at("/gates/demo/confirm-rollout")[0]
    assert (asked["namespace"], asked["metadata"]) == ("dev", {"token": "t"})
    assert (await (await control.get("/control/counters")).json())["flagger"]["confirm-rollout"] >= 1


async def test_the_control_api_takes_only_its_own_token(sandbox: Sandbox) -> None:
    async with aiohttp.ClientSession(str(sandbox.facts["control_url"])) as nobody:
        refused = await nobody.get("/control/counters", headers={"Authorization": f"Bearer {sandbox.facts['token']}"})

    assert refused.status == 401


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/control/releases", {"version": "latest"}),
        ("/control/releases", {"version": "1.1.0", "colour": "red"}),
        ("/control/releases", {"version": "1.0.0"}),
        ("/control/faults", {"target": "registry", "kind": "html"}),
        ("/control/hooks", {"target": "nobody"}),
        ("/control/pipelines", {"sha": "abc", "status": "success"}),
    ],
)
async def test_a_request_that_makes_no_sense_says_why(
    control: aiohttp.ClientSession, path: str, body: dict[str, Any]
) -> None:
    response = await control.post(path, json=body)

    assert response.status == 422
    assert (await response.json())["error"]


async def test_a_folder_in_use_is_refused(sandbox: Sandbox, tmp_path: Path) -> None:
    with pytest.raises(PermanentError, match="in use by another sandbox"):
        await Sandbox.start(tmp_path / "world")


async def test_a_folder_of_somebody_else_is_not_emptied(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")

    with pytest.raises(PermanentError, match="not empty"):
        await Sandbox.start(tmp_path)

    assert (tmp_path / "thesis.txt").read_text() == "mine"


async def test_the_command_prints_one_line_and_stops_when_told(tmp_path: Path) -> None:
    code = "import typer; from bot.cli.sandbox import sandbox; app = typer.Typer(); app.command()(sandbox); app()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, "--data", str(tmp_path / "data"),
        stdout=asyncio.subprocess.PIPE, cwd=REPOSITORY, env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert process.stdout is not None

    facts = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    process.send_signal(signal.SIGTERM)
    rest = await asyncio.wait_for(process.stdout.read(), 30)

    assert facts.keys() >= PROMISED
    assert rest == b""
    assert await process.wait() == 0
