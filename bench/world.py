"""What people and the outside do in a bench's world, and what is asked of it, over plain HTTP."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from bench.machine import API_TOKEN, Bot, call, until

IDLE_CPU = 0.3
"""CPU seconds in one and a half that still count as doing nothing."""


def control(facts: Mapping[str, Any], path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The sandbox's control API."""
    return call(f"{facts['control_url']}/control/{path}", facts["control_token"], "POST", body or {})


def counters(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the sandbox counted since the last reset."""
    found: dict[str, Any] = call(f"{facts['control_url']}/control/counters", facts["control_token"])
    return found


def writes(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What its GitLab counted."""
    found: dict[str, Any] = counters(facts)["gitlab"]
    return found


def of_bot(facts: Mapping[str, Any]) -> int:
    """GitLab writes of the bot since the last reset (API requests and pushes), refused ones included."""
    return int(writes(facts)["by_user"].get("sluice", 0))


def gitlab(facts: Mapping[str, Any], path: str = "", method: str = "GET", body: Mapping[str, Any] | None = None) -> Any:
    """GitLab's API of the config project, as its maintainer."""
    project = quote(str(facts["config_project"]), safe="")
    return call(f"{facts['gitlab_url']}/api/v4/projects/{project}{path}", facts["maintainer_token"], method, body)


def ready_for_production(facts: Mapping[str, Any]) -> Any:
    """Production's merge request once it can be merged."""

    def mergeable() -> Any:
        found = gitlab(facts, "/merge_requests?state=opened")
        ours = [one for one in found if one["source_branch"].startswith("sluice/production/")]
        seen = gitlab(facts, f"/merge_requests/{ours[0]['iid']}") if ours else None
        return seen if seen and seen["detailed_merge_status"] == "mergeable" else None

    return until(mergeable, "production's merge request can be merged")


def merge(facts: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Do what a person does, as the maintainer."""
    gitlab(facts, f"/merge_requests/{request['iid']}/merge", "PUT", {"sha": request["sha"]})


def status(running: Bot) -> Any:
    """The bot's own view."""
    return call(f"{running.url}/api/v1/status", API_TOKEN)


def in_state(running: Bot, environment: str, version: str, state: str) -> bool:
    """Whether the newest promotion of an environment is of this version and in this state."""
    found = [one["promotion"] for one in status(running)["environments"] if one["environment"] == environment]
    return bool(found) and found[0] is not None and (found[0]["version"], found[0]["state"]) == (version, state)


def quiet(running: Bot) -> bool:
    """Whether nothing is left of what arrived, and the process does nothing for a while."""
    if status(running)["deliveries"].get("received", 0):
        return False
    before = running.cpu()
    time.sleep(1.5)
    return running.cpu() - before < IDLE_CPU


def adopt(running: Bot) -> None:
    """Let the bot act, and wait until it may."""
    call(f"{running.url}/api/v1/adopt", API_TOKEN, "POST", {"tenant": "demo"})
    until(lambda: status(running)["tenants"][0]["adopted"], "the repository is adopted")
