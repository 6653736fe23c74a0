"""Per-team files can only tighten: whatever would loosen the policy is a fault at its line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from pydantic import ValidationError

from config import located, policy_checks, yaml_text, yaml_values
from config.diagnostics import ConfigurationFault, Diagnostic, PolicyFault
from config.located import Finding, Location
from config.policy_form import Limit, RollbackForm, TeamForm, TighteningForm, TighteningRollbackForm
from config.resolution import STRICTEST, RollbackPolicy
from config.words import Merge, Mode, NoPipeline, write_duration

if TYPE_CHECKING:
    from config.policy import Policy


def limits(policy: "Policy", files: Mapping[str, str]) -> tuple[Limit, ...]:
    """The limits of every team file in name order; PolicyFault with all that is wrong in any of them."""
    found: list[Limit] = []
    faults: list[Diagnostic] = []
    for file, text in sorted(files.items()):
        try:
            found += _of_file(policy, file, text)
        except ConfigurationFault as error:
            faults += error.diagnostics
    if faults:
        raise PolicyFault(faults)
    return tuple(found)


def _of_file(policy: "Policy", file: str, text: str) -> list[Limit]:
    roots = yaml_text.documents(text, file=file)
    root = roots[0] if roots else None
    data = yaml_values.plain(root, file=file) if root is not None else {}
    try:
        team = TeamForm.model_validate(data)
    except ValidationError as error:
        raise PolicyFault(_only_tightens(f).at(root, file) for f in located.findings(error, TeamForm, root)) from error
    blocks = list(_blocks(team))
    faults = [finding for block in blocks for finding in _faults(policy, *block)]
    if faults:
        raise PolicyFault(finding.at(root, file) for finding in faults)
    return [
        Limit(environment=environment, application=application, **form.model_dump(exclude_none=True))
        for _, application, environment, form in blocks
    ]


def _only_tightens(finding: Finding) -> Finding:
    if finding.code != "unknown":
        return finding
    return Finding(
        path=finding.path,
        at_key=True,
        code="loosens",
        what=finding.what.replace("is unknown", "cannot be set here"),
        why="a team's file can only tighten mode, merge, soak, no_pipeline, and rollback's on and way",
        do="Ask the owners of policy.yaml for it.",
    )


Block = tuple[Location, str | None, str, TighteningForm]


def _blocks(team: TeamForm) -> Iterator[Block]:
    for environment, form in team.environments.items():
        yield ("environments", environment), None, environment, form
    for application, block in team.applications.items():
        for environment, form in block.environments.items():
            yield ("applications", application, "environments", environment), application, environment, form


def _faults(
    policy: "Policy", path: Location, application: str | None, environment: str, form: TighteningForm
) -> Iterator[Finding]:
    if environment not in policy.environments:
        yield _stranger(path, f"{environment} is no environment of the policy")
        return
    if application is not None and environment not in policy.environments_of(application):
        yield _stranger(path, f"{application} is not in {environment}, or no application of the policy")
        return
    allowed = _allowed(policy, application, environment)
    if form.soak is not None and form.soak < allowed.soak:
        yield _loosens((*path, "soak"), "soak", write_duration(form.soak), write_duration(allowed.soak))
    for field, asked, limit in (
        ("mode", form.mode, allowed.mode),
        ("merge", form.merge, allowed.merge),
        ("no_pipeline", form.no_pipeline, allowed.no_pipeline),
    ):
        if asked is not None and STRICTEST[field].index(asked) > STRICTEST[field].index(limit):
            yield _loosens((*path, field), field, asked, limit)
    if form.rollback is not None:
        yield from _rollback((*path, "rollback"), form.rollback, allowed.rollback)


def _rollback(
    path: Location, form: TighteningRollbackForm, allowed: RollbackForm | RollbackPolicy
) -> Iterator[Finding]:
    if form.way is not None and STRICTEST["way"].index(form.way) > STRICTEST["way"].index(allowed.way):
        yield _loosens((*path, "way"), "way", form.way, allowed.way)
    if form.way == "person" and not allowed.people:
        yield policy_checks.nobody((*path, "way"))
    added = sorted(set(form.on or ()) - set(allowed.on))
    if added:
        yield _loosens((*path, "on"), "on", ", ".join(added), ", ".join(allowed.on) or "that nothing takes one back")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Allowed:
    mode: Mode
    merge: Merge
    soak: timedelta
    no_pipeline: NoPipeline
    rollback: RollbackForm | RollbackPolicy


def _allowed(policy: "Policy", application: str | None, environment: str) -> _Allowed:
    block = policy.environments[environment] if application is None else policy.environment(application, environment)
    return _Allowed(
        mode=block.mode or policy.mode,
        merge=block.merge,
        soak=block.soak,
        no_pipeline=block.no_pipeline,
        rollback=block.rollback,
    )


def _loosens(path: Location, field: str, value: str, allowed: str) -> Finding:
    return Finding(
        path=path,
        code="loosens",
        what=f"{field}: {value} would loosen the policy",
        why=f"policy.yaml says {allowed}",
        do="A team's file can only tighten: write something stricter, or leave it out.",
    )


def _stranger(path: Location, what: str) -> Finding:
    return Finding(
        path=path,
        at_key=True,
        code="loosens",
        what=what,
        why="a team's file adds no environments or applications",
        do="Add it to policy.yaml first.",
    )
