"""Who may do what in the cluster: bearer tokens, their users, and RBAC rules."""

import hmac
from dataclasses import dataclass

from bot.sandbox.cluster.kinds import Kind
from bot.sandbox.cluster.statuses import forbidden, unauthorized

READ = frozenset({"get", "list", "watch"})
EVERYTHING = frozenset({"*"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One RBAC rule. `*` in a set stands for all."""

    verbs: frozenset[str]
    resources: frozenset[str]
    """Plurals, `/status` for a subresource."""
    namespaces: frozenset[str] = EVERYTHING

    def allows(self, verb: str, resource: str, namespace: str) -> bool:
        """Whether it covers this request."""
        return (
            _in(verb, self.verbs)
            and _in(resource, self.resources)
            and (_in(namespace, self.namespaces) if namespace else "*" in self.namespaces)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """One user of the cluster and its token."""

    name: str
    """As messages name it, e.g. `system:serviceaccount:sluice:sluice`."""
    context: str
    """The kubeconfig context that selects it."""
    token: str
    rules: tuple[Rule, ...]


def reader(token: str) -> User:
    """The bot's ServiceAccount: reads everything it needs, no Secret, and writes nothing."""
    resources = frozenset(
        {"namespaces", "pods", "services", "configmaps", "events", "deployments", "kustomizations", "gitrepositories",
         "ocirepositories", "helmreleases", "imagerepositories", "imagepolicies", "imageupdateautomations",
         "receivers", "alerts", "providers", "canaries"}
    )  # fmt: skip
    rule = Rule(verbs=READ, resources=resources)
    return User(name="system:serviceaccount:sluice:sluice", context="sluice", token=token, rules=(rule,))


def admin(token: str) -> User:
    """A member of system:masters."""
    rule = Rule(verbs=EVERYTHING, resources=EVERYTHING)
    return User(name="admin", context="admin", token=token, rules=(rule,))


class Access:
    """Authenticates and authorises requests."""

    def __init__(self, users: tuple[User, ...]) -> None:
        self._users = users

    def user(self, authorization: str | None) -> User:
        """Who asks. Raises ApiError 401."""
        scheme, _, token = (authorization or "").partition(" ")
        for user in self._users:
            if scheme.lower() == "bearer" and hmac.compare_digest(user.token.encode(), token.strip().encode()):
                return user
        raise unauthorized()

    def require(self, user: User, verb: str, kind: Kind, *, namespace: str, name: str, subresource: str = "") -> None:
        """Raises ApiError 403 unless a rule of the user covers it."""
        resource = f"{kind.plural}/{subresource}" if subresource else kind.plural
        if not any(rule.allows(verb, resource, namespace) for rule in user.rules):
            raise forbidden(user.name, verb, kind, namespace, name)


def _in(value: str, allowed: frozenset[str]) -> bool:
    return "*" in allowed or value in allowed
