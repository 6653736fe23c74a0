"""Runs the demo: starts both processes in a folder of their own, tells the story, and reports."""

import asyncio
import json
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bot.demo.processes import API_TOKEN, bot, last_words, sandbox
from bot.demo.report import Report, collect
from bot.demo.story import Story
from bot.demo.telling import Telling
from bot.demo.witness import Unseen, Witness

LOG_LINES = 15


async def run(telling: Telling, *, stay: bool = False) -> Report:
    """The whole demo. With `stay` everything keeps running until it is cancelled; the report is then never returned."""
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sluice-demo-")))
        telling.say("heading", "0  Start GitLab, a registry, a cluster with Flux (the sandbox), and Sluice")
        facts = await stack.enter_async_context(sandbox(folder))
        url = await stack.enter_async_context(bot(folder / "bot", facts))
        telling.say("proof", f"GitLab {facts['gitlab_url']}  registry {facts['registry_url']}  Sluice {url}")
        session = await stack.enter_async_context(aiohttp.ClientSession())
        witness = Witness(facts, session, folder)
        story = Story(witness, telling, url)
        report = await _told(story, telling, folder)
        report.seconds = round(time.monotonic() - began, 1)
        if report.ok:
            telling.say("heading", f"Done in {report.seconds} s: {report.gitlab_writes} writes to GitLab.")
        if stay:
            _show_around(telling, url, witness)
            await asyncio.Event().wait()
        return report


async def _told(story: Story, telling: Telling, folder: Path) -> Report:
    failed = None
    try:
        await story.tell()
    except Unseen as error:
        failed = error
        await _explain(story, telling, folder, error)
    report = await collect(story.witness, story.bot_url, story.sha) if story.sha else Report()
    report.ok = failed is None and report.deliveries.get("dead") == 0
    return report


async def _explain(story: Story, telling: Telling, folder: Path, error: Unseen) -> None:
    """What the next person needs: what was missing, what the bot says, and the end of its log."""
    telling.say("failure", str(error))
    for environment in ("staging", "production"):
        try:
            path = f"why?application=demo-service&environment={environment}"
            telling.say("failure", json.dumps(await story.witness.bot(story.bot_url, path)))
        except (Unseen, aiohttp.ClientError) as silent:
            telling.say("failure", f"why {environment}: {silent}")
    for line in last_words(folder / "bot" / "bot.log").splitlines()[-LOG_LINES:]:
        telling.say("failure", line)


def _show_around(telling: Telling, url: str, witness: Witness) -> None:
    facts = witness.facts
    telling.say("heading", "Everything keeps running; Ctrl-C ends it.")
    telling.say("bot", f"Sluice   {url}  (API token {API_TOKEN})")
    telling.say("bot", f"GitLab   {facts['gitlab_url']}  (root token {facts['root_token']})")
    telling.say("bot", f"control  {facts['control_url']}  (token {facts['control_token']}; docs/sandbox.md)")
    telling.say("bot", f"next     sluice status --server {url} --token {API_TOKEN}")
