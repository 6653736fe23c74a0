"""The demo's result as one JSON object, read back from GitLab, Git, the sandbox's counters and the bot's own counts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bot.demo.history import repromotions_of_denied, rollbacks
from bot.demo.proofs import ENVIRONMENTS
from bot.demo.witness import Witness


@dataclass(slots=True)
class Report:
    """What `--json` prints. seconds: from the first process started to the last step verified."""

    ok: bool = False
    seconds: float = 0.0
    merge_requests: list[dict[str, str]] = field(default_factory=list)
    statuses: list[dict[str, str]] = field(default_factory=list)
    rollbacks: list[dict[str, str]] = field(default_factory=list)
    repromotions_of_denied: int = 0
    deliveries: dict[str, int] = field(default_factory=dict)
    gitlab_writes: int = 0

    def as_json(self) -> dict[str, Any]:
        """The object."""
        return asdict(self)


async def collect(witness: Witness, bot_url: str, commits: Sequence[str]) -> Report:
    """Everything but `ok` and `seconds`, as it stands now; Unseen when somebody does not answer."""
    requests = await witness.gitlab(f"{witness.config}/merge_requests?state=all&order_by=created_at&sort=asc")
    found = [(sha, f"sluice/{name}") for sha in commits for name in ENVIRONMENTS]
    states = [{"sha": sha, "name": name, "state": await witness.status(sha, name)} for sha, name in found]
    counters = await witness.control("counters", method="GET")
    deliveries = (await witness.bot(bot_url, "status"))["deliveries"]
    history = await witness.history()
    return Report(
        merge_requests=[_request(one) for one in requests if one["source_branch"].startswith("sluice/")],
        statuses=[one for one in states if one["state"]],
        rollbacks=rollbacks(history),
        repromotions_of_denied=repromotions_of_denied(history),
        deliveries={
            "received": sum(deliveries.values()),
            "done": sum(deliveries.values()) - deliveries.get("received", 0) - deliveries.get("dead", 0),
            "dead": deliveries.get("dead", 0),
        },
        gitlab_writes=int(counters["gitlab"]["by_user"].get("sluice", 0)),
    )


def _request(one: dict[str, Any]) -> dict[str, str]:
    environment = str(one["source_branch"]).split("/")[1]
    return {"environment": environment, "version": version_in(str(one["title"])), "state": str(one["state"])}


def version_in(title: str) -> str:
    """The version in `Promote demo-service 1.1.0 to staging`."""
    words = title.removeprefix("Draft: ").split()
    return words[2] if len(words) > 2 else ""
