"""Runs the demo: starts both processes in a folder of their own, tells the story, and reports."""

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bot.demo.processes import API_TOKEN, bot, last_words, sandbox
from bot.demo.report import Report, collect
from bot.demo.story import Story
from bot.demo.telling import Telling
from bot.demo.witness import Unseen, Witness
from bot.errors import PermanentError

LOG_LINES = 15


async def run(telling: Telling, report_to: Callable[[Report], None], *, stay: bool = False) -> None:
    """The whole demo; the report is handed over once, at its end. With `stay` everything then runs until cancelled."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-")))
        try:
            story = await _begun(telling, folder, stack)
        except PermanentError as error:
            telling.say("failure", str(error))
            report_to(Report())
            return
        report = await _told(story, telling, folder)
        report.seconds = round(time.monotonic() - began, 1)
        if report.ok:
            telling.say("heading", f"Done in {report.seconds} s: {report.gitlab_writes} writes to GitLab.")
        if stay:
            _show_around(telling, story.bot_url, story.witness)
        report_to(report)
        if stay:
            await asyncio.Event().wait()


async def _begun(telling: Telling, folder: Path, stack: AsyncExitStack) -> Story:
    """Both processes run, and hear each other."""
    telling.say("heading", "0  Start GitLab, a registry, a cluster with Flux (the sandbox), and Sluice")
    with telling.waiting("starting the sandbox and Sluice"):
        world = await stack.enter_async_context(sandbox(folder))
        facts = json.loads(world.line)
        serving = await stack.enter_async_context(bot(folder / "bot", facts))
        url = serving.line.split()[-1]
    telling.say("proof", f"GitLab {facts['gitlab_url']}  registry {facts['registry_url']}  Sluice {url}")
    session = await stack.enter_async_context(aiohttp.ClientSession())
    return Story(Witness(facts, session, folder, (world, serving)), telling, url)


async def _told(story: Story, telling: Telling, folder: Path) -> Report:
    """The story, then the report; whatever was not seen, or could not be asked, makes it not ok."""
    seen = False
    try:
        await story.tell()
        seen = True
    except Unseen as error:
        await _explain(story, telling, folder, error)
    try:
        report = await collect(story.witness, story.bot_url, [made.sha for made in story.made])
    except Unseen as error:
        telling.say("failure", str(error))
        return Report()
    report.ok = seen and report.deliveries["dead"] == 0
    return report


async def _explain(story: Story, telling: Telling, folder: Path, error: Unseen) -> None:
    """What the next person needs: what was missing, what the rules say, and the end of the bot's log."""
    telling.say("failure", str(error))
    for environment in ("dev", "staging", "production"):
        try:
            for sentence in await story.steps.why(environment):
                telling.say("failure", f"why {environment}: {sentence}")
        except Unseen as silent:
            telling.say("failure", f"why {environment}: {silent}")
    for line in last_words(folder / "bot" / "bot.log").splitlines()[-LOG_LINES:]:
        telling.say("failure", f"bot.log: {line}")


def _show_around(telling: Telling, url: str, witness: Witness) -> None:
    facts = witness.facts
    telling.say("heading", "Everything keeps running; Ctrl-C ends it.")
    telling.say("bot", f"Sluice   {url}  (API token {API_TOKEN})")
    telling.say("bot", f"GitLab   {facts['gitlab_url']}  (root token {facts['root_token']})")
    telling.say(
        "bot", f"people   developer (token {facts['developer_token']}), maintainer (token {facts['maintainer_token']})"
    )
    telling.say("bot", f"registry {facts['registry_url']}  cluster {facts['cluster_url']} ({facts['kubeconfig']})")
    telling.say("bot", f"control  {facts['control_url']}  (token {facts['control_token']}; docs/sandbox.md)")
    telling.say("heading", "Next, in another terminal:")
    telling.say("bot", f"export SLUICE_SERVER={url} SLUICE_TOKEN={API_TOKEN} PATH=$PWD/.venv/bin:$PATH")
    telling.say("bot", "sluice status")
    telling.say("bot", "sluice why demo-service production")
    telling.say("bot", 'sluice rollback demo-service production --reason "try it" --wait')
