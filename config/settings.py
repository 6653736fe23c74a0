"""The operator's settings: a YAML file, overridden by `SLUICE_…` environment variables; secrets from neither text.

`SLUICE_CONFIG` (or `--config`) names the file. A nested value is set with two underscores, `SLUICE_GITLAB__URL`; lists
and whole blocks are JSON. `docs/operator.md` is the reference.
"""

import os
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, cast

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from config import settings_faults, yaml_text, yaml_values
from config.diagnostics import ConfigurationFault
from config.diagnostics import SettingsFault as SettingsFault
from config.settings_form import ApiTokenSettings as ApiTokenSettings
from config.settings_form import ClusterSettings as ClusterSettings
from config.settings_form import GitlabSettings as GitlabSettings
from config.settings_form import ListenSettings as ListenSettings
from config.settings_form import LogSettings as LogSettings
from config.settings_form import Registries, Url
from config.settings_form import RegistrySettings as RegistrySettings
from config.settings_form import TenantSettings as TenantSettings
from config.settings_form import WebhookSettings as WebhookSettings
from config.words import Duration, Name

CONFIG_VARIABLE = "SLUICE_CONFIG"


class Settings(BaseSettings):
    """Everything the operator decides. Secrets are `SecretStr` and read through the `live_…` and `…_token` methods."""

    model_config = SettingsConfigDict(
        env_prefix="SLUICE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    gitlab: GitlabSettings
    """The GitLab instance."""
    database_url: SecretStr | None = None
    """Journal: sqlite:///… or postgresql://…; a SQLite file in `data_dir` when left out."""
    data_dir: Path = Path(".sluice-data")
    """Folder for the journal and the Git mirrors. Must survive restarts."""
    listen: ListenSettings = ListenSettings()
    """Where the program answers."""
    public_url: Url | None = None
    """How people and GitLab reach it: links in statuses and notes start with it."""
    webhooks: Mapping[Name, WebhookSettings] = {}
    """GitLab webhook secrets, by a name of your own."""
    clusters: Mapping[Name, ClusterSettings] = {}
    """Clusters by the name that policies use."""
    registries: Registries = {}
    """Image registries by host (and port)."""
    tenants: Mapping[Name, TenantSettings] = {}
    """Config repositories and what each may govern."""
    api_tokens: Mapping[Name, ApiTokenSettings] = {}
    """Callers of the API, by name."""
    resync_every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(seconds=60)
    """How often missed webhooks are looked for: one fetch and one list for each config project."""
    sweep_every: Annotated[Duration, Field(ge=timedelta(seconds=1))] = timedelta(minutes=15)
    """How often application projects are looked through."""
    workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Keys worked on at the same time."""
    lease: Annotated[Duration, Field(ge=timedelta(seconds=5))] = timedelta(seconds=60)
    """How long a claimed key stays with a worker that says nothing: a killed process' work waits this long."""
    log: LogSettings = LogSettings()
    """How the program tells what it does."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which arrives as keyword arguments."""
        return env_settings, init_settings

    def database(self) -> SecretStr:
        """The journal's URL; may hold a password."""
        return self.database_url or SecretStr(f"sqlite:///{self.data_dir / 'sluice.db'}")

    def base_url(self) -> str:
        """How the program is reached from outside; its listening address when nothing else is said."""
        return self.public_url or f"http://{self.listen.host}:{self.listen.port}"

    def registry_url(self, host: str) -> str:
        """The API address of a registry by the host in image names, configured or not."""
        registry = self.registries.get(host)
        if registry is not None and registry.url is not None:
            return registry.url
        return f"{'http' if registry is not None and registry.insecure else 'https'}://{host}"

    def tenant_of_project(self, config_project: str) -> str | None:
        """The tenant whose config repository this GitLab project is."""
        wanted = config_project.lower()
        return next((name for name, found in self.tenants.items() if found.config_project.lower() == wanted), None)


def load(file: Path | None = None, *, with_secrets: bool = True) -> Settings:
    """The settings from `file` (default: $SLUICE_CONFIG, if set) and the environment; SettingsFault when unusable.

    Without `with_secrets` the secret files are not looked at: for checking settings away from where they run.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    source = settings_faults.Source(file=file or (Path(named) if named else None), environment=_environment())
    data = _file_data(source)
    build = cast("Callable[..., Settings]", Settings)
    try:
        settings = build(**data)
    # `from None`: both errors quote their input, which may be a secret.
    except ValidationError as error:
        raise SettingsFault(settings_faults.invalid(error, Settings, source)) from None
    except SettingsError as error:
        raise SettingsFault([settings_faults.unparsable(error)]) from None
    faults = settings_faults.unfit(settings, source, with_secrets=with_secrets)
    if faults:
        raise SettingsFault(faults)
    return settings


def _environment() -> frozenset[str]:
    return frozenset(name.upper() for name in os.environ if name.upper().startswith("SLUICE_"))


def _file_data(source: settings_faults.Source) -> Mapping[str, yaml_values.Plain]:
    if source.file is None:
        return {}
    try:
        text = source.file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsFault([settings_faults.unreadable(source, error)]) from error
    try:
        roots = yaml_text.documents(text, file=str(source.file))
    except ConfigurationFault as error:
        raise SettingsFault(error.diagnostics) from error
    if len(roots) != 1 or not isinstance(roots[0], yaml_text.Mapping):
        raise SettingsFault([settings_faults.not_a_mapping(source)])
    source.root = roots[0]
    inline = settings_faults.inline_secrets(Settings, source)
    if inline:
        raise SettingsFault(inline)
    data = yaml_values.plain(roots[0], file=str(source.file))
    return data if isinstance(data, dict) else {}
