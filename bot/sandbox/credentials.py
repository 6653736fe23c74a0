"""The credentials of one run of the sandbox: made fresh at every start, told only in its facts."""

import base64
import secrets
from dataclasses import dataclass, field


def _token() -> str:
    return secrets.token_urlsafe(24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Everything that opens a door, GitLab's tokens apart."""

    webhook_secret: str = field(default_factory=_token)
    """X-Gitlab-Token of the bot's webhooks."""
    signing_token: str = field(
        default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode(),
    )
    """Standard Webhooks secret of the bot's webhooks."""
    flux_secret: str = field(default_factory=_token)
    """Key of the Flux provider's HMAC."""
    flagger_token: str = field(default_factory=_token)
    """What Flagger's hooks carry in their metadata."""
    registry_hook_token: str = field(default_factory=_token)
    """Bearer token of the registry's notifications."""
    registry_password: str = field(default_factory=_token)
    receiver_token: str = field(default_factory=_token)
    """X-Gitlab-Token of the webhook that nudges Flux."""
    control_token: str = field(default_factory=_token)
    cluster_token: str = field(default_factory=_token)
    cluster_admin_token: str = field(default_factory=_token)
