"""A version that a person names is checked against what was in the environment, before anything is asked for."""

from dataclasses import dataclass

from bot.api import naming
from bot.api.declared import LATEST, Declared, last_declared
from bot.api.problems import Problem
from bot.journal import Journal
from bot.keys import EnvironmentKey
from bot.records import Promotion, PromotionState

LANDED: frozenset[PromotionState] = frozenset({"applied", "done", "failed", "rolled_back", "bypassed", "downgraded"})
TOLD = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An environment's versions. been: those that were there or are denied there. known: all of the application."""

    key: EnvironmentKey
    git: Declared
    been: tuple[str, ...]
    known: tuple[str, ...]


async def past(journal: Journal, key: EnvironmentKey) -> Past:
    """From the journal alone."""
    git = await last_declared(journal, await journal.runs(subject=key, limit=LATEST))
    landed = [promotion.release.name for promotion in await journal.promotions(key.owner) if _landed(promotion, key)]
    running = [state.version for state in await journal.environment_states(key.owner) if state.key == key]
    taken_back = [git.pin.instead_of.version] if git.pin else []
    been = dict.fromkeys([git.version, *landed, *running, *git.denied, *taken_back])
    known = [record.release.name for record in await journal.releases(key.owner)]
    return Past(key=key, git=git, been=tuple(name for name in been if name), known=tuple(known))


def check(there: Past, version: str) -> str:
    """The version; Problem 404 when nobody knows it, 409 when it was never in the environment."""
    if version in there.been:
        return version
    environment = there.key.environment
    if version not in there.known:
        why = f"No release of {there.key.application} has this version."
        raise naming.unknown("version", version, (*there.been, *there.known), of=f" of {environment}", why=why)
    been = f"There were {', '.join(there.been[:TOLD])}." if there.been else "Nothing was seen there yet."
    raise Problem(
        409,
        "never_there",
        what=f"{version} was never in {environment}.",
        why=f"Only what was there can be taken back or allowed again. {been}",
        do=f"Name one of those, or see `sluice status {there.key.application}`.",
    )


def _landed(promotion: Promotion, key: EnvironmentKey) -> bool:
    if promotion.key != key:
        return False
    seen = bool(promotion.merged_revision) or promotion.healthy_at is not None or promotion.baseline
    return seen or promotion.state in LANDED
