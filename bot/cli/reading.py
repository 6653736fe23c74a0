"""Without a server the journal itself is read, and only read: the last recorded word instead of a fresh decision."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import typer

from bot.api.problems import Problem
from bot.cli.asking import Question, Unreached, ask
from bot.cli.endings import Code, Ending
from bot.cli.reaching import Reach
from bot.clock import SystemClock
from bot.journal import Journal
from bot.recalling import Recall
from bot.tenants import Tenant, Tenants
from config.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Book:
    """The journal, opened for reading, with the tenants of the settings and the policies last learned."""

    journal: Journal
    tenants: Tenants
    settings: Settings


Look = Callable[[Book], Awaitable[T]]


def answer(reach: Reach, question: Question, form: type[T], look: Look[T], *, offline: bool) -> T:
    """Ask the server; when it was not named and is not there, read the journal instead, and say so on stderr."""
    server = None if offline else reach.server()
    if server is None:
        if not offline:
            typer.echo("no API token is known: reading the journal instead of asking the server", err=True)
        return read(reach, look)
    try:
        return ask(server, question, form)
    except Unreached:
        if server.named:
            raise
    typer.echo(f"no server at {server.url}: reading the journal instead", err=True)
    return read(reach, look)


def read(reach: Reach, look: Look[T]) -> T:
    """What `look` finds in the journal of the settings."""
    return asyncio.run(_read(reach.settings, look))


async def _read(settings: Settings, look: Look[T]) -> T:
    journal = await Journal.open(settings.database().get_secret_value(), SystemClock(), read_only=True)
    try:
        tenants = _tenants(settings)
        await Recall(journal, tenants).all()
        return await look(Book(journal=journal, tenants=tenants, settings=settings))
    except Problem as problem:
        raise Ending(Code.FAILED, str(problem)) from problem
    finally:
        await journal.close()


def _tenants(settings: Settings) -> Tenants:
    return Tenants(
        Tenant(
            name=name,
            config_project=found.config_project,
            branch=found.branch,
            projects=found.application_projects,
        )
        for name, found in settings.tenants.items()
    )
