"""Whom the policy lets command what: its own grants, or by role where it says nothing of access. Deny by default."""

from re import compile as pattern
from typing import TYPE_CHECKING

from config.access import GrantForm, RoleName

if TYPE_CHECKING:
    from config.policy import Policy

READING = frozenset({"status", "why", "diff", "who-can"})
"""Verbs that tell what is so: whoever may read the application's project may ask."""
CAREFUL = frozenset({"promote", "retry", "cancel", "hold", "unhold", "approve", "reject"})
"""Verbs that developers may give where it is not production."""
PRODUCTION = pattern(r"(?i)prod|live")
"""How GitLab guesses the tier `production` from a name (Environments, deployment tiers; case is not regarded)."""
ANY = "*"


def grants(policy: "Policy", verb: str, application: str, environment: str) -> tuple[GrantForm, ...]:
    """The grants of a verb for an application (empty: any) in an environment (empty: any); none means nobody."""
    if policy.access is None:
        return (by_role(policy, verb, environment),)
    return tuple(grant for grant in policy.access if _covers(grant, verb, application, environment))


def by_role(policy: "Policy", verb: str, environment: str) -> GrantForm:
    """The default: reporters read, developers move what is not production, maintainers do the rest."""
    role: RoleName = "maintainer"
    if verb in READING:
        role = "reporter"
    elif verb in CAREFUL and environment and not is_production(policy, environment):
        role = "developer"
    return GrantForm.model_validate({"may": (verb,), "roles": (role,)})


def is_production(policy: "Policy", environment: str) -> bool:
    """Whether an environment is of the tier production, as written or as GitLab guesses it from the name."""
    form = policy.environments.get(environment)
    if form is not None and form.tier is not None:
        return form.tier == "production"
    return PRODUCTION.search(environment) is not None


def _covers(grant: GrantForm, verb: str, application: str, environment: str) -> bool:
    if verb not in grant.may and ANY not in grant.may:
        return False
    here = not environment or not grant.in_ or environment in grant.in_
    return here and (not application or not grant.applications or application in grant.applications)
