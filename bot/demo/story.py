"""The story: a release goes to production, a bad one is taken back and kept out, and a mended one goes through."""

from dataclasses import dataclass, field

from bot.demo import proofs
from bot.demo.processes import TENANT
from bot.demo.steps import Made, Steps
from bot.demo.telling import Telling
from bot.demo.witness import Witness, until

BEFORE, GOOD, BAD, MENDED = "1.0.0", "1.1.0", "1.2.0", "1.2.1"
RESCANS = 100


@dataclass(slots=True)
class Story:
    """The chapters, in order. `made`: the releases made so far, oldest first."""

    witness: Witness
    telling: Telling
    bot_url: str
    made: list[Made] = field(default_factory=list)

    @property
    def steps(self) -> Steps:
        """What every release goes through."""
        return Steps(self.witness, self.telling, self.bot_url)

    async def tell(self) -> None:
        """All of it; Unseen at the first step that does not happen."""
        await self.adopt()
        await self.good()
        await self.bad()
        await self.taken_back()
        await self.kept_out()
        await self.mended()

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

    async def good(self) -> None:
        """From a commit to production, by merge requests."""
        steps = self.steps
        self.telling.say("heading", f"2  Release {GOOD}")
        made = await self._release(GOOD, "Greet people by their name", "Answer in their language")
        self.telling.say("heading", "3  dev follows the build")
        await steps.dev(made)
        self.telling.say("heading", "4  staging by a merge request, merged by Sluice")
        await steps.staging(made)
        self.telling.say("heading", "5  production by a merge request, merged by a person")
        await steps.into_production(made)
        await steps.status(made, "production", "success")
        self.telling.say("bot", f"placed the tag {GOOD}-prod after the merge; Flux wrote it, and the canary passed")
        await until("three successful deployments", lambda: proofs.deployed(self.witness, made.sha))
        await proofs.declares(self.witness, GOOD, commit=made.sha, digest=made.digest)
        self.telling.say("proof", f"sluice/production is success on {made.sha[:8]}; GitLab shows three deployments")
        self.telling.say("proof", f"a fresh clone says {GOOD} everywhere; release files pin {made.digest[7:15]}")

    async def bad(self) -> None:
        """Healthy everywhere but under production's traffic."""
        self.telling.say("heading", f"6  Release {BAD} answers one request in two with an error, in production only")
        await proofs.canary_will(self.witness, "fail")
        made = await self._release(BAD, "Remember every visitor")
        await self.steps.dev(made)
        await self.steps.staging(made)
        await self.steps.into_production(made)

    async def taken_back(self) -> None:
        """Git, the cluster and GitLab say so."""
        made, before = self.made[-1], self.made[-2]
        self.telling.say("heading", f"7  The canary fails, and Sluice takes {BAD} back")
        await self.steps.status(made, "production", "failed")
        with self.telling.waiting("waiting until Git says it"):
            told = await until("an incident issue", lambda: proofs.incident(self.witness, BAD))
        await proofs.taken_back(self.witness, bad=made, back_to=before)
        self.telling.say(
            "bot", "one commit on main: release file and image back, pin, denial, image automation stopped"
        )
        self.telling.say(
            "proof", f"a fresh clone says {GOOD} in production, pinned; {made.digest[7:15]} is denied there"
        )
        self.telling.say(
            "proof", f"sluice/production is failed on {made.sha[:8]}; incident #{told['iid']} {told['title']!r}"
        )

    async def kept_out(self) -> None:
        """Image automation tries again and again."""
        self.telling.say("heading", f"8  Image automation scans the registry {RESCANS} times")
        with self.telling.waiting("scanning"):
            await self.witness.control("registry/rescan", {"times": RESCANS})
        await proofs.taken_back(self.witness, bad=self.made[-1], back_to=self.made[-2])
        self.telling.say("proof", f"Flux still selects {BAD}-prod; production still says and runs {GOOD}")

    async def mended(self) -> None:
        """What lifts the pin."""
        self.telling.say("heading", f"9  Release {MENDED} mends it, and lifts the pin")
        await proofs.canary_will(self.witness, "succeed")
        made = await self._release(MENDED, "Remember visitors without an error")
        await self.steps.dev(made)
        await self.steps.staging(made)
        await self.steps.into_production(made)
        await self.steps.status(made, "production", "success")
        await until("the pin lifted", lambda: proofs.unpinned(self.witness))
        await proofs.declares(self.witness, MENDED, commit=made.sha, digest=made.digest)
        self.telling.say("bot", "gave the image position back to Flux once its policy selected what was approved")
        self.telling.say("proof", f"a fresh clone says {MENDED} everywhere; the pin is gone, the denial of {BAD} stays")

    async def _release(self, version: str, *changes: str) -> Made:
        made = await self.steps.release(version, *changes)
        self.made.append(made)
        return made

    async def _looked_around(self) -> str:
        """The installation's id, once it is adopted and knows what runs: a release before that would be baseline."""
        status = await self.witness.bot(self.bot_url, "status")
        known = [row["running"] for row in status["environments"]] == [BEFORE] * len(proofs.ENVIRONMENTS)
        return str(status["installation"]) if known and all(one["adopted"] for one in status["tenants"]) else ""
