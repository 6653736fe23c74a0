"""What the sandbox GitLab keeps of notes, emoji, issues, labels, environments and deployments."""

from bot.sandbox.rules import Rule

RULES = (
    Rule(id="note-crud", says="a note is written, edited and deleted", known="D", source="api/notes"),
    Rule(id="note-order", says="notes come newest first unless asked otherwise", known="D", source="api/notes"),
    Rule(
        id="note-edit-own-403",
        says="another one's note is edited by maintainers only",
        known="D",
        source="user/permissions",
    ),
    Rule(id="note-blank-400", says="a blank note is 400", known="S", source="app/models/note.rb"),
    Rule(
        id="note-system",
        says="GitLab notes pushes and changes itself, as system notes",
        known="D",
        source="user/project/system_notes",
    ),
    Rule(
        id="note-internal-hidden",
        says="internal notes are for reporters and above",
        known="D",
        source="user/discussions, internal notes",
    ),
    Rule(
        id="note-quick-actions",
        says="GitLab's own quick actions are taken out of the text; other slash words stay",
        known="D",
        source="user/project/quick_actions",
    ),
    Rule(
        id="discussion-resolve",
        says="a discussion is a thread of notes and resolves",
        known="D",
        source="api/discussions",
    ),
    Rule(
        id="emoji-once-404",
        says="the same emoji of the same user a second time is 404",
        known="S",
        source="lib/api/award_emoji.rb",
    ),
    Rule(
        id="issue-life", says="an issue opens, closes and is listed by state and label", known="D", source="api/issues"
    ),
    Rule(
        id="issue-confidential-404",
        says="a confidential issue does not exist for guests",
        known="D",
        source="user/project/issues/confidential_issues",
    ),
    Rule(
        id="issue-incident",
        says="an incident is an issue of that type, opened by reporters and above; from others it becomes an issue",
        known="S",
        source="app/policies/project_policy.rb, create_incident; gitlab !69350",
    ),
    Rule(
        id="issue-disabled-403",
        says="with issues switched off, listing and opening is 403 and a single one 404, also for maintainers",
        known="I",
        source="gitlab #421244; lib/api/issues.rb, authorize! :create_issue",
    ),
    Rule(
        id="issue-filters",
        says="issues are found by author, type, number and words in title or description, newest first unless asked",
        known="S",
        source="lib/api/issues.rb, issues_params",
    ),
    Rule(
        id="issue-title-400",
        says="a title is neither blank nor longer than 255 characters",
        known="S",
        source="app/models/concerns/issuable.rb, TITLE_LENGTH_MAX",
    ),
    Rule(
        id="issue-edit-others-403",
        says="another one's issue is edited by planners and above; a change must name something to change (400)",
        known="D",
        source="user/permissions; lib/api/issues.rb, at_least_one_of",
    ),
    Rule(
        id="issue-assignee-free",
        says="Free keeps the first assignee only, and nobody who cannot see the project",
        known="D",
        source="user/project/issues/multiple_assignees_for_issues",
    ),
    Rule(
        id="issue-quick-actions",
        says="quick actions are taken out of an issue's description as well",
        known="D",
        source="user/project/quick_actions",
    ),
    Rule(id="issue-notes", says="an issue is commented by whoever may see it", known="D", source="api/notes"),
    Rule(id="label-twice-409", says="a label is created once", known="S", source="lib/api/labels.rb"),
    Rule(
        id="environment-twice-400",
        says="an environment's name is taken once; slug and tier are made from it",
        known="D",
        source="api/environments",
    ),
    Rule(
        id="environment-flux-fields",
        says="an environment keeps namespace, Flux resource and tier",
        known="D",
        source="api/environments",
    ),
    Rule(
        id="environment-stop-before-delete",
        says="only a stopped environment is deleted",
        known="D",
        source="api/environments",
    ),
    Rule(
        id="environment-search-400",
        says="an environment search needs three characters",
        known="D",
        source="api/environments",
    ),
    Rule(
        id="deployment-life",
        says="a deployment runs, then ends; it makes the environment it names",
        known="D",
        source="api/deployments",
    ),
    Rule(
        id="deployment-transition-400",
        says="the same state again, or running after the end, is 400",
        known="S",
        source="app/services/deployments/update_service.rb",
    ),
    Rule(id="deployment-sha-400", says="a deployment's commit must exist", known="I", source="gitlab #579623"),
    Rule(
        id="deployment-rights-403",
        says="deployments are written by developers and above",
        known="D",
        source="user/permissions",
    ),
    Rule(
        id="deployment-order",
        says="deployments come oldest first; updated filters need order_by=updated_at",
        known="D",
        source="api/deployments",
    ),
    Rule(
        id="deployment-merge-requests",
        says="a deployment lists the merge requests that came since the one before",
        known="D",
        source="api/deployments",
    ),
    Rule(
        id="freeze-maintainer",
        says="freeze periods: reporters read, maintainers write, cron syntax is checked",
        known="D",
        source="api/freeze_periods",
    ),
    Rule(id="release-of-tag", says="a release belongs to a tag, once", known="D", source="api/releases"),
)
