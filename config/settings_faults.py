"""What is wrong with the operator's settings, said at the file's line or with the environment variable's name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import compile as pattern
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic_settings import SettingsError

from bot.errors import PermanentError
from config import located, yaml_text
from config.diagnostics import Diagnostic
from config.located import Finding, Location

if TYPE_CHECKING:
    from config.settings import Settings

PASSWORD_IN_URL = pattern(r"://[^/@\s]*:[^/@\s]+@")


@dataclass(kw_only=True)
class Source:
    """Where settings came from: the file with its parsed root, and the names of the environment variables set."""

    file: Path | None
    environment: frozenset[str]
    root: yaml_text.Node | None = None

    def diagnostic(self, finding: Finding) -> Diagnostic:
        """The finding at the variable that set it, else at its line, else with both ways to set it."""
        variable = self.variable(finding.path)
        if variable is not None:
            return finding.at(None, f"${variable}")
        return finding.at(self.root, str(self.file) if self.file else "settings")

    def variable(self, path: Location) -> str | None:
        """The environment variable that set the value at `path`, or a block around it that the file does not hold."""
        exact, *around = [variable_of(path[:length]) for length in range(len(path), 0, -1)] or [""]
        if exact in self.environment:
            return exact
        if self.root is not None and located.stands(self.root, path):
            return None
        return next((name for name in around if name in self.environment), None)


def variable_of(path: Location) -> str:
    """The environment variable that sets the value at `path`."""
    return "SLUICE_" + "__".join(str(step) for step in path).upper()


def invalid(error: ValidationError, model: type[BaseModel], source: Source) -> list[Diagnostic]:
    """pydantic's errors as diagnostics; a missing value is told with both ways to give it."""
    found = located.findings(error, model, source.root)
    return [source.diagnostic(_both_ways(finding) if finding.code == "missing" else finding) for finding in found]


def _both_ways(finding: Finding) -> Finding:
    return Finding(
        path=finding.path,
        code=finding.code,
        what=finding.what,
        why=finding.why,
        do=f"Write it in the settings file, or set ${variable_of(finding.path)}.",
    )


def unparsable(error: SettingsError) -> Diagnostic:
    """A variable that should hold JSON does not; its value is never repeated."""
    field = str(error).split('"')[1] if str(error).count('"') > 1 else "settings"
    return Diagnostic(
        file=f"${variable_of((field,))}",
        code="value",
        what=f"{field} cannot be read from the environment",
        why="lists and blocks are written as JSON there, and this is none",
        do="Write JSON, or set single values with two underscores between the names.",
    )


def unreadable(source: Source, error: Exception) -> Diagnostic:
    """The settings file cannot be read."""
    why = (error.strerror if isinstance(error, OSError) else None) or "it is not UTF-8 text"
    return Diagnostic(
        file=str(source.file),
        code="file",
        what="the settings file cannot be read",
        why=why,
        do="Correct --config or $SLUICE_CONFIG.",
    )


def not_a_mapping(source: Source) -> Diagnostic:
    """The settings file does not hold one mapping."""
    return Diagnostic(
        file=str(source.file),
        code="document",
        what="the settings file is not one mapping",
        why="settings are names and values in one YAML document",
        do="See config/examples/sluice.yaml.",
    )


def inline_secrets(model: type[BaseModel], source: Source) -> list[Diagnostic]:
    """Secrets that stand in the file itself: files are copied, committed and shown."""
    names = frozenset(_secret_names(model, set())) - {"database_url"}
    found: list[Diagnostic] = []
    for node in yaml_text.walk(source.root) if source.root is not None else ():
        for key, value in node.pairs if isinstance(node, yaml_text.Mapping) else ():
            url = key.text == "database_url" and isinstance(value, yaml_text.Scalar)
            if key.text in names or (url and PASSWORD_IN_URL.search(value.text)):  # type: ignore[attr-defined]
                found.append(_inline(key, source))
    return found


def _inline(key: yaml_text.Scalar, source: Source) -> Diagnostic:
    files = {"password": "password_file", "database_url": "$SLUICE_DATABASE_URL"}
    singular = key.text.removesuffix("s")
    instead = files.get(key.text, f"{singular}_file" if singular == key.text else f"{singular}_files")
    return Diagnostic(
        file=str(source.file),
        line=key.line,
        column=key.column,
        code="secret-in-file",
        what=f"{key.text} stands in the settings file",
        why="settings files are copied, committed and shown, so they hold no secrets",
        do=f"Use {instead} or an environment variable, and replace the secret: it has been written down.",
    )


