"""Route: an event is a hint, and says which keys are to be looked at; a key says which rules look at it."""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from bot.events import (
    BranchPushed,
    CanaryReported,
    ChatSaid,
    DeploymentChanged,
    Event,
    ImagePushed,
    MergeRequestChanged,
    NoteWritten,
    PipelineChanged,
    SourceReported,
    TagPushed,
)
from bot.keys import ApplicationKey, ConfigKey, EnvironmentKey, Key, SourceKey, Subject
from bot.observing import Rule
from bot.tenants import Tenants
from config.policy import Policy

FLUX_SOURCES = frozenset({"Kustomization", "HelmRelease"})
"""The kinds that apply releases."""
SELECTED = re.compile(r"Latest image tag for (\S+) resolved to ")
"""How image-reflector-controller 1.0 begins the message of an ImagePolicy's event (Flux 2.7)."""
FINAL = frozenset({"success", "failed", "canceled", "skipped"})


def keys_of(event: Event, tenants: Tenants) -> tuple[Key, ...]:
    """The keys an event makes dirty; empty when it concerns nothing that is governed here."""
    match event:
        case BranchPushed():
            return tuple(_pushed(event, tenants))
        case TagPushed():
            return tuple(_of_project(event.project, tenants))
        case PipelineChanged():
            return tuple(_pipeline(event, tenants))
        case MergeRequestChanged():
            return tuple(_merge_request(event, tenants))
        case SourceReported():
            return tuple(_source(event, tenants))
        case ImagePushed():
            return tuple(_image(event, tenants))
        case CanaryReported():
            return tuple(canary_keys(event.cluster, event.namespace, event.name, tenants))
        case DeploymentChanged() | NoteWritten() | ChatSaid():
            # What people say is no hint: it is heard (bot/hearing.py), and the thread's key becomes dirty with that.
            return ()


def subjects_of(key: Key, rules: Sequence[Rule[Any, Any]], policy: Policy) -> Iterator[tuple[Rule[Any, Any], Subject]]:
    """Which rules look at a key, each with what it is about; an application's environments come in promotion order."""
    for rule in rules:
        if isinstance(key, rule.about):
            yield rule, key
    if not isinstance(key, ApplicationKey):
        return
    for environment in policy.environments_of(key.application):
        subject = EnvironmentKey(key.tenant, key.application, environment)
        yield from ((rule, subject) for rule in rules if rule.about is EnvironmentKey)


def canary_keys(cluster: str, namespace: str, name: str, tenants: Tenants) -> Iterator[ApplicationKey]:
    """The applications that a canary rolls out. Gate questions come here too: the first one leads to an answer."""
    for tenant, policy in tenants.policies().items():
        for application, _ in policy.applications_of_canary(cluster, namespace, name):
            yield ApplicationKey(tenant, application)


def _source(event: SourceReported, tenants: Tenants) -> Iterator[Key]:
    """What applies releases is looked at itself, and compared with what was known; image automation has no such look.

    Flux reports an image policy or automation as `info` and `Succeeded` only when it selected or pushed something
    new; its repetitions are `trace` and are not sent. Errors of theirs move nothing, and the wait that needs one of
    them looks again by time: so a flood of anything else makes no key dirty (failures F4).
    """
    if event.kind in FLUX_SOURCES:
        yield SourceKey(event.cluster, event.namespace, event.name)
    elif (event.severity, event.reason) == ("info", "Succeeded"):
        if event.kind == "ImagePolicy":
            yield from _selected(event, tenants)
        if event.kind == "ImageUpdateAutomation":
            # It pushed a commit: what that changed is told by the config repository, file by file.
            yield from (ConfigKey(name) for name, policy in tenants.policies().items() if _automated(policy, event))


def _selected(event: SourceReported, tenants: Tenants) -> Iterator[Key]:
    """The applications with the image that the message names; every automated one when it names none."""
    found = SELECTED.match(event.message)
    registry, _, repository = found[1].partition("/") if found else ("", "", "")
    for tenant, policy in tenants.policies().items():
        named = policy.applications_of_image(registry, repository) if found else tuple(policy.applications)
        automated = _automated(policy, event)
        yield from (ApplicationKey(tenant, name) for name in named if name in automated)


def _automated(policy: Policy, event: SourceReported) -> frozenset[str]:
    """The applications that image automation delivers to an environment with this cluster."""
    return frozenset(
        name
        for name in policy.applications
        for here in (policy.environment(name, environment) for environment in policy.environments_of(name))
        if here.delivery == "image_automation" and event.cluster in here.clusters
    )


def _pushed(event: BranchPushed, tenants: Tenants) -> Iterator[Key]:
    for tenant in tenants.by_config_project(event.project):
        if event.branch == tenant.branch:
            yield ConfigKey(tenant.name)
        elif key := _of_branch(tenant.name, event.branch, tenants.policy(tenant.name)):
            yield key


def _of_branch(tenant: str, branch: str, policy: Policy) -> ApplicationKey | None:
    """The application of `sluice/<environment>/<application>`, or of `sluice-rollback/<environment>/<application>`."""
    match branch.split("/"):
        case ["sluice" | "sluice-rollback", _, application] if application in policy.applications:
            return ApplicationKey(tenant, application)
        case _:
            return None


def _of_project(project: str, tenants: Tenants) -> Iterator[Key]:
    for tenant in tenants:
        if tenant.may_govern(project):
            names = tenants.policy(tenant.name).applications_of_project(project)
            yield from (ApplicationKey(tenant.name, name) for name in names)


def _pipeline(event: PipelineChanged, tenants: Tenants) -> Iterator[Key]:
    if event.status not in FINAL and event.status != "running":
        return
    for tenant in tenants.by_config_project(event.project):
        key = _of_branch(tenant.name, event.ref, tenants.policy(tenant.name))
        # Merged-result pipelines carry refs/merge-requests/N/…, which names no application: the list tells.
        yield key or ConfigKey(tenant.name)
    if event.status == "success":
        yield from _of_project(event.project, tenants)


def _merge_request(event: MergeRequestChanged, tenants: Tenants) -> Iterator[Key]:
    for tenant in tenants.by_config_project(event.project):
        if key := _of_branch(tenant.name, event.source_branch, tenants.policy(tenant.name)):
            yield key
        if event.action == "merge":
            yield ConfigKey(tenant.name)


def _image(event: ImagePushed, tenants: Tenants) -> Iterator[Key]:
    for tenant in tenants:
        names = tenants.policy(tenant.name).applications_of_image(event.registry, event.repository)
        yield from (ApplicationKey(tenant.name, name) for name in names)
