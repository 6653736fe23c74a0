"""How fast the cluster's controllers are and which of their quirks are on."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Settings:
    """May be changed while the cluster runs. All times are real seconds."""

    rollout: float = 0.3
    """From a changed Deployment to ready pods."""
    stall: float = 0.6
    """From a changed Deployment whose pods do not come up to ProgressDeadlineExceeded (Kubernetes: 600)."""
    poll: float = 0.05
    """Between two looks at health (kustomize-controller: 5)."""
    dependency_retry: float = 0.3
    """Between two looks at unready dependencies (kustomize-controller: 5, flag --requeue-dependency)."""
    failure_retry: float = 1.0
    """Between two tries of a source that failed, and of what a controller retries by back-off."""
    rate_limit: float = 0.0
    """notification-controller's --rate-limit-interval (default there: 300); 0 lets equal events pass."""
    retry_waits: tuple[float, ...] = (2.0, 4.0, 8.0, 16.0)
    """notification-controller's waits between tries; the chain must fit in the Provider's timeout."""
    stale_selection: bool = True
    """Whether image automation writes the selection it knew once more onto a head it did not know."""
    bookmark_every: float = 5.0
    """Between two bookmarks of a quiet watch (Kubernetes: about 60)."""
    canary_interval: float = 0.2
    """The shortest time between two ticks of a canary, whatever analysis.interval says (Flagger: 10)."""
    canary_deadline: float = 3.0
    """The longest a canary's target may take to come up; progressDeadlineSeconds (600) where that is shorter."""
    event_similar: int = 0
    """How many different events of an object, type and reason there may be within ten minutes before the others are
    folded into one "(combined from similar events)" (client-go: 10); 0 folds none."""
    event_burst: int = 0
    """How many events of an object a controller may say at once, and one more every five minutes, before the others
    are lost (client-go: 25); 0 loses none."""
