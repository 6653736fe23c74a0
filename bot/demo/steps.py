"""The steps that every release of the story takes, each seen before it is told: made, dev, staging, production."""

from dataclasses import dataclass
from typing import Any

from bot.demo import proofs
from bot.demo.telling import Telling
from bot.demo.witness import Unseen, Witness, until


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A release of the story: its version, the released commit, and its image's digest."""

    version: str
    sha: str
    digest: str


@dataclass(frozen=True, slots=True)
class Steps:
    """What people do and what is then seen, in the words of the story."""

    witness: Witness
    telling: Telling
    bot_url: str

    async def release(self, version: str, *changes: str) -> Made:
        """The developers' side: commits, a tag, CI, an image."""
        made = await self.witness.control("releases", {"version": version, "changes": list(changes)})
        found = Made(version=version, sha=str(made["commit"]), digest=str(made["digest"]))
        for change in changes:
            self.telling.say("person", f"a developer commits: {change}")
        await proofs.released(self.witness, version, commit=found.sha, digest=found.digest)
        self.telling.say("proof", f"v{version} is tagged at {found.sha[:8]}, its pipeline passed, its image is pushed")
        return found

    async def dev(self, made: Made) -> None:
        """Image automation follows the tag; the bot only says so."""
        await self.status(made, "dev", "success")
        self.telling.say("bot", f"Flux's image automation wrote {made.version} into Git; Sluice saw it become healthy")
        self.telling.say("proof", f"sluice/dev is success on {made.sha[:8]}")

    async def staging(self, made: Made) -> None:
        """A merge request that Sluice opens, proves and merges."""
        with self.telling.waiting("waiting for the merge request into staging"):
            request = await until("a merged merge request into staging", lambda: self._merged("staging", made))
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._gates_are_green(request)
        self.telling.say("proof", f"sluice/gates is green on its head {request['sha'][:8]}")
        await proofs.merged(self.witness, request["iid"], sha=request["sha"], by="sluice")
        self.telling.say("proof", f"Sluice merged exactly {request['sha'][:8]}, whose own pipeline had passed")
        await self.status(made, "staging", "success")
        self.telling.say("proof", f"sluice/staging is success on {made.sha[:8]}")

    async def into_production(self, made: Made) -> None:
        """The same, but a person merges."""
        with self.telling.waiting("waiting for the merge request into production"):
            request = await until("a mergeable merge request into production", lambda: self._mergeable(made))
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._note_shows_gates(request)
        self.telling.say("proof", "sluice/gates is green, and its note shows every gate; it is open and waits")
        for sentence in await self.why("production"):
            self.telling.say("bot", f"sluice why {proofs.APPLICATION} production: {sentence}")
        self.telling.say("person", f"the maintainer reads it and merges !{request['iid']}")
        path = f"{self.witness.config}/merge_requests/{request['iid']}/merge"
        await self.witness.gitlab(path, who="maintainer_token", method="PUT", body={"sha": request["sha"]})
        await proofs.merged(self.witness, request["iid"], sha=request["sha"], by="maintainer")
        self.telling.say("proof", f"the maintainer merged {request['sha'][:8]}")

    async def status(self, made: Made, environment: str, wanted: str) -> None:
        """The commit says how it fares in an environment; Unseen when it ends otherwise."""
        name = f"sluice/{environment}"
        other = "failed" if wanted == "success" else "success"

        async def says() -> bool:
            state = await self.witness.status(made.sha, name)
            if state == other:
                raise Unseen(f"{name} {wanted} on {made.sha}", state)
            return state == wanted

        with self.telling.waiting(f"waiting for {environment}: {made.version} {wanted}"):
            await until(f"{name} {wanted} on {made.sha}", says)

    async def why(self, environment: str) -> list[str]:
        """What the rules say of an environment now, as `sluice why` asks it: those that want or wait for something."""
        path = f"why?application={proofs.APPLICATION}&environment={environment}"
        explained = (await self.witness.bot(self.bot_url, path))["explained"]
        return [f"{one['kind']}, {one['because']}" for one in explained if one["kind"] != "skip"]

    async def _merged(self, environment: str, made: Made) -> dict[str, Any] | None:
        request = await self.witness.merge_request(environment, "merged")
        return request if request is not None and made.version in request["title"] else None

    async def _mergeable(self, made: Made) -> dict[str, Any] | None:
        request = await self.witness.merge_request("production", "opened")
        if request is None or made.version not in request["title"]:
            return None
        if request["detailed_merge_status"] != "mergeable" or request["draft"]:
            return None
        return request if await self._gate_status(request) == "success" else None

    async def _gates_are_green(self, request: dict[str, Any]) -> None:
        proofs.expect(f"sluice/gates success on !{request['iid']}", await self._gate_status(request), "success")

    async def _note_shows_gates(self, request: dict[str, Any]) -> None:
        """The one note of the bot has a row for each gate; it is written after the status, so it is waited for."""
        path = f"{self.witness.config}/merge_requests/{request['iid']}/notes"

        async def note() -> bool:
            bodies = [str(found["body"]) for found in await self.witness.gitlab(path)]
            return any("healthy before" in body and "merge proof" in body for body in bodies)

        await until(f"the note with the gates on !{request['iid']}", note)

    async def _gate_status(self, request: dict[str, Any]) -> str:
        path = f"{self.witness.config}/repository/commits/{request['sha']}/statuses?name=sluice%2Fgates"
        found = await self.witness.gitlab(path)
        return str(found[0]["status"]) if found else ""
