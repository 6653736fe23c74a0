"""The whole installation at a glance, from the journal alone: it costs GitLab and the clusters nothing."""

from collections.abc import Sequence
from importlib.metadata import version

from bot.api import naming
from bot.api.declared import LATEST, Declared, last_declared
from bot.api.forms import ClusterForm, EnvironmentForm, PinForm, PromotionForm, StatusForm, TenantForm
from bot.api.history import run_form
from bot.api.received import dead_form
from bot.api.undoing import held_form
from bot.clock import Clock
from bot.journal import Journal
from bot.journal.tenants import TenantRecord
from bot.keys import ApplicationKey, EnvironmentKey
from bot.observing import Health
from bot.records import EnvironmentState, Hold, Promotion
from bot.tenants import Tenant, Tenants

WORST: tuple[Health, ...] = ("failed", "unknown", "progressing", "healthy")
"""Healthy = all clusters, failed = any, and unknown before progressing (design section 3)."""
DEAD_SHOWN = 10


async def read_status(
    journal: Journal, tenants: Tenants, clock: Clock, *, gitlab_url: str = "", tenant: str = "", application: str = ""
) -> StatusForm:
    """Every tenant, application and environment, or those of one `tenant` or `application`; Problem when unknown."""
    if tenant:
        naming.known_tenant(tenants, tenant)
    wanted = [found for found in tenants if tenant in ("", found.name)]
    holds = await journal.standing_holds()
    environments: list[EnvironmentForm] = []
    for found in wanted:
        for name in sorted(tenants.policy(found.name).applications):
            if application in ("", name):
                environments += await _application(journal, tenants, found, name, gitlab_url, holds)
    if application and not environments:
        known = (name for found in wanted for name in tenants.policy(found.name).applications)
        raise naming.unknown("application", application, known)
    dead = await journal.dead_work()
    records = {record.tenant: record for record in await journal.tenants()}
    return StatusForm(
        installation=journal.installation_id,
        version=version("sluice"),
        now=clock.now(),
        tenants=tuple(_tenant(found, records.get(found.name), journal.installation_id) for found in wanted),
        environments=tuple(environments),
        deliveries={str(phase): count for phase, count in (await journal.counts()).items()},
        dead_work=len(dead),
        dead=tuple(dead_form(one) for one in dead[:DEAD_SHOWN]),
    )


def _tenant(tenant: Tenant, record: TenantRecord | None, installation: str) -> TenantForm:
    return TenantForm(
        tenant=tenant.name,
        config_project=tenant.config_project,
        branch=tenant.branch,
        adopted=record is not None and record.install == installation,
        adoption_asked_by=record.adoption_asked_by if record else "",
        head=record.head if record else "",
        policy_sha=record.policy_sha if record else "",
        policy_fault=record.fault if record else "",
        seen_at=record.seen_at if record else None,
    )


async def _application(
    journal: Journal, tenants: Tenants, tenant: Tenant, name: str, gitlab_url: str, holds: Sequence[Hold]
) -> list[EnvironmentForm]:
    key = ApplicationKey(tenant.name, name)
    policy = tenants.policy(tenant.name)
    states = await journal.environment_states(key)
    promotions = await journal.promotions(key)
    found = []
    for environment in policy.environments_of(name):
        here = EnvironmentKey(tenant.name, name, environment)
        runs = await journal.runs(subject=here, limit=LATEST)
        clusters = tuple(_cluster(state) for state in states if state.key == here)
        promotion = next((promotion for promotion in promotions if promotion.key == here), None)
        git = await last_declared(journal, runs)
        latest = max(runs, key=lambda run: run.last_at, default=None)
        found.append(
            EnvironmentForm(
                tenant=tenant.name,
                application=name,
                environment=environment,
                mode=policy.environment(name, environment).mode,
                declared=git.version,
                running=_alike(clusters),
                health=_health(clusters),
                clusters=clusters,
                promotion=_promotion(promotion, tenant, gitlab_url) if promotion else None,
                pin=_pin(git),
                denied=git.denied,
                holds=tuple(held_form(hold) for hold in holds if hold.key == here),
                last_run=run_form(latest) if latest else None,
            )
        )
    return found


def _cluster(state: EnvironmentState) -> ClusterForm:
    return ClusterForm(
        cluster=state.cluster,
        version=state.version or state.release_id[:12],
        revision=state.revision,
        health=state.health,
        because=state.because,
        since=state.since,
    )


def _alike(clusters: tuple[ClusterForm, ...]) -> str:
    versions = {cluster.version for cluster in clusters}
    return versions.pop() if len(versions) == 1 else ""


def _health(clusters: tuple[ClusterForm, ...]) -> str:
    found = {cluster.health for cluster in clusters}
    return next((health for health in WORST if health in found), "unknown")


def _promotion(promotion: Promotion, tenant: Tenant, gitlab_url: str) -> PromotionForm:
    place = f"{gitlab_url}/{tenant.config_project}/-/merge_requests/{promotion.merge_request}"
    return PromotionForm(
        id=promotion.id,
        version=promotion.release.name,
        commit=promotion.release.commit,
        state=promotion.state,
        because=promotion.because,
        updated_at=promotion.updated_at,
        merge_request=promotion.merge_request,
        url=place if gitlab_url and promotion.merge_request else "",
        failure=promotion.failure.kind if promotion.failure else "",
    )


def _pin(git: Declared) -> PinForm | None:
    if git.pin is None:
        return None
    return PinForm(
        version=git.pin.release.version,
        instead_of=git.pin.instead_of.version,
        failure=git.pin.failure,
        since=git.pin.since,
        because=git.pin.because,
        by=git.pin.by,
    )
