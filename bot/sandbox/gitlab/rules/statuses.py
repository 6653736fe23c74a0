"""What the sandbox GitLab keeps of commit statuses and pipelines; pages are those of GitLab's documentation."""

from bot.sandbox.rules import Rule

RULES = (
    Rule(
        id="status-same-state-400",
        says="pending again or running again is 400 `Cannot transition status via …`",
        known="S",
        source="create_commit_status_service.rb; gitlab-foss #25807",
    ),
    Rule(
        id="status-no-way-back-400",
        says="running does not go back to pending",
        known="S",
        source="app/models/commit_status.rb",
    ),
    Rule(
        id="status-updates-open-row",
        says="the pending or running row of the same name, ref and user is updated",
        known="S",
        source="create_commit_status_service.rb; gitlab #16788",
    ),
    Rule(
        id="status-final-new-row",
        says="a finished row stays; a new one is made and the old is retried",
        known="S",
        source="app/services/ci/pipelines/add_job_service.rb",
    ),
    Rule(
        id="status-other-user-new-row",
        says="a row of another user is not updated",
        known="S",
        source="create_commit_status_service.rb, for_user",
    ),
    Rule(
        id="status-external-pipeline",
        says="without a matching pipeline one of source external is created",
        known="I",
        source="gitlab #443254, #300720; create_pipeline",
    ),
    Rule(
        id="status-joins-newest-pipeline",
        says="with ref given the newest pipeline of that commit and ref takes the status",
        known="S",
        source="create_commit_status_service.rb, first_matching_pipeline",
    ),
    Rule(
        id="status-reopens-pipeline",
        says="an unfinished status makes a finished pipeline run again",
        known="S",
        source="lib/gitlab/ci/status/composite.rb",
    ),
    Rule(
        id="status-other-ref-other-pipeline",
        says="a ref without a pipeline of its own gets an external one beside the real one",
        known="S",
        source="create_commit_status_service.rb",
    ),
    Rule(
        id="status-pipeline-id-404",
        says="a pipeline_id that does not fit commit and ref is 404",
        known="S",
        source="create_commit_status_service.rb, validate",
    ),
    Rule(
        id="status-commit-404",
        says="an unknown commit is 404",
        known="I",
        source="gitlab #14594; create_commit_status_service.rb",
    ),
    Rule(
        id="status-default-ref",
        says="without ref and pipeline the first branch that contains the commit is taken",
        known="I",
        source="gitlab #282625",
    ),
    Rule(
        id="status-default-name",
        says="name, or context, or `default`",
        known="S",
        source="create_commit_status_service.rb, name",
    ),
    Rule(
        id="status-description-with-state",
        says="description and target change only together with the state",
        known="S",
        source="create_commit_status_service.rb",
    ),
    Rule(
        id="status-state-400",
        says="a missing or unknown state is 400 under `error`",
        known="S",
        source="lib/api/commit_statuses.rb",
    ),
    Rule(
        id="status-developer-403",
        says="statuses are written by developers and above",
        known="D",
        source="api/commits, commit status",
    ),
    Rule(
        id="status-protected-ref-403",
        says="of a protected ref only by who may push to it or merge into it",
        known="S",
        source="app/policies/ci/pipeline_policy.rb, protected_ref",
    ),
    Rule(
        id="status-lock-409",
        says="writes of one commit are one after another; whoever waits too long gets 409",
        known="S",
        source="create_commit_status_service.rb, in_lock",
    ),
    Rule(
        id="pipeline-rollup",
        says="a pipeline's status is rolled up from its latest jobs",
        known="S",
        source="lib/gitlab/ci/status/composite.rb",
    ),
    Rule(id="pipeline-needs-config", says="a pipeline needs a CI file at the commit", known="D", source="ci/pipelines"),
    Rule(
        id="pipeline-skip-ci",
        says="[skip ci] in the message: the pipeline is skipped",
        known="D",
        source="ci/pipelines, skip a pipeline",
    ),
    Rule(
        id="pipeline-invalid-config",
        says="an unreadable CI file fails the pipeline and is told in yaml_errors",
        known="D",
        source="ci/pipelines",
    ),
    Rule(
        id="pipeline-tag", says="a tag has a pipeline of its own ref", known="D", source="ci/pipelines/pipeline_types"
    ),
    Rule(
        id="pipeline-merge-request-event",
        says="merge request pipelines run on refs/merge-requests/N/head",
        known="D",
        source="ci/pipelines/merge_request_pipelines",
    ),
    Rule(
        id="pipeline-workflow-rules",
        says="workflow rules choose, by `if` in order, which pipelines are made",
        known="D",
        source="ci/yaml/workflow",
    ),
    Rule(
        id="pipeline-merged-result",
        says="paid: a merged-result pipeline tests a commit with parents target and head",
        known="D",
        source="ci/pipelines/merged_results_pipelines",
    ),
    Rule(
        id="pipeline-jobs",
        says="a pipeline's jobs are CI jobs; commit statuses are not among them",
        known="D",
        source="api/jobs",
    ),
    Rule(
        id="pipeline-manual-job",
        says="a manual job that may not fail keeps the pipeline manual",
        known="D",
        source="ci/jobs/job_control",
    ),
    Rule(
        id="pipeline-filters",
        says="pipelines filter by sha, ref, status and source, newest first",
        known="D",
        source="api/pipelines",
    ),
    Rule(
        id="pipeline-latest", says="latest is the newest pipeline of the ref's head", known="D", source="api/pipelines"
    ),
)
