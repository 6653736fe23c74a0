"""One API request as its handler sees it: who calls, and what was asked, checked as GitLab checks parameters."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.gitlab.access import may_read_code, may_see
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.people import AccessLevel, Token, User
from bot.sandbox.gitlab.problems import bad_parameter, forbidden, not_found, unauthorized
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.records import Issue, MergeRequest
from bot.sandbox.gitlab.repository import Commit

_TRUE = {"true", "t", "1", "on", "yes"}
_FALSE = {"false", "f", "0", "off", "no"}


@dataclass(slots=True, kw_only=True)
class Call:
    """A request on its way through a handler; `natural_key` names the resource a write is about."""

    lab: Instance
    method: str
    url: str
    """The full request URL without its query, for Link headers."""
    path: Mapping[str, str]
    query: Mapping[str, str | list[str]]
    body: Mapping[str, object]
    user: User | None
    token: Token | None
    natural_key: str | None = None

    @property
    def actor(self) -> User:
        """The signed-in user; anonymous callers get 401."""
        if self.user is None:
            raise unauthorized()
        return self.user

    def value(self, name: str) -> object:
        return self.body.get(name, self.query.get(name))

    def has(self, name: str) -> bool:
        return name in self.body or name in self.query

    def text(self, name: str, default: str = "") -> str:
        value = self.value(name)
        return default if value is None else str(value)

    def optional_text(self, name: str) -> str | None:
        value = self.value(name)
        return None if value is None else str(value)

    def required(self, name: str, among: Collection[str] | None = None) -> str:
        if self.value(name) is None:
            raise bad_parameter(f"{name} is missing")
        return self.chosen(name, among, "") if among else self.text(name)

    def chosen(self, name: str, among: Collection[str], default: str) -> str:
        value = self.text(name, default)
        if self.value(name) is not None and value not in among:
            raise bad_parameter(f"{name} does not have a valid value")
        return value

    def integer(self, name: str, default: int | None = None) -> int | None:
        value = self.value(name)
        if value is None or value == "":
            return default
        try:
            return int(str(value))
        except ValueError:
            raise bad_parameter(f"{name} is invalid") from None

    def flag(self, name: str, default: bool = False) -> bool:
        value = self.value(name)
        if value is None:
            return default
        word = str(value).lower()
        if word not in _TRUE | _FALSE:
            raise bad_parameter(f"{name} is invalid")
        return word in _TRUE

    def listing(self, name: str) -> list[str] | None:
        """A list given as JSON, as `name[]=`, or with commas; None when it was not given."""
        value = self.value(name)
        if value is None:
            return None
        items = value if isinstance(value, list) else str(value).split(",")
        return [str(item).strip() for item in items if str(item).strip()]

    def moment(self, name: str) -> datetime | None:
        value = self.value(name)
        if value is None:
            return None
        try:
            moment = datetime.fromisoformat(str(value).replace(" ", "+"))
        except ValueError:
            raise bad_parameter(f"{name} is invalid") from None
        return moment if moment.tzinfo else moment.astimezone()

    def project(self, needed: AccessLevel = AccessLevel.GUEST, *, code: bool = False) -> Project:
        """The project of the path: 404 when the caller may not see it, 403 when seeing is all that is allowed."""
        project = self.lab.project(self.path["id"])
        foreign = self.token is not None and self.token.project_id not in (None, project.id if project else None)
        if (
            project is None
            or not may_see(self.lab, self.user, project)
            or (foreign and project.visibility == "private")
        ):
            raise not_found("Project")
        public_read = self.method == "GET" and project.visibility != "private"
        if not public_read and needed > AccessLevel.GUEST and self.level(project) < needed:
            raise forbidden() if self.user else unauthorized()
        if code and not may_read_code(self.lab, self.user, project):
            raise forbidden()
        return project

    def level(self, project: Project) -> AccessLevel:
        return self.lab.level(self.user, project)

    def merge_request(self, project: Project) -> MergeRequest:
        iid = self.path["merge_request_iid"]
        found = project.merge_requests.get(int(iid)) if iid.isdecimal() else None
        if found is None or not may_read_code(self.lab, self.user, project):
            raise not_found()
        return found

    def issue(self, project: Project) -> Issue:
        iid = self.path["issue_iid"]
        found = project.issues.get(int(iid)) if iid.isdecimal() else None
        hidden = found is not None and found.confidential and found.author is not self.user
        if found is None or not project.issues_enabled or (hidden and self.level(project) < AccessLevel.PLANNER):
            raise not_found()
        return found

    async def commit(self, project: Project, revision: str) -> Commit:
        found = await project.repository.commit(revision)
        if found is None:
            raise not_found("Commit")
        return found
