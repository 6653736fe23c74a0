"""What the sandbox GitLab keeps of webhooks out; pages are those of GitLab's documentation."""

from bot.sandbox.rules import Rule

RULES = (
    Rule(
        id="hook-headers",
        says="a delivery has the headers recorded for 17.4 and later",
        known="S",
        source="app/services/web_hook_service.rb",
    ),
    Rule(
        id="hook-token",
        says="the secret token is sent as it is in X-Gitlab-Token",
        known="D",
        source="user/project/integrations/webhooks",
    ),
    Rule(
        id="hook-signed",
        says="a signing token adds Standard Webhooks headers; webhook-id is the Idempotency-Key",
        known="I",
        source="gitlab #596374, MR 230944",
    ),
    Rule(id="hook-secrets-write-only", says="secrets are never told back", known="D", source="api/project_webhooks"),
    Rule(
        id="hook-presence-told",
        says="whether a token or signing token is set is told",
        known="I",
        source="gitlab MR 231325",
    ),
    Rule(
        id="hook-maintainer-403",
        says="webhooks are read and written by maintainers",
        known="D",
        source="api/project_webhooks",
    ),
    Rule(
        id="hook-resend-same-key",
        says="a resent delivery keeps body and Idempotency-Key, not its delivery UUID; the log hides the token",
        known="D",
        source="user/project/integrations/webhooks",
    ),
    Rule(
        id="hook-recursion",
        says="an event UUID sent back blocks the same hook in that chain",
        known="S",
        source="lib/gitlab/web_hooks/recursion_detection.rb",
    ),
    Rule(
        id="hook-auto-disable",
        says="where it is on, four failures in a row (4xx too) pause a hook",
        known="D",
        source="webhooks, auto-disabled; gitlab MR 166329",
    ),
    Rule(
        id="hook-no-retry",
        says="a failed delivery is not retried",
        known="S",
        source="app/services/web_hook_service.rb",
    ),
    Rule(
        id="hook-four-refs-silent",
        says="a push of more than three branches, or tags, fires no push hook",
        known="D",
        source="webhook_events, push events",
    ),
    Rule(
        id="hook-push-twenty",
        says="a push hook lists twenty commits and counts all",
        known="D",
        source="webhook_events, push events",
    ),
    Rule(
        id="hook-tag",
        says="a tag push tells the tag object in `after` and the commit in `checkout_sha`",
        known="D",
        source="webhook_events, tag events",
    ),
    Rule(
        id="hook-mr-oldrev",
        says="an update tells oldrev only when commits changed",
        known="D",
        source="webhook_events, merge request events",
    ),
    Rule(
        id="hook-mr-changes",
        says="an update tells what changed, from what, to what",
        known="D",
        source="webhook_events, merge request events",
    ),
    Rule(
        id="hook-mr-life",
        says="open, close, reopen, approved and merge each have a hook",
        known="D",
        source="webhook_events, merge request events",
    ),
    Rule(
        id="hook-check-silent",
        says="no hook tells that the mergeability check ended",
        known="I",
        source="gitlab #339740",
    ),
    Rule(
        id="hook-note-action",
        says="a note hook tells create or update (16.11)",
        known="D",
        source="webhook_events, comment events",
    ),
    Rule(
        id="hook-note-internal",
        says="internal notes go to hooks for confidential notes only",
        known="D",
        source="webhook_events, comment events",
    ),
    Rule(
        id="hook-system-note-silent",
        says="system notes fire no note hook",
        known="S",
        source="app/services/notes/post_process_service.rb",
    ),
    Rule(
        id="hook-pipeline-and-jobs",
        says="each status of a pipeline and of a job has a hook; variables carry no secret",
        known="D",
        source="webhook_events, pipeline and job events",
    ),
    Rule(
        id="hook-external-pipeline",
        says="a commit status moves its pipeline, so our own writes come back as pipeline hooks",
        known="S",
        source="app/models/ci/pipeline.rb",
    ),
    Rule(
        id="hook-deployment",
        says="a deployment's states have hooks",
        known="D",
        source="webhook_events, deployment events",
    ),
    Rule(
        id="hook-emoji",
        says="an emoji given and taken back has hooks",
        known="D",
        source="webhook_events, emoji events",
    ),
    Rule(
        id="hook-group",
        says="a group's and a project's hook both fire, under different keys",
        known="D",
        source="user/project/integrations/webhooks, group webhooks",
    ),
    Rule(
        id="hook-payload-fields",
        says="payloads have the fields of the recorded ones",
        known="C",
        source="test data of GitLab's Go client 2.64.0",
    ),
)
