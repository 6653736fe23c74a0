"""What the embedded cluster models of Kubernetes and Flux, and where each rule is known from."""

from bot.sandbox.rules import Rule

KUBERNETES = "Kubernetes docs, API Concepts"
KUSTOMIZE = "kustomize-controller 1.6, internal/controller/kustomization_controller.go"
NOTIFICATION = "notification-controller 1.6, internal/server"
REFLECTOR = "image-reflector-controller 1.0, internal/policy and internal/controller"
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
        id="rollout",
        says="a Deployment becomes ready, stalls with ProgressDeadlineExceeded, or hangs",
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
        says="HelmRelease, OCIRepository and Canary are kept but no controller works on them; "
        "unknown fields of kustomize and of Kustomization.spec are BuildFailed",
        known="N",
        source="our own",
    ),
)

RULES = API_RULES + FLUX_RULES
