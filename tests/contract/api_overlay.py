"""What GitLab's published API description gets wrong or leaves out, mended by hand.

The description is GitLab's Swagger file of about 2025-03. Each entry says what is missing; the source is GitLab's own
API documentation pages, version 18.
"""

from typing import Any

Schema = dict[str, Any]
STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
BOOLEAN: Schema = {"type": "boolean"}


def enum(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def body(required: tuple[str, ...] = (), /, **properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


PAGING: dict[str, Schema] = {
    "page": INTEGER,
    "per_page": INTEGER,
    "pagination": enum("keyset", "legacy"),
    "order_by": STRING,
    "sort": enum("asc", "desc"),
    "cursor": STRING,
    "id_after": INTEGER,
}
"""Every list takes these, though the description names them on some lists only."""

# docs: api/commits, "Create a commit with multiple files and actions": what an action needs depends on its kind.
COMMIT_ACTION: Schema = {
    "type": "object",
    "properties": {
        "action": enum("create", "update", "move", "delete", "chmod"),
        "file_path": STRING,
        "previous_path": STRING,
        "content": STRING,
        "encoding": enum("text", "base64"),
        "last_commit_id": STRING,
        "execute_filemode": BOOLEAN,
    },
    "required": ["action", "file_path"],
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"action": {"enum": ["create", "update"]}}},
            "then": {"required": ["content"]},
        },
        {"if": {"properties": {"action": {"const": "move"}}}, "then": {"required": ["previous_path"]}},
        {"if": {"properties": {"action": {"const": "chmod"}}}, "then": {"required": ["execute_filemode"]}},
    ],
}

EXTRA_BODY_PROPERTIES: dict[tuple[str, str], dict[str, Schema]] = {
    # docs: api/commits.
    ("post", "/projects/{id}/repository/commits"): {"actions": {"type": "array", "items": COMMIT_ACTION}},
    # docs: api/merge_requests, `auto_merge` came with 17.11 and replaces merge_when_pipeline_succeeds.
    ("put", "/projects/{id}/merge_requests/{merge_request_iid}/merge"): {"auto_merge": BOOLEAN},
    # docs: api/project_webhooks, signing tokens.
    ("post", "/projects/{id}/hooks"): {"signing_token": STRING},
    ("put", "/projects/{id}/hooks/{hook_id}"): {"signing_token": STRING},
    # docs: api/environments.
    ("post", "/projects/{id}/environments"): {"auto_stop_setting": enum("always", "with_action")},
}

EXTRA_QUERY: dict[tuple[str, str], dict[str, Schema]] = {
    # docs: api/deployments: the description lacks two states on read.
    ("get", "/projects/{id}/deployments"): {
        "status": enum("created", "running", "success", "failed", "canceled", "skipped", "blocked")
    },
    # docs: api/repositories, keyset pagination of the tree.
    ("get", "/projects/{id}/repository/tree"): {"page_token": STRING},
}

_NOTE = body(("body",), body=STRING, confidential=BOOLEAN, internal=BOOLEAN, created_at=STRING)
_NOTE_EDIT = body(("body",), body=STRING)
_NOTES_QUERY = {"activity_filter": enum("all_notes", "only_comments", "only_activity")}
_LABEL = {"name": STRING, "color": STRING, "description": STRING, "priority": INTEGER, "new_name": STRING}
_ISSUE_TYPE = enum("issue", "incident", "test_case", "task")
_ISSUE = {
    "title": STRING,
    "description": STRING,
    "labels": STRING,
    "add_labels": STRING,
    "remove_labels": STRING,
    "assignee_ids": {"type": "array", "items": INTEGER},
    "confidential": BOOLEAN,
    "due_date": STRING,
    "state_event": enum("close", "reopen"),
    "issue_type": _ISSUE_TYPE,
}
_LEVELS = {"type": "array", "items": {"type": "object"}}


class Operation:
    """One operation the description leaves out: its query parameters and its body (None: it takes none)."""

    def __init__(self, query: dict[str, Schema] | None = None, body: Schema | None = None) -> None:
        self.query = query or {}
        self.body = body


