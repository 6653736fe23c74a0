"""The labels the bot puts on merge requests exist, in their colours; labels people made are left as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.clients.gitlab.addresses import ProjectId, of_project
from bot.clients.gitlab.api import GitLabAPI
from bot.clients.gitlab.effects.outcome import Ensured
from bot.clients.gitlab.errors import GitLabRefusal
from bot.clients.gitlab.models import Label
from bot.clients.gitlab.reads import labels


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedLabel:
    """A label: colour as #RRGGBB."""

    name: str
    color: str
    description: str = ""


async def ensure_labels(api: GitLabAPI, project: ProjectId, wanted: Sequence[WantedLabel]) -> Ensured[tuple[str, ...]]:
    """All labels exist on the project or its groups; the value names those that were made now."""
    present = {label.name for label in await labels(api, project)}
    missing = [label for label in wanted if label.name not in present]
    made = tuple([label.name for label in missing if await _create(api, project, label)])
    return Ensured(value=made, external_id=str(project), wrote=bool(made))


async def _create(api: GitLabAPI, project: ProjectId, label: WantedLabel) -> bool:
    data = {"name": label.name, "color": label.color, "description": label.description}
    try:
        await api.write("POST", of_project(project, "labels"), Label, feature="labels", data=data)
    except GitLabRefusal as error:
        # https://docs.gitlab.com/api/labels/#create-a-new-label: 409 when somebody made it in between.
        if error.status != 409:
            raise
        return False
    return True
