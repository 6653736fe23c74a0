"""The modelled subset of GitLab's API v4, one file for each area; whatever is not here answers 501."""

from bot.sandbox.gitlab.api import (
    commits,
    deployments,
    emoji,
    files,
    freeze_periods,
    hooks,
    issues,
    labels,
    merge_requests,
    merging,
    notes,
    pipelines,
    projects,
    refs,
    releases,
    system,
)

TABLES = tuple(
    module.ROUTES
    for module in (
        system,
        projects,
        commits,
        refs,
        files,
        pipelines,
        merge_requests,
        merging,
        notes,
        emoji,
        issues,
        labels,
        deployments,
        freeze_periods,
        hooks,
        releases,
    )
)
