"""Who may command what, and who may approve: the policy's blocks about people, as a tenant writes them."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from config.words import Form, Name

Verb = Annotated[str, StringConstraints(pattern=r"^([a-z][a-z-]{0,30}|\*)$")]
"""A command's first word, `override`, or `*` for all of them."""
GroupPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*(/[A-Za-z0-9_][\w.-]*)*$", max_length=512)]
UserName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][\w.-]*$", max_length=255)]
RoleName = Literal["guest", "planner", "reporter", "developer", "maintainer", "owner"]
Excluded = Literal["requester", "author", "committer", "merger", "last_pusher"]
EVERYBODY_INVOLVED: tuple[Excluded, ...] = ("requester", "author", "committer", "merger", "last_pusher")


class PeopleForm(Form):
    """Some people: any of these is enough."""

    roles: tuple[RoleName, ...] = ()
    """At least this role on the application's project; of several the weakest decides."""
    groups: tuple[GroupPath, ...] = ()
    """Members, also inherited ones, of these groups."""
    users: tuple[UserName, ...] = ()
    """These GitLab user names."""
    code_owners: bool = False
    """Code owners of the release file in the config repository (its CODEOWNERS file)."""

    @property
    def nobody(self) -> bool:
        """Whether it names no people at all."""
        return not (self.roles or self.groups or self.users or self.code_owners)


class GrantForm(PeopleForm):
    """Lets some people give some commands in some environments."""

    may: Annotated[tuple[Verb, ...], Field(min_length=1)]
    """The commands; `override` is a right of its own beside `promote`."""
    in_: Annotated[tuple[Name, ...], Field(alias="in")] = ()
    """The environments; all of them when left out."""
    applications: tuple[Name, ...] = ()
    """The applications; all of them when left out."""

    @model_validator(mode="after")
    def _names_somebody(self) -> "GrantForm":
        if self.nobody:
            raise ValueError("a grant names roles, groups, users or code_owners: it would let nobody do it")
        return self


class ApprovalsForm(Form):
    """How many people besides those involved must approve a promotion, and who counts."""

    required: Annotated[int, Field(ge=0, le=20)] = 0
    """Approvals of exactly this release and change; 0: none."""
    from_: Annotated[PeopleForm, Field(alias="from")] = PeopleForm()
    """Who counts; left out: whoever may `approve` there."""
    exclude: tuple[Excluded, ...] = EVERYBODY_INVOLVED
    """Whose approval does not count. Bots and access tokens never do."""
    native: bool = True
    """Whether an approval of the merge request in GitLab counts as well."""
