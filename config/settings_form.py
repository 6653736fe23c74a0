"""The operator's settings, block by block: where the bot runs, what it may reach, and who may govern what."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, StringConstraints

from bot.errors import PermanentError
from config.credentials import one_secret, several_secrets
from config.words import Duration, Form, Name, ProjectPath


def _no_slash(url: str) -> str:
    return url.rstrip("/")


Url = Annotated[
    str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#@]*)?$", max_length=2048), AfterValidator(_no_slash)
]
"""An http or https address without credentials, query or fragment."""


def _listed(value: object) -> object:
    """One value, or several as a JSON list: environment variables inside named blocks arrive as text."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value) if value.startswith("[") else [value]
    except ValueError:
        found = [value]
    return tuple(found)


Listed = BeforeValidator(_listed)
Secrets = Annotated[tuple[SecretStr, ...], Listed]
Files = Annotated[tuple[Path, ...], Listed]
Names = Annotated[tuple[Name, ...], Listed]
Scope = Annotated[str, StringConstraints(pattern=r"^(instance|(group|project):[^\s:]+)$")]
Glob = Annotated[str, StringConstraints(pattern=r"^[\w.*/-]+$", max_length=512)]
Globs = Annotated[tuple[Glob, ...], Listed]
"""Names with wildcards: `*` stays within one segment of a path, `**` goes on over slashes."""


class ListenSettings(Form):
    """Where the program answers HTTP."""

    host: str = "127.0.0.1"
    """Address to listen on. The default is not reachable from outside the machine."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """TCP port; 0 takes a free one."""


class GitlabSettings(Form):
    """The GitLab instance and the bot's own users there."""

    url: Url
    """Address of the instance, such as https://gitlab.example."""
    token: SecretStr | None = None
    """The bot user's access token (scope api). From the environment only."""
    token_file: Path | None = None
    """File holding it."""
    status_token: SecretStr | None = None
    """Another token for commit statuses and deployments, when application projects want less than `api`."""
    status_token_file: Path | None = None
    """File holding it."""
    write_token: SecretStr | None = None
    """Another token for pushes and merges, when reading and writing are different users."""
    write_token_file: Path | None = None
    """File holding it."""
    requests_per_minute: Annotated[int, Field(ge=1)] = 600
    """API budget of the bot. GitLab.com allows 2,000 for each user; the rest is left for others."""
    ca_file: Path | None = None
    """Certificate authority of the instance (PEM), when the system does not know it."""

    def access_token(self) -> SecretStr:
        """The token for reading and for everything without one of its own; PermanentError when there is none."""
        found = one_secret(self.token, self.token_file)
        if found is None:
            raise PermanentError(
                "there is no GitLab token: neither gitlab.token_file nor $SLUICE_GITLAB__TOKEN is set. Set one of them."
            )
        return found

    def status_access_token(self) -> SecretStr:
        """The token for commit statuses and deployments."""
        return one_secret(self.status_token, self.status_token_file) or self.access_token()

    def write_access_token(self) -> SecretStr:
        """The token for pushes, merge requests and merges."""
        return one_secret(self.write_token, self.write_token_file) or self.access_token()


class WebhookSettings(Form):
    """Secrets that GitLab webhooks are signed or sent with, bound to what they may speak of."""

    scope: Scope
    """`instance`, `group:<path>` or `project:<path>`: a body about another project is refused."""
    tokens: Secrets = ()
    """Secret tokens (X-Gitlab-Token). Several at once while one is being rotated."""
    token_files: Files = ()
    """Files holding one each."""
    signing_tokens: Secrets = ()
    """Signing tokens (`whsec_…`, Standard Webhooks). Once one is set, plain tokens no longer do."""
    signing_token_files: Files = ()
    """Files holding one each."""

    def live_tokens(self) -> tuple[SecretStr, ...]:
        """Every secret token that is accepted now."""
        return several_secrets(self.tokens, self.token_files)

    def live_signing_tokens(self) -> tuple[SecretStr, ...]:
        """Every signing token that is accepted now; PermanentError when one is not of GitLab's form."""
        found = several_secrets(self.signing_tokens, self.signing_token_files)
        if not all(_is_signing_token(token) for token in found):
            raise PermanentError(
                "a signing token is not of the form whsec_<base64>: nothing could be verified with it. "
                "Copy it again from GitLab's webhook page."
            )
        return found


def _is_signing_token(token: SecretStr) -> bool:
    prefix, _, key = token.get_secret_value().partition("_")
    try:
        return prefix == "whsec" and len(base64.b64decode(key, validate=True)) > 0
    except binascii.Error:
        return False


class ClusterSettings(Form):
    """One cluster: how it is read, and what its controllers sign with."""

    access: Literal["api", "events"] = "api"
    """api: objects are read from the Kubernetes API. events: only what Flux sends is known of it."""
    kubeconfig: Path | None = None
    """Kubeconfig file; the pod's own service account when left out."""
    context: str | None = None
    """Context of the kubeconfig; its current one when left out."""
    flux_secrets: Secrets = ()
    """Keys of the generic-hmac Provider. Several at once while one is being rotated."""
    flux_secret_files: Files = ()
    """Files holding one each."""
    flagger_tokens: Secrets = ()
    """Tokens in `metadata.token` of Flagger webhooks; Flagger cannot sign."""
    flagger_token_files: Files = ()
    """Files holding one each."""
    max_event_age: Duration = timedelta(minutes=10)
    """Older events are refused: generic-hmac has no nonce, so age is what stops replays."""
    silence_after: Duration = timedelta(minutes=30)
    """With access `events`, how long without any event before health is called unknown."""

    def live_flux_secrets(self) -> tuple[SecretStr, ...]:
        """Every HMAC key that is accepted now."""
        return several_secrets(self.flux_secrets, self.flux_secret_files)

    def live_flagger_tokens(self) -> tuple[SecretStr, ...]:
        """Every Flagger token that is accepted now."""
        return several_secrets(self.flagger_tokens, self.flagger_token_files)


class RegistrySettings(Form):
    """One image registry, keyed by the host (and port) in image names."""

    url: Url | None = None
    """Address of its API, when it is not https://<key>."""
    insecure: bool = False
    """Plain http. For registries inside one cluster or machine only."""
    username: str | None = None
    """User name; anonymous when left out."""
    password: SecretStr | None = None
    """Password or token. From the environment only."""
    password_file: Path | None = None
    """File holding it."""
    webhook_name: Name | None = None
    """Its name in the path of its webhook, /hooks/registry/<name>; the host with `-` for `:` when left out."""
    webhook_tokens: Secrets = ()
    """Tokens its notifications carry; without any its webhook is refused."""
    webhook_token_files: Files = ()
    """Files holding one each."""

    def live_password(self) -> SecretStr | None:
        """The password that is used now; None for anonymous access."""
        return one_secret(self.password, self.password_file)

    def live_webhook_tokens(self) -> tuple[SecretStr, ...]:
        """Every webhook token that is accepted now."""
        return several_secrets(self.webhook_tokens, self.webhook_token_files)


class TenantSettings(Form):
    """Who may govern what: one config repository and the bounds of its policy."""

    config_project: ProjectPath
    """The GitLab project that holds `.sluice/policy.yaml`."""
    branch: str = "main"
    """Its protected default branch."""
    application_projects: Globs = ()
    """Application projects that its policy may name. `demo/*` is one level, `demo/**` all below."""
    clusters: Names = ()
    """Clusters that its policy may name."""
    namespaces: Globs = ()
    """Namespaces whose Kustomizations and Canaries its policy may name; ["*"] for all."""


class ApiTokenSettings(Form):
    """One caller of the API."""

    token: SecretStr | None = None
    """Its token. From the environment only."""
    token_file: Path | None = None
    """File holding it."""

    def live_token(self) -> SecretStr:
        """The token that is accepted now; PermanentError when there is none."""
        found = one_secret(self.token, self.token_file)
        if found is None:
            raise PermanentError("an API token has neither token_file nor an environment variable. Set one of them.")
        return found


class LogSettings(Form):
    """How the program tells what it does."""

    format: Literal["console", "json"] = "console"
    """console for people, json for collectors."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe kind that is written."""


Registries = Mapping[Annotated[str, StringConstraints(pattern=r"^[\w.-]+(:[0-9]+)?$")], RegistrySettings]
