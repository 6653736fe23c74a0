"""The story: one release from a commit through dev and staging to production, each step seen before it is told."""

from dataclasses import dataclass
from typing import Any

from bot.demo.processes import TENANT
from bot.demo.telling import Telling
from bot.demo.witness import Unseen, Witness, until
from bot.positions import parse_release_file

BEFORE, VERSION = "1.0.0", "1.1.0"
CHANGES = ("Greet people by their name", "Answer in their language")


@dataclass(slots=True)
class Story:
    """The steps, in order. `sha` is the released commit, once there is one."""

    witness: Witness
    telling: Telling
    bot_url: str
    sha: str = ""

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
        path = f"{self.witness.config}/repository/files/.sluice%2Finstall?ref=main"
        with self.telling.waiting("waiting for .sluice/install"):
            await until(".sluice/install on main", lambda: self._exists(path))
        self.telling.say("proof", f".sluice/install is on main; {BEFORE} runs everywhere and is the baseline")

    async def release(self) -> None:
        """The developers' side: commits, a tag, CI, an image."""
        self.telling.say("heading", f"2  Release {VERSION}")
        made = await self.witness.control("releases", {"version": VERSION, "changes": list(CHANGES)})
        self.sha = str(made["commit"])
        for change in CHANGES:
            self.telling.say("person", f"a developer commits: {change}")
        self.telling.say("proof", f"v{VERSION} is tagged at {self.sha[:8]}, its pipeline passed, its image is pushed")

    async def dev(self) -> None:
        """Image automation follows the tag; the bot only says so."""
        self.telling.say("heading", "3  dev follows the build")
        await self._status("dev")
        self.telling.say("bot", f"Flux's image automation wrote {VERSION} into Git, and dev is healthy on it")
        self.telling.say("proof", f"sluice/dev is success on {self.sha[:8]}")

    async def staging(self) -> None:
        """A merge request that Sluice opens, proves and merges."""
        self.telling.say("heading", "4  staging by a merge request, merged by Sluice")
        with self.telling.waiting("waiting for the merge request into staging"):
            request = await until("a merge request into staging", lambda: self._request("staging", "merged"))
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._gates(request)
        self.telling.say(
            "proof", f"!{request['iid']} was merged at {str(request['sha'])[:8]}, the head its pipeline tested"
        )
        await self._status("staging")
        self.telling.say("proof", f"sluice/staging is success on {self.sha[:8]}")

    async def production(self) -> None:
        """The same, but a person merges."""
        self.telling.say("heading", "5  production by a merge request, merged by a person")
        with self.telling.waiting("waiting for the merge request into production"):
            request = await until("a mergeable merge request into production", self._mergeable)
        self.telling.say("bot", f"opened !{request['iid']} {request['title']!r}: {request['web_url']}")
        await self._gates(request)
        self.telling.say("person", f"the maintainer reads it and merges !{request['iid']}")
        path = f"{self.witness.config}/merge_requests/{request['iid']}/merge"
        await self.witness.gitlab(path, who="maintainer_token", method="PUT", body={"sha": request["sha"]})
        await self._status("production")
        self.telling.say("proof", f"sluice/production is success on {self.sha[:8]}")

    async def read_back(self) -> None:
        """Git and GitLab as a newcomer would find them."""
        self.telling.say("heading", "6  Read it all back")
        await self._deployments()
        self.telling.say("proof", f"GitLab shows {self.sha[:8]} deployed to dev, staging and production")
        folder = await self.witness.checkout()
        for environment in ("staging", "production"):
            text = (folder / f".sluice/releases/{environment}/demo-service.yaml").read_text("utf-8")
            if (found := parse_release_file(text)).version != VERSION or found.commit != self.sha:
                raise Unseen(f"{VERSION} of {self.sha} in {environment}'s release file", f"{found} of {found.commit}")
        for environment in ("dev", "staging", "production"):
            text = (folder / f"apps/demo-service/{environment}/kustomization.yaml").read_text("utf-8")
            if f"newTag: {VERSION}" not in text.replace('"', ""):
                raise Unseen(f"newTag: {VERSION} in {environment}'s kustomization", text)
        self.telling.say(
            "proof", f"a fresh clone says {VERSION} in all three environments, and its release files pin the digest"
        )

    async def _exists(self, path: str) -> bool:
        try:
            return bool(await self.witness.gitlab(path))
        except Unseen:
            return False

    async def _request(self, environment: str, state: str) -> dict[str, Any] | None:
        return await self.witness.merge_request(environment, state)

    async def _mergeable(self) -> dict[str, Any] | None:
        request = await self._request("production", "opened")
        if request is None or request["detailed_merge_status"] != "mergeable" or request["draft"]:
            return None
        return request if await self._gate_status(request) == "success" else None

    async def _gates(self, request: dict[str, Any]) -> None:
        if (state := await self._gate_status(request)) != "success":
            raise Unseen(f"sluice/gates success on !{request['iid']}", state)
        path = f"{self.witness.config}/merge_requests/{request['iid']}/notes"

        async def note() -> list[str]:
            bodies = [str(found["body"]) for found in await self.witness.gitlab(path)]
            return [body for body in bodies if "merge proof" in body or "runs and is healthy" in body]

        await until(f"the note with the gates on !{request['iid']}", note)
        self.telling.say("proof", f"sluice/gates is green on !{request['iid']}, and its note shows every gate")

    async def _gate_status(self, request: dict[str, Any]) -> str:
        path = f"{self.witness.config}/repository/commits/{request['sha']}/statuses?name=sluice%2Fgates"
        found = await self.witness.gitlab(path)
        return str(found[0]["status"]) if found else ""

    async def _status(self, environment: str) -> None:
        name = f"sluice/{environment}"

        async def success() -> bool:
            return await self.witness.status(self.sha, name) == "success"

        with self.telling.waiting(f"waiting for {environment} to be healthy"):
            await until(f"{name} success on {self.sha}", success)

    async def _deployments(self) -> None:
        async def environments() -> bool:
            found = await self.witness.gitlab(f"{self.witness.application}/deployments?status=success&per_page=100")
            here = {one["environment"]["name"] for one in found if one["sha"] == self.sha}
            return here == {"dev", "staging", "production"}

        await until("three successful deployments", environments)
