"""`sluice check-config` finds what is wrong in a config repository, before it is merged and before it is served."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from bot.positions.checkout import check_positions
from bot.positions.own_files import check_own_files
from config import grants, lints, settings
from config.diagnostics import ConfigurationFault, Diagnostic
from config.policy import POLICY_FILE, TEAM_FILES, Policy

MAX_FILE_BYTES = 2 * 1024 * 1024
"""Larger YAML files are generated (CRD bundles); reading them would take longer than all the rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A config repository on disk; texts are read once, by their path from the root."""

    root: Path
    texts: Mapping[str, str]

    def read(self, file: str) -> str | None:
        """The text of a file, YAML or not; None when there is none."""
        return self.texts[file] if file in self.texts else _text(self.root / file)


def check_config(
    policy: Annotated[
        Path, typer.Option(help="A checkout of the config repository, or the policy file in it.", show_default=True)
    ] = Path(),
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="Operator settings, to check what the tenant may govern.")
    ] = None,
    tenant: Annotated[str, typer.Option(help="The tenant in the settings; may be left out when there is one.")] = "",
    ignore: Annotated[list[str] | None, typer.Option(help="Switch a finding's code off. May be repeated.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
) -> None:
    """Check policy, positions, the files Sluice writes, and Flux objects of a config repository.

    Each finding is one line: file:line:column, what is wrong, why, what to do, and its code in brackets.
    Exit status: 0 nothing found, 1 findings, 2 wrong usage.
    """
    checkout = _checkout(policy)
    found = [*_policy_findings(checkout, settings_file, tenant), *_lint_findings(checkout)]
    shown = sorted({finding for finding in found if finding.code not in (ignore or [])})
    if as_json:
        report = {"ok": not shown, "files": len(checkout.texts), "findings": [finding.as_json() for finding in shown]}
        typer.echo(json.dumps(report))
    else:
        for finding in shown:
            typer.echo(str(finding))
        typer.echo(f"{len(shown)} findings in {len(checkout.texts)} YAML files.", err=True)
    raise typer.Exit(1 if shown else 0)


def _checkout(path: Path) -> Checkout:
    if not path.exists():
        raise typer.BadParameter(f"{path} does not exist", param_hint="--policy")
    if path.is_file():
        if path.parent.name != ".sluice":
            raise typer.BadParameter("a policy file lies in the folder .sluice of its checkout", param_hint="--policy")
        path = path.parent.parent
    return Checkout(root=path, texts=dict(_yaml_files(path)))


def _yaml_files(root: Path) -> Iterator[tuple[str, str]]:
    for file in sorted([*root.rglob("*.yaml"), *root.rglob("*.yml")]):
        name = file.relative_to(root)
        if name.parts[0] != ".git" and (text := _text(file)) is not None:
            yield name.as_posix(), text


def _text(file: Path) -> str | None:
    # Undecodable bytes are left to the YAML reader, which says at which line it stops.
    if not file.is_file() or file.stat().st_size > MAX_FILE_BYTES:
        return None
    return file.read_bytes().decode("utf-8", "replace")


def _policy_findings(checkout: Checkout, settings_file: Path | None, tenant: str) -> list[Diagnostic]:
    text = checkout.texts.get(POLICY_FILE)
    if text is None:
        return [_no_policy()]
    teams = {file: found for file, found in checkout.texts.items() if file.startswith(f"{TEAM_FILES}/")}
    try:
        policy = Policy.parse(text, file=POLICY_FILE, extra=teams)
    except ConfigurationFault as error:
        return list(error.diagnostics)
    found = [*check_positions(policy, checkout.read), *check_own_files(policy, checkout.texts, checkout.read)]
    if settings_file is not None:
        found += _grant_findings(policy, text, settings_file, tenant)
    return found


def _no_policy() -> Diagnostic:
    return Diagnostic(
        file=POLICY_FILE,
        code="no-policy",
        what="there is no policy",
        why="without it Sluice does nothing here",
        do="Copy config/examples/policy.yaml there, or name the checkout with --policy.",
    )


def _grant_findings(policy: Policy, text: str, file: Path, tenant: str) -> tuple[Diagnostic, ...]:
    try:
        operator = settings.load(file, with_secrets=False)
    except ConfigurationFault as error:
        return error.diagnostics
    if not tenant and len(operator.tenants) == 1:
        tenant = next(iter(operator.tenants))
    if tenant not in operator.tenants:
        names = ", ".join(operator.tenants) or "none"
        raise typer.BadParameter(f"the settings have the tenants {names}: name one of them", param_hint="--tenant")
    return grants.check_grant(operator, tenant, policy, text=text)


def _lint_findings(checkout: Checkout) -> Iterator[Diagnostic]:
    for file, text in checkout.texts.items():
        if not file.startswith(".sluice/"):
            yield from lints.lint(file, text)
