"""What the sandbox GitLab keeps of who may sign in, see and do what; pages are those of GitLab's documentation."""

from bot.sandbox.rules import Rule

RULES = (
    Rule(
        id="auth-bearer",
        says="a token is accepted as PRIVATE-TOKEN or as Authorization: Bearer",
        known="D",
        source="api/rest/authentication",
    ),
    Rule(
        id="auth-unknown-token-401",
        says="an unknown token is 401, even where no token would have been enough",
        known="S",
        source="lib/api/api_guard.rb",
    ),
    Rule(
        id="auth-revoked-401",
        says="a revoked token is 401 `invalid_token`, with a sentence that says so",
        known="S",
        source="lib/api/api_guard.rb",
    ),
    Rule(
        id="auth-scope-403",
        says="a token without the needed scope is 403 `insufficient_scope`",
        known="S",
        source="lib/api/api_guard.rb",
    ),
    Rule(
        id="auth-private-project-404",
        says="a private project does not exist for whoever is no member",
        known="D",
        source="user/permissions",
    ),
    Rule(
        id="auth-project-token-bound",
        says="a project access token opens no other private project",
        known="D",
        source="user/project/settings/project_access_tokens",
    ),
    Rule(
        id="auth-guest-no-code-403",
        says="guests of a private project do not read its code",
        known="D",
        source="user/permissions",
    ),
    Rule(
        id="auth-reporter-no-write-403",
        says="branches, commits, tags and merge requests are written by developers and above",
        known="D",
        source="user/permissions",
    ),
    Rule(
        id="members-all-inherited",
        says="`members/all` knows members of the group, `members` only direct ones",
        known="D",
        source="api/members",
    ),
    Rule(id="members-unknown-404", says="a user who is no member is 404", known="D", source="api/members"),
    Rule(
        id="path-url-encoded",
        says="a project is named by number or by its path with `%2F`",
        known="D",
        source="api/rest",
    ),
    Rule(
        id="route-unmodelled-501",
        says="what is not modelled says so by name, it never pretends",
        known="N",
        source="rule of the sandbox, not of GitLab",
    ),
    Rule(id="version-told", says="`/version` answers any signed-in user", known="D", source="api/version"),
    Rule(
        id="page-headers",
        says="offset pages carry X-Page, X-Next-Page, X-Total and Link",
        known="D",
        source="api/rest, pagination",
    ),
    Rule(
        id="page-most-100",
        says="per_page is 100 at most, more is cut without complaint",
        known="D",
        source="api/rest, pagination",
    ),
    Rule(
        id="limit-headers",
        says="answers tell RateLimit-Limit, -Observed, -Remaining and -Reset",
        known="D",
        source="administration/settings/user_and_ip_rate_limits",
    ),
    Rule(
        id="limit-429-text",
        says="over the budget: 429, Retry-After, and `Retry later` as plain text",
        known="D",
        source="administration/settings/user_and_ip_rate_limits; failures seen: GitLab Dedicated",
    ),
    Rule(
        id="limit-notes-429-json",
        says="notes have a budget of their own (300 a minute); over it 429 with a JSON message",
        known="D",
        source="administration/settings/rate_limit_on_notes_creation",
    ),
)
