"""What work is claimed by: one key per Flux object, config repository, application and thread (design: route)."""

from dataclasses import dataclass

from bot.errors import PermanentError


@dataclass(frozen=True, slots=True, order=True)
class SourceKey:
    """A Flux object in a cluster: `src:<cluster>/<namespace>/<name>`."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"src:{self.cluster}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class ConfigKey:
    """The config repository of a tenant: `cfg:<tenant>`."""

    tenant: str

    def __str__(self) -> str:
        return f"cfg:{self.tenant}"


@dataclass(frozen=True, slots=True, order=True)
class ApplicationKey:
    """An application of a tenant: `app:<tenant>/<application>`."""

    tenant: str
    application: str

    def __str__(self) -> str:
        return f"app:{self.tenant}/{self.application}"


@dataclass(frozen=True, slots=True, order=True)
class EnvironmentKey:
    """One application in one environment: what most decisions are about (never claimed by itself)."""

    tenant: str
    application: str
    environment: str

    def __str__(self) -> str:
        return f"app:{self.tenant}/{self.application}@{self.environment}"

    @property
    def owner(self) -> ApplicationKey:
        """The key under which work on this environment is claimed."""
        return ApplicationKey(self.tenant, self.application)

    @property
    def branch(self) -> str:
        """The one branch of this application's merge requests into this environment."""
        return f"sluice/{self.environment}/{self.application}"

    @property
    def rollback_branch(self) -> str:
        """The one branch of merge requests that take back: beside `branch`, as Git allows no branch below a branch."""
        return f"sluice-rollback/{self.environment}/{self.application}"


@dataclass(frozen=True, slots=True, order=True)
class CommandKey:
    """A thread in which people command: `cmd:<tenant>/<thread>`, the thread as `Place.thread` writes it."""

    tenant: str
    thread: str

    def __str__(self) -> str:
        return f"cmd:{self.tenant}/{self.thread}"


Key = SourceKey | ConfigKey | ApplicationKey | CommandKey
Subject = SourceKey | ConfigKey | ApplicationKey | EnvironmentKey | CommandKey


def parse_key(text: str) -> Key:
    """The key that `str()` gave; PermanentError for anything else. Names hold no slash (GitLab, Kubernetes)."""
    kind, _, rest = text.partition(":")
    parts = rest.split("/")
    match kind, parts:
        case "src", [cluster, namespace, name]:
            return SourceKey(cluster, namespace, name)
        case "cfg", [tenant] if tenant:
            return ConfigKey(tenant)
        case "app", [tenant, application]:
            return ApplicationKey(tenant, application)
        case "cmd", [tenant, *thread] if tenant and thread:
            return CommandKey(tenant, "/".join(thread))
        case _:
            raise PermanentError(
                f"{text!r} is no key: expected src:CLUSTER/NAMESPACE/NAME, cfg:TENANT, app:TENANT/APPLICATION "
                "or cmd:TENANT/THREAD."
            )
