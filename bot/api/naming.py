"""A name that does not exist is answered with the names that do, the nearest first."""

from collections.abc import Iterable
from difflib import get_close_matches

from bot.api.problems import Problem, bad_request, not_found
from bot.keys import EnvironmentKey
from bot.tenants import Tenants


def known_tenant(tenants: Tenants, name: str) -> str:
    """The tenant of this name; Problem 404 with a suggestion otherwise."""
    if tenants.get(name) is None:
        raise unknown("tenant", name, (tenant.name for tenant in tenants))
    return name


def known_environment(tenants: Tenants, application: str, environment: str, tenant: str = "") -> EnvironmentKey:
    """The one environment meant; Problem 404 for an unknown name, 400 when several tenants have the application."""
    governed = _governing(tenants, application, tenant)
    policy = tenants.policy(governed)
    if environment not in policy.environments_of(application):
        raise unknown("environment", environment, policy.environments_of(application), of=f" of {application}")
    return EnvironmentKey(governed, application, environment)


def known_application(tenants: Tenants, application: str, tenant: str = "") -> str:
    """An application of one tenant at least; Problem 404 with a suggestion otherwise."""
    _having(tenants, application, tenant)
    return application


def _governing(tenants: Tenants, application: str, tenant: str) -> str:
    having = _having(tenants, application, tenant)
    if len(having) > 1:
        names = ", ".join(having)
        raise bad_request(f"{application} is not one application.", f"Each of {names} has one.", "Say tenant=.")
    return having[0]


def _having(tenants: Tenants, application: str, tenant: str) -> list[str]:
    asked = [known_tenant(tenants, tenant)] if tenant else [found.name for found in tenants]
    having = [name for name in asked if application in tenants.policy(name).applications]
    if not having:
        raise unknown("application", application, (app for name in asked for app in tenants.policy(name).applications))
    return having


def unknown(word: str, name: str, known: Iterable[str], *, of: str = "", why: str = "") -> Problem:
    """404 for a name: the nearest ones, else all there are. why: when it is no name of the policy."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        do = f"Did you mean {' or '.join(close)}?"
    elif names:
        do = f"There is {', '.join(names[:20])}{' …' if len(names) > 20 else ''}."
    else:
        do = "None is known yet: a policy is learned when the config repository is first read (`sluice status`)."
    what = f"There is no {word} {name!r}{of}."
    return not_found(what, why or f"No policy in force names this {word}.", do, code=f"unknown_{word}")
