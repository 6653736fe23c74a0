"""The people and machines of the seeded world, their rights, and the GitLab projects they work on."""

from dataclasses import dataclass

from bot.sandbox.gitlab import AccessLevel, GitLab, Project, User

GROUP = "demo"
CONFIG_PROJECT = "demo/flux-config"
APPLICATION_PROJECT = "demo/demo-service"


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """Everyone who acts in the world."""

    root: User
    sluice: User
    """The bot. Maintainer: it posts statuses on protected branches and merges into the config project."""
    developer: User
    maintainer: User
    flux: User
    """Reads and, for image automation, pushes the config project."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Their personal access tokens."""

    root: str
    sluice: str
    developer: str
    maintainer: str
    flux: str


def populate(gitlab: GitLab) -> tuple[People, Tokens]:
    """Create the users, their tokens, and the group with its members."""
    people = People(
        root=gitlab.create_user("root", "Administrator", admin=True),
        sluice=gitlab.create_user("sluice", "Sluice"),
        developer=gitlab.create_user("developer", "Developer"),
        maintainer=gitlab.create_user("maintainer", "Maintainer"),
        flux=gitlab.create_user("fluxcdbot", "fluxcdbot"),
    )
    group = gitlab.create_group(GROUP)
    gitlab.add_member(group, people.developer, AccessLevel.DEVELOPER)
    gitlab.add_member(group, people.maintainer, AccessLevel.MAINTAINER)
    gitlab.add_member(group, people.sluice, AccessLevel.MAINTAINER)
    tokens = Tokens(
        root=gitlab.create_token(people.root),
        sluice=gitlab.create_token(people.sluice),
        developer=gitlab.create_token(people.developer),
        maintainer=gitlab.create_token(people.maintainer),
        flux=gitlab.create_token(people.flux, ("read_repository", "write_repository")),
    )
    return people, tokens


async def create_projects(gitlab: GitLab, people: People) -> tuple[Project, Project]:
    """The config project (pipelines must succeed) and the application project, both empty."""
    config = await gitlab.create_project(
        CONFIG_PROJECT, creator=people.maintainer, only_allow_merge_if_pipeline_succeeds=True
    )
    gitlab.add_member(config, people.flux, AccessLevel.MAINTAINER)
    application = await gitlab.create_project(APPLICATION_PROJECT, creator=people.maintainer)
    return config, application
