"""What is left to do by hand after a rollback without the bot, as lines for a shell."""

import shlex

from bot.cli.local_rollback import Checkout, Made


def steps(found: Checkout, made: Made, *, applied: bool) -> tuple[str, ...]:
    """Git first, then one look for Flux in each cluster; applied: the commit is on its branch in the checkout."""
    git = f"git -C {shlex.quote(str(found.root))}"
    branch = made.action.key.rollback_branch
    landing = f"{git} merge --ff-only {branch}" if applied else f"sluice rollback … --offline --print | {git} am"
    return (
        f"{git} show {branch}" if applied else f"# on {found.branch}, as last fetched:",
        landing,
        f"{git} push origin {found.branch}  # where it is protected: push a branch and open a merge request",
        *_flux(made),
    )


def _flux(made: Made) -> tuple[str, ...]:
    """Flux looks at once when this annotation changes ; else in its time.

    Source: https://fluxcd.io/flux/components/kustomize/kustomizations/#triggering-a-reconcile (Flux 2).
    """
    key = made.action.key
    environment = made.policy.environment(key.application, key.environment)
    ref = environment.kustomization
    lines = []
    for cluster in environment.clusters:
        told = f"kubectl -n {ref.namespace} annotate --overwrite"
        now = 'reconcile.fluxcd.io/requestedAt="$(date +%s)"'
        lines.append(f"{told} gitrepository --all {now}  # cluster {cluster}")
        lines.append(f"{told} kustomization/{ref.name} {now}  # cluster {cluster}")
    return tuple(lines)
