"""Who may see and do what: tokens, scopes, levels, and the words of refusal."""

import gitlab
import pytest
from contract.forge import GUEST, MAINTAINER, REPORTER, Forge, SandboxThread, refused
from gitlab.v4.objects import Project

from bot.sandbox.gitlab import AccessLevel


@pytest.mark.rule("auth-unknown-token-401")
def test_unknown_token_is_unauthorized(forge: Forge) -> None:
    with refused(401, "401 Unauthorized"):
        forge.sign_in("glpat-nobody-knows-me").projects.list(get_all=False)


@pytest.mark.rule("auth-private-project-404")
def test_private_project_does_not_exist_for_strangers(forge: Forge, project: Project) -> None:
    stranger = forge.person()

    with refused(404, "404 Project Not Found"):
        stranger.client.projects.get(project.id)
    with refused(404, "404 Project Not Found"):
        forge.sign_in(None).projects.get(project.id)


@pytest.mark.rule("auth-bearer")
def test_token_is_accepted_as_a_bearer(forge: Forge) -> None:
    bearer = gitlab.Gitlab(forge.url, oauth_token=forge.admin_token)

    bearer.auth()

    assert bearer.user is not None
    assert bearer.user.username


@pytest.mark.rule("auth-revoked-401")
def test_revoked_token_says_so(sandbox: SandboxThread, forge: Forge) -> None:
    person = forge.person()
    sandbox.do(lambda: sandbox.lab.revoke_token(person.token))

    with refused(401, "Token was revoked"):
        person.client.auth()


@pytest.mark.rule("auth-scope-403")
def test_reading_token_cannot_write(forge: Forge, project: Project) -> None:
    reader = forge.person(project, MAINTAINER, scopes=("read_api",))

    assert reader.client.projects.get(project.id).id == project.id
    with refused(403, "insufficient_scope"):
        reader.of(project).branches.create({"branch": "x", "ref": "main"})


@pytest.mark.rule("auth-guest-no-code-403")
def test_guest_of_a_private_project_reads_no_code(forge: Forge, project: Project) -> None:
    guest = forge.person(project, GUEST)

    assert guest.client.projects.get(project.id).id == project.id
    with refused(403):
        guest.of(project).commits.list(get_all=False)


@pytest.mark.rule("auth-reporter-no-write-403")
def test_reporter_cannot_write(forge: Forge, project: Project) -> None:
    reporter = forge.person(project, REPORTER)

    with refused(403, "403 Forbidden"):
        reporter.of(project).branches.create({"branch": "x", "ref": "main"})


@pytest.mark.rule("auth-project-token-bound")
def test_project_token_opens_no_other_private_project(sandbox: SandboxThread, forge: Forge, project: Project) -> None:
    other = forge.project()

    def make() -> str:
        lab = sandbox.lab
        bot = lab.create_user("project_bot", "bot", kind="project_bot")
        for one in (project, other):
            lab.add_member(lab.project(one.path_with_namespace), bot, AccessLevel.MAINTAINER)
        return lab.create_token(bot, ["api"], kind="project", project=lab.project(project.path_with_namespace))

    client = forge.sign_in(sandbox.do(make))

    assert client.projects.get(project.id).id == project.id
    with refused(404):
        client.projects.get(other.id)


@pytest.mark.rule("members-all-inherited")
def test_inherited_members_are_listed_by_all_only(forge: Forge) -> None:
    group = forge.admin.groups.create({"name": f"g-{forge.person().username}", "path": f"g-{forge.person().username}"})
    project = forge.admin.projects.create({"name": "inherits", "namespace_id": group.id})
    me = forge.admin.http_get("/user")

    assert isinstance(me, dict)
    assert forge.admin.projects.get(project.id).members_all.get(me["id"]).access_level == 50


@pytest.mark.rule("members-unknown-404")
def test_stranger_is_no_member(forge: Forge, project: Project) -> None:
    stranger = forge.person()

    with refused(404):
        project.members_all.get(stranger.id)


@pytest.mark.rule("path-url-encoded")
def test_project_is_found_by_encoded_path_and_by_number(forge: Forge, project: Project) -> None:
    by_path = forge.admin.projects.get(project.path_with_namespace)

    assert by_path.id == project.id


@pytest.mark.rule("route-unmodelled-501")
def test_unmodelled_route_is_refused_by_name(sandbox: SandboxThread, forge: Forge, project: Project) -> None:
    with refused(501, f"GET /projects/{project.id}/wikis"):
        project.wikis.list(get_all=False)


@pytest.mark.rule("version-told")
def test_version_and_user_are_told(forge: Forge) -> None:
    version, revision = forge.admin.version()

    assert version[0].isdigit()
    assert revision
