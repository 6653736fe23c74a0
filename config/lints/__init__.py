"""Mistakes in Flux objects and GitLab files that no validator reports are named, each with its line and its cure.

One file for each family; a lint is a function from one object to findings. `CODES` says what each code means.
"""

from collections.abc import Callable, Iterator, Mapping

from config.diagnostics import ConfigurationFault, Diagnostic
from config.lints import agents, automations, image_apis, image_policies, notifications, pipelines
from config.lints.manifest import Manifest, manifests

Lint = Callable[[Manifest], Iterator[Diagnostic]]

LINTS: tuple[Lint, ...] = (
    image_policies.never_selects,
    image_policies.alphabetical_versions,
    image_apis.removed_version,
    image_apis.unknown_provider,
    automations.updated_template,
    notifications.wrong_version,
    notifications.receiver_events,
    notifications.status_address,
    agents.obsolete_sections,
    pipelines.copies_by_name,
    pipelines.signs_by_tag,
    pipelines.rolls_back_by_revert,
)

CODES: Mapping[str, str] = {
    "image-policy-never-selects": "a semver range leaves out the suffixed tags that the filter lets through",
    "alphabetical-versions": "versions are ordered as text, so 1.10.0 comes before 1.9.0",
    "image-api-removed": "an image object of an API version that Flux no longer serves",
    "image-repository-provider": "an ImageRepository provider that does not exist",
    "updated-template": "a commit template over .Updated, which is gone",
    "notification-api": "a Receiver, Alert or Provider of an API version that is not served",
    "receiver-events": "GitLab Receiver events that no header ever equals",
    "status-provider-address": "a GitLab commit-status Provider whose address names no project",
    "agent-config-obsolete": "sections of the GitLab agent's configuration that no longer exist",
    "copied-by-name": "a pipeline job that copies an image by pulling, tagging and pushing it",
    "signed-by-tag": "a pipeline job that signs an image by its tag instead of its digest",
    "rollback-by-revert": "a pipeline job that rolls back with git revert alone",
}


def lint(file: str, text: str) -> tuple[Diagnostic, ...]:
    """All findings in one YAML file. Templates (`{{ … }}`) are not YAML and have none."""
    try:
        found = manifests(file, text)
    except ConfigurationFault as error:
        return () if "{{" in text else error.diagnostics
    return tuple(sorted(finding for manifest in found for check in LINTS for finding in check(manifest)))
