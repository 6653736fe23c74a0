"""What people see on GitLab: the blocking gates, the sticky note, commit statuses and deployments."""

from bot.acting.hands import Done, Hands
from bot.acting.speaking import say
from bot.actions import PublishGates, WriteCommitStatus, WriteDeployment, WriteSticky
from bot.clients.gitlab.effects.deployments import WantedDeployment, ensure_deployment
from bot.clients.gitlab.effects.statuses import WantedStatus, ensure_commit_status
from bot.messages import status_description, sticky

GATES = "sluice/gates"


async def publish_gates(action: PublishGates, hands: Hands) -> Done:
    """The blocking status on a merge request's head."""
    wanted = WantedStatus(
        sha=action.sha,
        ref=action.ref,
        name=GATES,
        state=action.state,
        pipeline_id=action.pipeline_id,
        description=status_description(action.because),
        target_url=hands.public_url,
    )
    made = await ensure_commit_status(hands.api, hands.tenant.config_project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def write_sticky(action: WriteSticky, hands: Hands) -> Done:
    """The one note of a promotion."""
    marker, body = sticky(action)
    made = await say(hands, hands.tenant.config_project, action.merge_request, marker=marker, body=body)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def write_commit_status(action: WriteCommitStatus, hands: Hands) -> Done:
    """The status on an application commit."""
    wanted = WantedStatus(
        sha=action.sha,
        ref=action.ref,
        name=action.name,
        state=action.state,
        pipeline_id=action.pipeline_id,
        description=status_description(action.because),
        target_url=hands.public_url,
    )
    made = await ensure_commit_status(hands.api, action.project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote)


async def write_deployment(action: WriteDeployment, hands: Hands) -> Done:
    """The deployment of an application commit."""
    wanted = WantedDeployment(
        environment=action.environment,
        sha=action.sha,
        ref=action.ref,
        tag=action.tag,
        status=action.state,
        since=action.opened_at,
        known_id=int(hands.known_id) if hands.known_id else None,
    )
    made = await ensure_deployment(hands.api, action.project, wanted)
    return Done(external_id=made.external_id, wrote=made.wrote)
