"""What the embedded cluster models of Kubernetes, Flux and Flagger, and where each rule is known from."""

from bot.sandbox.rules import Rule

KUBERNETES = "Kubernetes docs, API Concepts"
KUSTOMIZE = "kustomize-controller 1.6, internal/controller/kustomization_controller.go"
NOTIFICATION = "notification-controller 1.6, internal/server"
REFLECTOR = "image-reflector-controller 1.0, internal/policy and internal/controller"
HOOKS = "Flagger 1.41, pkg/controller/webhook.go"
SCHEDULER = "Flagger, pkg/controller/scheduler.go and scheduler_hooks.go"
AUTOMATION = "image-automation-controller 1.0, internal/controller and internal/update"

API_RULES = (
    Rule(
        id="one-version",
        says="resourceVersion is one counter for all kinds; a write that changes nothing keeps it",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="generation",
        says="generation grows with changes outside metadata and status only",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="status-apart",
        says="an update leaves status alone, /status leaves everything else alone",
        known="S",
        source="Kubernetes docs, custom resources, status subresource",
    ),
    Rule(
        id="conflict",
        says="an update or patch with another resourceVersion is 409 Conflict",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="watch",
        says="a watch from a version tells what happened since; without one it begins with ADDED for all",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="selection",
        says="leaving a watch's selection is DELETED, entering it ADDED",
        known="S",
        source="apiserver, storage/cacher",
    ),
    Rule(id="bookmarks", says="BOOKMARK only when asked for, with the present version", known="S", source=KUBERNETES),
    Rule(
        id="gone",
        says="a version that is no longer known: ERROR event with a 410 Status, or HTTP 410 when told to",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="pages",
        says="limit and continue show one snapshot; a forgotten token is 410 Expired",
        known="S",
        source=KUBERNETES,
    ),
    Rule(
        id="patches",
        says="merge and JSON patches for all; strategic for built-in kinds only, else 415",
        known="D",
        source="Kubernetes docs, Update API Objects in Place Using kubectl patch",
    ),
    Rule(
        id="strategic-by-name",
        says="strategic merges join lists of named mappings by name; directives are refused",
        known="N",
        source="our own simplification: the real keys come from each type",
    ),
    Rule(
        id="rbac",
        says="401 without a known token, 403 Forbidden naming user, verb, resource and namespace",
        known="S",
        source="Kubernetes docs, Using RBAC Authorization",
    ),
    Rule(
        id="few-events",
        says="equal events are counted; folding similar ones and losing a flood are off by default here",
        known="S",
        source="client-go, tools/record/events_cache.go",
    ),
    Rule(
        id="rollout",
        says="a Deployment becomes ready, stalls with ProgressDeadlineExceeded, or hangs; without replicas it is ready",
        known="N",
        source="our own: timing and outcome are set; conditions are those of the Deployment docs",
    ),
)
FLUX_RULES = (
    Rule(
        id="order",
        says="NewArtifact, Progressing with the changes, Progressing with the health check, ReconciliationSucceeded",
        known="R",
        source="recorded from Flux 2.6",
    ),
    Rule(
        id="bodies",
        says="key names and order, Go's JSON escapes, Gotk-Component, X-Signature over the raw body",
        known="R",
        source="recorded from notification-controller 1.6",
    ),
    Rule(
        id="reason-is-ready",
        says="an event's reason is the Ready condition's reason at that moment",
        known="S",
        source=KUSTOMIZE,
    ),
    Rule(
        id="no-change-too",
        says="a reconciliation without change sends ReconciliationSucceeded with commit_status",
        known="R",
        source="recorded from Flux 2.6",
    ),
    Rule(id="every-head", says="every Kustomization reports every new head of its source", known="S", source=KUSTOMIZE),
    Rule(
        id="applied-after-health",
        says="lastAppliedRevision moves only after the health checks passed",
        known="S",
        source=KUSTOMIZE,
    ),
    Rule(
        id="observed-when-ready",
        says="observedGeneration moves only with Ready=True; a failure keeps Reconciling "
        "with reason ProgressingWithRetry",
        known="S",
        source=KUSTOMIZE,
    ),
    Rule(
        id="history",
        says="one snapshot per digest and verdict, latest first, at most five",
        known="S",
        source="fluxcd/pkg/apis/meta 1.21, history.go",
    ),
    Rule(
        id="disabled",
        says="an object marked reconcile: disabled is skipped and not waited for",
        known="S",
        source=KUSTOMIZE,
    ),
    Rule(
        id="dry-run-first",
        says="one refused object keeps all of a revision from being applied",
        known="S",
        source="fluxcd/pkg/ssa; here the dry run knows types of spec.replicas only",
    ),
    Rule(
        id="dependencies",
        says="a dependency must be ready, observed, and at the same revision of a shared source",
        known="S",
        source=KUSTOMIZE,
    ),
    Rule(
        id="metadata",
        says="object annotations, then eventMetadata, then the controller's; prefix off, checksum, "
        "digest and token dropped",
        known="S",
        source=f"{NOTIFICATION}/event_handlers.go",
    ),
    Rule(
        id="alerts",
        says="kind and namespace exact, name exact or *; exclusion beats inclusion",
        known="S",
        source=f"{NOTIFICATION}/event_handlers.go",
    ),
    Rule(
        id="delivery",
        says="four retries after 2, 4, 8, 16 s within the provider's timeout; on 429, 5xx and "
        "connection errors; lost with the process; NotificationDispatchFailed at the end",
        known="S",
        source=NOTIFICATION,
    ),
    Rule(
        id="rate-limit",
        says="equal object, message and revision within the interval are dropped; off by default here",
        known="S",
        source=f"{NOTIFICATION}/event_server.go",
    ),
    Rule(
        id="receiver",
        says="plain token and event comparison: 400; unknown path 404, suspended 503, too large 413",
        known="S",
        source=f"{NOTIFICATION}/receiver_handlers.go",
    ),
    Rule(
        id="semver",
        says="Masterminds ranges; pre-releases only where the range names one; strict versions, v allowed",
        known="R",
        source="table made with github.com/Masterminds/semver/v3 3.4.0",
    ),
    Rule(
        id="policies",
        says="filterTags with extract, numerical, alphabetical; an unreadable range stalls",
        known="S",
        source=REFLECTOR,
    ),
    Rule(
        id="selection-status",
        says="latestRef and observedPreviousRef; digest by digestReflectionPolicy",
        known="S",
        source=REFLECTOR,
    ),
    Rule(id="setters", says="only values at $imagepolicy markers below the path change", known="S", source=AUTOMATION),
    Rule(
        id="never-force",
        says="a lost race fails the push and is tried again on the new head",
        known="S",
        source=AUTOMATION,
    ),
    Rule(
        id="undoes-reverts",
        says="a reverted tag is written again while its marker stands",
        known="I",
        source="flux2 issue 4676",
    ),
    Rule(
        id="stale-selection",
        says="the run that a new head starts may write the selection known before, once",
        known="N",
        source="order of the watches; may be switched off",
    ),
    Rule(
        id="not-modelled",
        says="HelmRelease and OCIRepository are kept but no controller works on them; "
        "unknown fields of kustomize and of Kustomization.spec are BuildFailed",
        known="N",
        source="our own",
    ),
)
FLAGGER_RULES = (
    Rule(
        id="hook-bodies",
        says="name, namespace, phase, checksum, metadata sorted; an event's three own keys win over the webhook's",
        known="R",
        source="recorded from Flagger 1.41",
    ),
    Rule(id="hook-success", says="200 to 202 are success, 204 and all else are not", known="S", source=HOOKS),
    Rule(
        id="hook-waits",
        says="10 s timeout, no retries by default; one after the other; the first failure of a type ends its list",
        known="S",
        source=HOOKS,
    ),
    Rule(
        id="hook-type-order",
        says="confirm-rollout, then rollback, pre-rollout, rollout, traffic increase or promotion, post-rollout",
        known="R",
        source=f"recorded from Flagger 1.41, and {SCHEDULER}",
    ),
    Rule(
        id="waiting-asks-no-rollback",
        says="the rollback hook is asked in Progressing and WaitingPromotion; a Waiting tick ends at its gate before",
        known="S",
        source=SCHEDULER,
    ),
    Rule(
        id="phase-of-the-tick",
        says="events carry the phase the tick began with: a roll-back Progressing, an ended promotion Finalising; "
        "only `New revision detected!` and `Canary failed!` are ahead of it",
        known="R",
        source="recorded from Flagger 1.41",
    ),
    Rule(
        id="checksum",
        says="at confirm-rollout of the old revision after Succeeded, of the new one after Failed",
        known="R",
        source="recorded from Flagger 1.41",
    ),
    Rule(
        id="promotion-asked-twice",
        says="confirm-promotion is asked again after it passed; closed, the analysis goes on by one iteration",
        known="R",
        source="recorded from Flagger 1.41",
    ),
    Rule(
        id="roll-back",
        says="traffic to the primary, target to zero, Failed said before it is stored; the bad template stays",
        known="S",
        source=SCHEDULER,
    ),
    Rule(
        id="reverted",
        says="the last promoted template starts no analysis, and Failed stays Failed",
        known="S",
        source="Flagger, pkg/canary/spec.go",
    ),
    Rule(
        id="swallowed",
        says="in Failed the template is noted at each tick: a tick that ends early swallows a new revision",
        known="S",
        source=SCHEDULER,
    ),
    Rule(
        id="canary-times",
        says="ticks follow analysis.interval down to canary_interval; the deadline is at most canary_deadline",
        known="N",
        source="our own: Flagger's least interval is 10 s",
    ),
    Rule(
        id="canary-not-modelled",
        says="targets other than Deployments, match, mirror and autoscalers are said to be so in an event; "
        "Services, configs and alerts are left alone, and no metric is ever queried",
        known="N",
        source="our own",
    ),
)

RULES = API_RULES + FLUX_RULES + FLAGGER_RULES
