"""What the sandbox GitLab keeps of repositories, over the API and over Git."""

from bot.sandbox.rules import Rule

RULES = (
    Rule(
        id="commit-actions",
        says="one commit creates, updates, moves, deletes and chmods files; content may be base64",
        known="D",
        source="api/commits",
    ),
    Rule(
        id="commit-file-existence-400",
        says="create of an existing file and change of a missing one are 400",
        known="S",
        source="app/services/files/multi_service.rb",
    ),
    Rule(
        id="commit-last-commit-id-400",
        says="a last_commit_id that is not the file's last commit is 400",
        known="S",
        source="app/services/files/multi_service.rb",
    ),
    Rule(
        id="commit-start-branch",
        says="a new branch needs start_branch or start_sha; an existing one refuses it unless forced",
        known="S",
        source="app/services/commits/create_service.rb",
    ),
    Rule(
        id="commit-protected-403",
        says="a commit to a branch one may not push to is 403",
        known="S",
        source="lib/api/commits.rb",
    ),
    Rule(
        id="commit-last-pipeline",
        says="a single commit tells `last_pipeline` and `status`",
        known="D",
        source="api/commits",
    ),
    Rule(
        id="commit-unknown-404",
        says="an unknown commit is 404 Commit Not Found",
        known="S",
        source="lib/api/commits.rb",
    ),
    Rule(
        id="commit-refs-and-merge-requests",
        says="a commit knows the refs that contain it and the merge requests it came with",
        known="D",
        source="api/commits",
    ),
    Rule(id="commit-comment", says="a commit can be commented", known="D", source="api/commits"),
    Rule(
        id="compare-from-merge-base",
        says="compare lists commits oldest first and diffs from the merge base",
        known="D",
        source="api/repositories",
    ),
    Rule(
        id="compare-most-1000-files",
        says="compare lists at most 1,000 files, both names of a renamed one, and says `compare_timeout` when it cut",
        known="S",
        source="lib/api/entities/compare.rb; administration/diff_limits",
    ),
    Rule(
        id="branch-can-push",
        says="a branch tells whether it is protected, and whether developers and whoever asks may push to it",
        known="D",
        source="api/branches",
    ),
    Rule(
        id="protected-branch-once-409",
        says="a name is protected once, by maintainers; unasked, maintainers push and merge; reporters do not look",
        known="D",
        source="api/protected_branches",
    ),
    Rule(
        id="protected-branch-nobody-pushes",
        says="push level 0 keeps everybody from pushing, over Git and the API; who may merge still merges",
        known="D",
        source="user/project/repository/branches/protected",
    ),
    Rule(
        id="protected-branch-named-users",
        says="the paid editions let single users push or merge, whatever their level; Free ignores them",
        known="D",
        source="api/protected_branches, allowed_to_push",
    ),
    Rule(
        id="branch-twice-400",
        says="a branch is created once, from something that exists",
        known="S",
        source="app/services/branches/create_service.rb",
    ),
    Rule(
        id="branch-delete-protected-403",
        says="protected branches and the default branch are not deleted over the API by a push right",
        known="S",
        source="app/services/branches/delete_service.rb",
    ),
    Rule(
        id="branch-protection-default",
        says="the default branch is protected: maintainers push and merge, nobody forces",
        known="D",
        source="user/project/repository/branches/default",
    ),
    Rule(id="tag-twice-400", says="a tag is created once", known="S", source="app/services/tags/create_service.rb"),
    Rule(
        id="tag-annotated",
        says="a tag with a message is an object of its own: `target` differs from the commit",
        known="D",
        source="api/tags",
    ),
    Rule(id="file-raw", says="a raw file is sent byte for byte", known="D", source="api/repository_files"),
    Rule(id="tree-missing-404", says="a folder that does not exist is 404", known="D", source="api/repositories"),
    Rule(
        id="git-token-password",
        says="Git signs in with any name and the token as password",
        known="D",
        source="user/profile/personal_access_tokens",
    ),
    Rule(
        id="git-unknown-token-401",
        says="Git with a wrong token is 401 and `HTTP Basic: Access denied`",
        known="S",
        source="app/controllers/repositories/git_http_client_controller.rb",
    ),
    Rule(
        id="git-private-404", says="a repository one may not see is 404", known="S", source="lib/gitlab/git_access.rb"
    ),
    Rule(
        id="git-reporter-no-push-403",
        says="reporters clone, they do not push",
        known="S",
        source="lib/gitlab/git_access.rb",
    ),
    Rule(
        id="git-scope-403",
        says="read_repository does not push",
        known="D",
        source="user/profile/personal_access_tokens, scopes",
    ),
    Rule(
        id="git-protected-push",
        says="a push to a protected branch without the right is refused by the pre-receive check, whole",
        known="S",
        source="lib/gitlab/checks/branch_check.rb",
    ),
    Rule(
        id="git-protected-force",
        says="a protected branch refuses force, even from maintainers",
        known="S",
        source="lib/gitlab/checks/branch_check.rb",
    ),
    Rule(
        id="git-default-branch-delete",
        says="the default branch cannot be deleted by a push",
        known="S",
        source="lib/gitlab/checks/branch_check.rb",
    ),
    Rule(
        id="git-lease",
        says="--force-with-lease protects what one has not seen",
        known="R",
        source="git 2.39 against git http-backend",
    ),
    Rule(
        id="git-shallow-partial",
        says="shallow and partial clones are served",
        known="R",
        source="git 2.39 against git http-backend",
    ),
    Rule(
        id="git-push-refreshes-mr",
        says="a push to its source branch moves the merge request's head and makes a new check",
        known="S",
        source="app/services/merge_requests/refresh_service.rb",
    ),
    Rule(
        id="git-mr-head-ref",
        says="refs/merge-requests/N/head follows the head and can be fetched",
        known="D",
        source="user/project/merge_requests/versions",
    ),
)
