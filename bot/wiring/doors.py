"""Who may deliver and who may call, as the settings say it, in the plain form the server takes."""

from pydantic import SecretStr

from bot.receivers.gitlab import GitlabSecret
from bot.receivers.scopes import Scope
from bot.server import ServerSettings
from config.settings import Settings


def server_settings(settings: Settings) -> ServerSettings:
    """Every live secret, by what it vouches for."""
    ages = [found.max_event_age for found in settings.clusters.values()]
    plain = ServerSettings()
    return ServerSettings(
        gitlab=tuple(
            GitlabSecret(
                scope=_scope(found.scope),
                tokens=_texts(found.live_tokens()),
                signing_tokens=_texts(found.live_signing_tokens()),
            )
            for found in settings.webhooks.values()
        ),
        flux={name: _texts(found.live_flux_secrets()) for name, found in settings.clusters.items()},
        flagger={name: _texts(found.live_flagger_tokens()) for name, found in settings.clusters.items()},
        registries={
            name: _texts(settings.registries[host].live_webhook_tokens())
            for name, host in registry_hosts(settings).items()
        },
        flux_max_age=min(ages, default=plain.flux_max_age),
    )


def registry_hosts(settings: Settings) -> dict[str, str]:
    """The host in image names, by the name in the path of each registry's webhook."""
    return {found.webhook_name or host.replace(":", "-"): host for host, found in settings.registries.items()}


def api_tokens(settings: Settings) -> dict[str, str]:
    """The API's callers by name."""
    return {name: found.live_token().get_secret_value() for name, found in settings.api_tokens.items()}


def _scope(text: str) -> Scope:
    kind, _, path = text.partition(":")
    match kind:
        case "instance" | "group" | "project":
            return Scope(kind, path)
        case _:
            raise AssertionError(f"the settings let the scope {kind} through")


def _texts(secrets: tuple[SecretStr, ...]) -> tuple[str, ...]:
    return tuple(secret.get_secret_value() for secret in secrets)
