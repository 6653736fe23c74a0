"""The story: one release from a commit through dev and staging to production, each step seen before it is told."""

from dataclasses import dataclass
from typing import Any

from bot.demo import proofs
from bot.demo.processes import TENANT
from bot.demo.telling import Telling
from bot.demo.witness import Unseen, Witness, until

BEFORE, VERSION = "1.0.0", "1.1.0"
CHANGES = ("Greet people by their name", "Answer in their language")


@dataclass(slots=True)
class Story:
    """The steps, in order. `sha` is the released commit, and `digest` its image's, once there is one."""

    witness: Witness
    telling: Telling
    bot_url: str
    sha: str = ""
    digest: str = ""

    async def tell(self) -> None:
        """All of it; Unseen at the first step that does not happen."""
        await self.adopt()
        await self.release()
        await self.dev()
        await self.staging()
        await self.production()
        await self.read_back()

    async def adopt(self) -> None:
        """Nothing moves before a person says so."""
        self.telling.say("heading", "1  Adopt")
        await self.witness.control("bot", {"url": self.bot_url})
        self.telling.say("person", f"the platform engineer lets Sluice act on {self.witness.facts['config_project']}")
        await self.witness.bot(self.bot_url, "adopt", method="POST", body={"tenant": TENANT})
        with self.telling.waiting("waiting until Sluice has looked around"):
            installation = await until("the installation adopted, all environments known", self._looked_around)
        await proofs.installed(self.witness, installation)
        self.telling.say("proof", f".sluice/install on main names this installation ({installation[:8]})")
        await proofs.declares(self.witness, BEFORE)
        self.telling.say("proof", f"a fresh clone says {BEFORE} in dev, staging and production")

    async def release(self) -> None:
        """The developers' side: commits, a tag, CI, an image."""
        self.telling.say("heading", f"2  Release {VERSION}")
        made = await self.witness.control("releases", {"version": VERSION, "changes": list(CHANGES)})
        self.sha, self.digest = str(made["commit"]), str(made["digest"])
        for change in CHANGES:
            self.telling.say("person", f"a developer commits: {change}")
        await proofs.released(self.witness, VERSION, commit=self.sha, digest=self.digest)
        self.telling.say("proof", f"v{VERSION} is tagged at {self.sha[:8]}, its pipeline passed, its image is pushed")

    async def dev(self) -> None:
        """Image automation follows the tag; the bot only says so."""
        self.telling.say("heading", "3  dev follows the build")
        await self._status("dev")
        self.telling.say("bot", f"Flux's image automation wrote {VERSION} into Git; Sluice saw it become healthy")
        self.telling.say("proof", f"sluice/dev is success on {self.sha[:8]}")

    async def staging(self) -> None:
        """A merge request that Sluice opens, proves and merges."""
        self.telling.say("heading", "4  staging by a merge request, merged by Sluice")
        with self.telling.waiting("waiting for the merge request into staging"):
            request = await until("a merged merge request into staging", lambda: self._request("staging", "merged"))
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._gates_are_green(request)
        self.telling.say("proof", f"sluice/gates is green on its head {request['sha'][:8]}")
        await proofs.merged(self.witness, request["iid"], sha=request["sha"], by="sluice")
        self.telling.say("proof", f"Sluice merged exactly {request['sha'][:8]}, whose own pipeline had passed")
        await self._status("staging")
        self.telling.say("proof", f"sluice/staging is success on {self.sha[:8]}")

    async def production(self) -> None:
        """The same, but a person merges."""
        self.telling.say("heading", "5  production by a merge request, merged by a person")
        with self.telling.waiting("waiting for the merge request into production"):
            request = await until("a mergeable merge request into production", self._mergeable)
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._note_shows_gates(request)
        self.telling.say("proof", "sluice/gates is green, and its note shows every gate; it is open and waits")
        for sentence in await self.why("production"):
            self.telling.say("bot", f"sluice why {proofs.APPLICATION} production: {sentence}")
        self.telling.say("person", f"the maintainer reads it and merges !{request['iid']}")
        path = f"{self.witness.config}/merge_requests/{request['iid']}/merge"
        await self.witness.gitlab(path, who="maintainer_token", method="PUT", body={"sha": request["sha"]})
        await proofs.merged(self.witness, request["iid"], sha=request["sha"], by="maintainer")
        await self._status("production")
        self.telling.say("proof", f"the maintainer merged {request['sha'][:8]}")
        self.telling.say("proof", f"sluice/production is success on {self.sha[:8]}")

    async def read_back(self) -> None:
        """Git and GitLab as a newcomer would find them."""
        self.telling.say("heading", "6  Read it all back")
        await until("three successful deployments", lambda: proofs.deployed(self.witness, self.sha))
        self.telling.say("proof", f"GitLab shows {self.sha[:8]} deployed to dev, staging and production")
        await proofs.declares(self.witness, VERSION, commit=self.sha, digest=self.digest)
        short = self.digest.removeprefix("sha256:")[:8]
        self.telling.say("proof", f"a fresh clone says {VERSION} everywhere, its release files pin image {short}")

    async def why(self, environment: str) -> list[str]:
        """What the rules say of an environment now, as `sluice why` asks it: those that want or wait for something."""
        path = f"why?application={proofs.APPLICATION}&environment={environment}"
        explained = (await self.witness.bot(self.bot_url, path))["explained"]
        return [f"{one['kind']}, {one['because']}" for one in explained if one["kind"] != "skip"]

    async def _looked_around(self) -> str:
        """The installation's id, once it is adopted and knows what runs: a release before that would be baseline."""
        status = await self.witness.bot(self.bot_url, "status")
        known = [row["running"] for row in status["environments"]] == [BEFORE] * len(proofs.ENVIRONMENTS)
        return str(status["installation"]) if known and all(one["adopted"] for one in status["tenants"]) else ""

    async def _request(self, environment: str, state: str) -> dict[str, Any] | None:
        return await self.witness.merge_request(environment, state)

    async def _mergeable(self) -> dict[str, Any] | None:
        request = await self._request("production", "opened")
        if request is None or request["detailed_merge_status"] != "mergeable" or request["draft"]:
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

    async def _status(self, environment: str) -> None:
        name = f"sluice/{environment}"

        async def success() -> bool:
            state = await self.witness.status(self.sha, name)
            if state == "failed":
                raise Unseen(f"{name} success on {self.sha}", state)
            return state == "success"

        with self.telling.waiting(f"waiting for {environment} to be healthy"):
            await until(f"{name} success on {self.sha}", success)