def _secret_names(model: type[BaseModel], seen: set[type[BaseModel]]) -> Iterator[str]:
    seen.add(model)
    for name, field in model.model_fields.items():
        types = list(_types(field.annotation))
        if SecretStr in types:
            yield name
        for inner in types:
            if issubclass(inner, BaseModel) and inner not in seen:
                yield from _secret_names(inner, seen)


def _types(annotation: object) -> Iterator[type]:
    if isinstance(annotation, type):
        yield annotation
    for argument in get_args(annotation):
        yield from _types(argument)


def unfit(settings: "Settings", source: Source, *, with_secrets: bool) -> list[Diagnostic]:
    """What only shows when blocks are seen together, and (with_secrets) when the secret files are read."""
    found = [*_tenants(settings), *_empty_webhooks(settings), *_missing_files(settings)]
    if with_secrets:
        found += _secrets(settings)
    return [source.diagnostic(finding) for finding in found]


def _tenants(settings: "Settings") -> Iterator[Finding]:
    governed: dict[tuple[str, str], str] = {}
    for name, tenant in settings.tenants.items():
        path: Location = ("tenants", name)
        for index, cluster in enumerate(tenant.clusters):
            if cluster not in settings.clusters:
                yield Finding(
                    path=(*path, "clusters", index),
                    code="unknown-cluster",
                    what=f"{cluster} is no configured cluster",
                    why=f"clusters has {', '.join(settings.clusters) or 'none'}",
                    do="Add it under clusters, or correct the name.",
                )
        other = governed.setdefault((tenant.config_project.lower(), tenant.branch), name)
        if other != name:
            yield Finding(
                path=(*path, "config_project"),
                code="tenant-twice",
                what=f"{name} and {other} have the same config repository and branch",
                why="one policy would be read under two sets of bounds",
                do="Join the two tenants.",
            )


def _empty_webhooks(settings: "Settings") -> Iterator[Finding]:
    for name, hook in settings.webhooks.items():
        if not (hook.tokens or hook.token_files or hook.signing_tokens or hook.signing_token_files):
            yield Finding(
                path=("webhooks", name),
                code="missing",
                what=f"webhooks.{name} has no secret",
                why="a webhook that nothing proves is refused",
                do="Write signing_token_files or token_files, or set them by an environment variable.",
            )


def _missing_files(settings: "Settings") -> Iterator[Finding]:
    files: list[tuple[Location, Path | None]] = [(("gitlab", "ca_file"), settings.gitlab.ca_file)]
    files += [(("clusters", name, "kubeconfig"), cluster.kubeconfig) for name, cluster in settings.clusters.items()]
    for path, file in files:
        if file is not None and not file.is_file():
            yield Finding(
                path=path,
                code="file",
                what=f"{file} is no file",
                why=f"{located.dotted(path)} names it",
                do="Mount it, or correct the path.",
            )


def _secrets(settings: "Settings") -> Iterator[Finding]:
    gitlab = settings.gitlab
    reads: list[tuple[Location, Callable[[], object]]] = [
        (("gitlab", "token_file"), gitlab.access_token),
        (("gitlab", "status_token_file"), gitlab.status_access_token),
        (("gitlab", "write_token_file"), gitlab.write_access_token),
    ]
    for name, hook in settings.webhooks.items():
        reads.append((("webhooks", name, "token_files"), hook.live_tokens))
        reads.append((("webhooks", name, "signing_token_files"), hook.live_signing_tokens))
    for name, cluster in settings.clusters.items():
        reads.append((("clusters", name, "flux_secret_files"), cluster.live_flux_secrets))
        reads.append((("clusters", name, "flagger_token_files"), cluster.live_flagger_tokens))
    for name, registry in settings.registries.items():
        reads.append((("registries", name, "password_file"), registry.live_password))
        reads.append((("registries", name, "webhook_token_files"), registry.live_webhook_tokens))
    reads += [(("api_tokens", name, "token_file"), token.live_token) for name, token in settings.api_tokens.items()]
    seen: set[str] = set()
    for path, read in reads:
        try:
            read()
        except PermanentError as error:
            if str(error) not in seen:
                seen.add(str(error))
                yield _no_secret(path, str(error))


def _no_secret(path: Location, message: str) -> Finding:
    what, _, rest = message.partition(": ")
    why, _, do = rest.rpartition(". ")
    return Finding(path=path, code="secret", what=what, why=why or rest, do=do if why else "Mend it.")
