"""One promotion costs few GitLab writes, and thousands of Flux events that change nothing cost none.

`python -m bench.promotion [--json] [--events N]`
"""

import argparse
import hashlib
import hmac
import json
import tempfile
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bench.machine import API_TOKEN, Bot, bot, call, sandbox, until

IDLE_CPU = 0.3
"""CPU seconds in one and a half that still count as doing nothing."""
WRITES_TARGET = 12
"""From the release seen to healthy, for one environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """GitLab writes (API requests and pushes) of one release on its way, and of `events` Flux events about nothing new.

    writes_per_promotion: all the bot's writes for dev, staging and production, over the two that had merge requests;
    an upper bound, since dev's statuses and deployment are in it. cpu_per_event: microseconds of the bot's process.
    """

    writes_of_release: int
    writes_per_promotion: int
    writes_by_route: dict[str, int]
    reads_of_release: int
    events: int
    writes_of_events: int
    reads_of_events: int
    cpu_per_event: float


def measure(folder: Path, events: int) -> Measured:
    """Take a release to production, then send the events."""
    with sandbox(folder) as facts, bot(folder / "bot", facts) as running:
        control(facts, "bot", {"url": running.url})
        adopt(running)
        control(facts, "counters/reset")
        control(facts, "releases", {"version": "1.1.0"})
        merge_as_maintainer(facts)
        until(lambda: in_state(running, "production", "1.1.0", "done"), "1.1.0 healthy in production")
        until(lambda: quiet(running), "all is written")
        release = writes(facts)
        control(facts, "counters/reset")
        used = running.cpu()
        for number in range(events):
            flux_event(running, facts, number)
        until(lambda: quiet(running), "the events are worked off")
        after = writes(facts)
        total = release["by_user"]["sluice"]
        return Measured(
            writes_of_release=total,
            writes_per_promotion=-(-total // 2),
            writes_by_route=release["by_route"],
            reads_of_release=release["reads"],
            events=events,
            writes_of_events=after["by_user"].get("sluice", 0),
            reads_of_events=after["reads"],
            cpu_per_event=(running.cpu() - used) / events * 1e6 if events else 0.0,
        )


def control(facts: Mapping[str, Any], path: str, body: Mapping[str, Any] | None = None) -> Any:
    """The sandbox's control API."""
    return call(f"{facts['control_url']}/control/{path}", facts["control_token"], "POST", body or {})


def writes(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What GitLab counted since the last reset."""
    counted = call(f"{facts['control_url']}/control/counters", facts["control_token"])
    found: dict[str, Any] = counted["gitlab"]
    return found


def merge_as_maintainer(facts: Mapping[str, Any]) -> None:
    """Do what a person does: merge production's merge request once it can be merged."""
    project = f"{facts['gitlab_url']}/api/v4/projects/{quote(str(facts['config_project']), safe='')}/merge_requests"

    def mergeable() -> Any:
        found = call(f"{project}?state=opened", facts["maintainer_token"])
        ours = [one for one in found if one["source_branch"].startswith("sluice/production/")]
        seen = call(f"{project}/{ours[0]['iid']}", facts["maintainer_token"]) if ours else None
        return seen if seen and seen["detailed_merge_status"] == "mergeable" else None

    ready = until(mergeable, "production's merge request can be merged")
    call(f"{project}/{ready['iid']}/merge", facts["maintainer_token"], "PUT", {"sha": ready["sha"]})


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


def flux_event(running: Bot, facts: Mapping[str, Any], number: int) -> None:
    """Another report of what is known already: only the duration in its text differs (failures F4)."""
    body = {
        "involvedObject": {
            "kind": "Kustomization",
            "namespace": "flux-system",
            "name": "demo-service-staging",
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        },
        "severity": "info",
        "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "message": f"Reconciliation finished in {number}ms, next run in 1h0m0s",
        "reason": "ReconciliationSucceeded",
        "metadata": {"revision": "main@sha1:" + "0" * 40, "commit_status": "update"},
        "reportingController": "kustomize-controller",
        "reportingInstance": f"bench-{number}",
    }
    raw = json.dumps(body).encode()
    signature = hmac.new(str(facts["flux_secret"]).encode(), raw, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", "X-Signature": f"sha256={signature}"}
    url = f"{running.url}/hooks/flux/{facts['cluster']}"
    request = urllib.request.Request(url, data=raw, headers=headers, method="POST")  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        return


def table(found: Measured) -> str:
    """The figures, for people."""
    rows = [
        ("GitLab writes per promotion", str(found.writes_per_promotion), f"<= {WRITES_TARGET}"),
        ("GitLab writes of a release (dev, staging, production)", str(found.writes_of_release), ""),
        ("GitLab reads of a release", str(found.reads_of_release), ""),
        (f"GitLab writes of {found.events:,} no-op Flux events", str(found.writes_of_events), "0"),
        ("GitLab reads of these events", str(found.reads_of_events), ""),
        ("CPU of the bot for each event", f"{found.cpu_per_event:.0f} µs", ""),
    ]
    return "\n".join(f"{what:<56} {figure:>10}   {target}" for what, figure, target in rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--events", type=int, default=6000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measure(Path(folder), options.events)
    print(json.dumps(asdict(found)) if options.json else table(found))


if __name__ == "__main__":
    main()