def _noteable(base: str) -> dict[tuple[str, str], Operation]:
    return {
        ("get", f"{base}/notes"): Operation(_NOTES_QUERY),
        ("post", f"{base}/notes"): Operation(body=_NOTE),
        ("get", f"{base}/notes/{{note_id}}"): Operation(),
        ("put", f"{base}/notes/{{note_id}}"): Operation(body=_NOTE_EDIT),
        ("delete", f"{base}/notes/{{note_id}}"): Operation(),
        ("get", f"{base}/discussions"): Operation(),
        ("post", f"{base}/discussions"): Operation(body=_NOTE),
        ("post", f"{base}/discussions/{{discussion_id}}/notes"): Operation(body=_NOTE_EDIT),
        ("put", f"{base}/discussions/{{discussion_id}}"): Operation(body=body(("resolved",), resolved=BOOLEAN)),
    }


MISSING_OPERATIONS: dict[tuple[str, str], Operation] = {
    # docs: api/version, api/users, api/projects.
    ("get", "/user"): Operation(),
    ("get", "/users"): Operation({"username": STRING, "search": STRING, "active": BOOLEAN, "humans": BOOLEAN}),
    ("get", "/users/{id}"): Operation(),
    ("get", "/projects/{id}"): Operation({"license": BOOLEAN, "statistics": BOOLEAN}),
    ("get", "/personal_access_tokens/self"): Operation(),
    # docs: api/notes, api/discussions.
    **_noteable("/projects/{id}/merge_requests/{merge_request_iid}"),
    **_noteable("/projects/{id}/issues/{issue_iid}"),
    # docs: api/labels.
    ("get", "/projects/{id}/labels"): Operation({"search": STRING, "with_counts": BOOLEAN}),
    ("post", "/projects/{id}/labels"): Operation(body=body(("name", "color"), **_LABEL)),
    ("get", "/projects/{id}/labels/{label_id}"): Operation(),
    ("put", "/projects/{id}/labels/{label_id}"): Operation(body=body(**_LABEL)),
    ("delete", "/projects/{id}/labels/{label_id}"): Operation(),
    # docs: api/issues.
    ("get", "/projects/{id}/issues"): Operation(
        {
            "state": enum("opened", "closed", "all"),
            "scope": enum("created_by_me", "assigned_to_me", "all"),
            "labels": STRING,
            "search": STRING,
            "in": STRING,
            "iids": INTEGER,
            "author_id": INTEGER,
            "author_username": STRING,
            "issue_type": _ISSUE_TYPE,
        }
    ),
    ("get", "/projects/{id}/issues/{issue_iid}"): Operation(),
    ("post", "/projects/{id}/issues"): Operation(body=body(("title",), **_ISSUE)),
    ("put", "/projects/{id}/issues/{issue_iid}"): Operation(body=body(**_ISSUE)),
    # docs: api/protected_branches, api/protected_environments.
    ("get", "/projects/{id}/protected_branches"): Operation({"search": STRING}),
    ("get", "/projects/{id}/protected_branches/{name}"): Operation(),
    ("post", "/projects/{id}/protected_branches"): Operation(
        body=body(
            ("name",),
            name=STRING,
            push_access_level=INTEGER,
            merge_access_level=INTEGER,
            unprotect_access_level=INTEGER,
            allow_force_push=BOOLEAN,
            allowed_to_push=_LEVELS,
            allowed_to_merge=_LEVELS,
        )
    ),
    ("delete", "/projects/{id}/protected_branches/{name}"): Operation(),
    ("get", "/projects/{id}/protected_environments"): Operation(),
    ("get", "/projects/{id}/protected_environments/{name}"): Operation(),
    ("post", "/projects/{id}/protected_environments"): Operation(
        body=body(("name",), name=STRING, deploy_access_levels=_LEVELS, approval_rules=_LEVELS)
    ),
    # docs: api/jobs, api/merge_base.
    ("get", "/projects/{id}/jobs"): Operation({"scope": STRING}),
    ("get", "/projects/{id}/repository/merge_base"): Operation({"refs": STRING}),
}
