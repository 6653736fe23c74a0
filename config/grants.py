"""A tenant governs only what the operator granted: policies that reach further are faults at their line."""

from collections.abc import Iterator
from re import compile as pattern
from re import escape

from config import yaml_text
from config.diagnostics import Diagnostic
from config.located import Finding, Location
from config.policy import POLICY_FILE, Policy
from config.policy_checks import cluster_names
from config.settings import Settings
from config.settings_form import TenantSettings


def check_grant(
    settings: Settings, tenant: str, policy: Policy, *, text: str = "", file: str = POLICY_FILE
) -> tuple[Diagnostic, ...]:
    """What the policy names outside the tenant's grant; `text` is the policy's source, to give each its line."""
    granted = settings.tenants[tenant]
    roots = yaml_text.documents(text, file=file)
    root = roots[0] if roots else None
    return tuple(finding.at(root, file) for finding in _outside(granted, tenant, policy))


def granted_project(tenant: TenantSettings, project: str) -> bool:
    """Whether an application project is in the tenant's grant."""
    return any(matches(glob, project) for glob in tenant.application_projects)


def matches(glob: str, path: str) -> bool:
    """`*` stands for any text without a slash, `**` for any text; case is not regarded, as in GitLab's paths."""
    expression = escape(glob.lower()).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    return pattern(expression).fullmatch(path.lower()) is not None


def _outside(granted: TenantSettings, tenant: str, policy: Policy) -> Iterator[Finding]:
    for cluster, path in cluster_names(policy).items():
        if cluster not in granted.clusters:
            yield _finding(path, f"cluster {cluster}", tenant, granted.clusters)
    for name, application in policy.applications.items():
        if not granted_project(granted, application.project):
            project = ("applications", name, "project")
            yield _finding(project, f"project {application.project}", tenant, granted.application_projects)
        for field, namespace in _namespaces(name, policy):
            if not any(matches(glob, namespace) for glob in granted.namespaces):
                path = ("applications", name, field)
                yield _finding(path, f"namespace {namespace}", tenant, granted.namespaces)


def _namespaces(application: str, policy: Policy) -> dict[tuple[str, str], None]:
    """Each namespace that an application's objects are in, with the field that names it."""
    found: dict[tuple[str, str], None] = {}
    for environment in policy.environments_of(application):
        pair = policy.environment(application, environment)
        found["kustomization", pair.kustomization.namespace] = None
        if pair.canary is not None:
            found["canary", pair.canary.namespace] = None
    return found


def _finding(path: Location, what: str, tenant: str, granted: tuple[str, ...]) -> Finding:
    return Finding(
        path=path,
        code="not-granted",
        what=f"{what} is outside what {tenant} may govern",
        why=f"the operator granted {', '.join(granted) or 'nothing of this kind'}",
        do="Ask the operator to extend the grant under tenants, or name something granted.",
    )
