"""What no single field of a policy can show: that its parts fit together."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from re import compile as pattern
from typing import TYPE_CHECKING

from config import automation_checks, people_checks
from config.located import Finding, Location
from config.ordering import cycle
from config.policy_form import ApplicationForm, EnvironmentForm, OverrideForm, PolicyForm, RollbackForm
from config.position import Position
from config.resolution import CanaryRef, EnvironmentPolicy, KustomizationRef, clusters_of, templates
from config.words import placeholders

if TYPE_CHECKING:
    from config.policy import Policy

OBJECT_NAME = pattern(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")
"""A DNS subdomain (RFC 1123): what Kubernetes allows as a name."""

IN_FILES = frozenset({"application", "environment", "cluster"})
IN_OBJECT_NAME = frozenset({"application", "environment"})
IN_REGISTRY = frozenset({"registry", "repository"})

LIMITS_ARE_NOT_WRITTEN = Finding(
    path=("limits",),
    at_key=True,
    code="unknown",
    what="limits is unknown",
    why="limits come from per-team files alone",
    do="Move them to a file under .sluice/policy.d/.",
)


def one_document(count: int) -> Finding:
    """A policy file holds exactly one YAML document."""
    return Finding(
        path=(),
        code="document",
        what="a policy is one YAML document",
        why=f"this file holds {count}",
        do="Write one mapping with version, environments and applications.",
    )


def structure(policy: PolicyForm) -> list[Finding]:
    """Faults between the written blocks: without these a policy cannot even be resolved."""
    found: list[Finding] = []
    for name, environment in policy.environments.items():
        found += _environment(name, environment, policy)
    found += _cycle(policy)
    found += people_checks.not_available(policy)
    for name, application in policy.applications.items():
        found += _application(name, application, policy)
    return found


def resolved(policy: "Policy") -> list[Finding]:
    """Faults that show once every placeholder is filled in."""
    pairs = [
        policy.environment(application, environment)
        for application in policy.applications
        for environment in policy.environments_of(application)
    ]
    found = [finding for pair in pairs for finding in _pair(pair)]
    found += _shared(pairs, "kustomization-shared", _kustomization_keys, "watch the same Kustomization")
    found += _shared(pairs, "position-shared", _position_keys, "write the same field")
    found += _shared(pairs, "canary-shared", _canary_keys, "are rolled out by the same Canary")
    found += automation_checks.automated(policy, pairs)
    return found


def _environment(name: str, form: EnvironmentForm, policy: PolicyForm) -> Iterator[Finding]:
    path: Location = ("environments", name)
    if (form.cluster is not None) == bool(form.clusters):
        yield Finding(
            path=path,
            at_key=True,
            code="clusters",
            what=f"{name} needs its cluster said once",
            why="either cluster or clusters says where it runs",
            do="Write cluster: NAME, or clusters: [NAME, …].",
        )
    for index, before in enumerate(form.after):
        if before not in policy.environments:
            yield _unknown_environment((*path, "after", index), before, policy)
    unknown = placeholders(form.registry) - IN_REGISTRY
    if unknown:
        yield _unknown_placeholder((*path, "registry"), unknown, IN_REGISTRY)
    yield from _rollback((*path, "rollback"), form.rollback)


def _rollback(path: Location, form: RollbackForm) -> Iterator[Finding]:
    if form.way == "person" and not form.people:
        yield nobody((*path, "way"))


def nobody(path: Location) -> Finding:
    """Rollbacks that a person should merge, with nobody named."""
    return Finding(
        path=path,
        code="people",
        what="a person should merge rollbacks, but nobody is named",
        why="the merge request would mention no one, and the bad release would stay",
        do="Write people: [GitLab user name, …] in policy.yaml, or way: merge_request.",
    )


def _cycle(policy: PolicyForm) -> Iterator[Finding]:
    names = cycle({name: form.after for name, form in policy.environments.items()})
    if names:
        yield Finding(
            path=("environments", names[0], "after"),
            code="cycle",
            what="the environments wait for each other",
            why=" after ".join((*names, names[0])),
            do="Take one of these out of `after`.",
        )


def _application(name: str, form: ApplicationForm, policy: PolicyForm) -> Iterator[Finding]:
    path: Location = ("applications", name)
    for index, only in enumerate(form.only):
        if only not in policy.environments:
            yield _unknown_environment((*path, "only", index), only, policy)
    yield from _block(path, form, form)
    for environment, override in form.environments.items():
        inner = (*path, "environments", environment)
        if environment not in policy.environments:
            yield _unknown_environment(inner, environment, policy, at_key=True)
        elif form.only and environment not in form.only:
            yield Finding(
                path=inner,
                at_key=True,
                code="not-in-only",
                what=f"{name} is not in {environment}",
                why="`only` leaves it out, so this override never applies",
                do=f"Add {environment} to only, or take the override out.",
            )
        yield from _block(inner, override, form)
        if override.rollback is not None:
            yield from _rollback((*inner, "rollback"), override.rollback)


def _block(path: Location, block: ApplicationForm | OverrideForm, form: ApplicationForm) -> Iterator[Finding]:
    if block.position is not None and block.positions:
        yield Finding(
            path=(*path, "positions"),
            at_key=True,
            code="positions",
            what="position and positions both stand here",
            why="one of them says where the images are",
            do="Keep one of them.",
        )
    for field, name in (("kustomization", block.kustomization), ("canary", block.canary)):
        unknown = placeholders(name or "") - IN_OBJECT_NAME
        if unknown:
            yield _unknown_placeholder((*path, field), unknown, IN_OBJECT_NAME)
    if block.position is not None:
        yield from _position((*path, "position"), block.position, form)
    for index, position in enumerate(block.positions):
        yield from _position((*path, "positions", index), position, form)


def _position(path: Location, position: Position, form: ApplicationForm) -> Iterator[Finding]:
    for name, text in {"file": position.file, **templates(position)}.items():
        unknown = placeholders(text) - IN_FILES
        if unknown:
            yield _unknown_placeholder((*path, name), unknown, IN_FILES)
    if position.of and position.of not in form.images:
        yield Finding(
            path=(*path, "of"),
            code="of",
            what=f"{position.of} is none of the application's images",
            why="a position shows one of them",
            do=f"Write one of: {', '.join(form.images)}.",
        )
    elif not position.of and len(form.images) > 1:
        yield Finding(
            path=path,
            code="of",
            what="this position does not say which image stands there",
            why=f"the application has {len(form.images)}",
            do=f"Write of: with one of: {', '.join(form.images)}.",
        )


def _pair(pair: EnvironmentPolicy) -> Iterator[Finding]:
    path: Location = ("applications", pair.application)
    yield from _object_name(path, "kustomization", pair.kustomization)
    if pair.canary is not None:
        yield from _object_name(path, "canary", pair.canary)
    if pair.delivery == "observe":
        return
    writer = "merge requests write" if pair.delivery == "merge_request" else "image automation writes"
    standing = {position.of for position in pair.positions}
    for image in pair.images:
        if image not in standing:
            yield Finding(
                path=path,
                code="no-position",
                what=f"{image} has no position in {pair.name}",
                why=f"{writer} it there, but the policy does not say where it stands",
                do="Write position or positions, or delivery: observe for that environment.",
            )


def _object_name(path: Location, field: str, reference: KustomizationRef | CanaryRef) -> Iterator[Finding]:
    if not OBJECT_NAME.fullmatch(reference.name) or not OBJECT_NAME.fullmatch(reference.namespace):
        yield Finding(
            path=(*path, field),
            code="value",
            what=f"{reference} cannot be a {field.title()}",
            why="Kubernetes names are lower-case letters, digits, `-` and `.`",
            do="Write namespace/name.",
        )


Keys = Callable[[EnvironmentPolicy], Iterable[object]]


def _kustomization_keys(pair: EnvironmentPolicy) -> Iterator[object]:
    for cluster in pair.clusters:
        yield pair.application, cluster, pair.kustomization


def _position_keys(pair: EnvironmentPolicy) -> Iterator[object]:
    for position in pair.positions if pair.delivery != "observe" else ():
        yield tuple(sorted(position.model_dump(exclude={"of"}).items()))


def _canary_keys(pair: EnvironmentPolicy) -> Iterator[object]:
    for cluster in pair.clusters if pair.canary is not None else ():
        yield cluster, pair.canary


def _shared(pairs: Iterable[EnvironmentPolicy], code: str, keys: Keys, doing: str) -> Iterator[Finding]:
    users: dict[object, dict[tuple[str, str], None]] = defaultdict(dict)
    for pair in pairs:
        for key in keys(pair):
            users[key][pair.application, pair.name] = None
    for together in users.values():
        if len(together) > 1:
            application, _ = next(iter(together))
            names = " and ".join(f"{app} in {environment}" for app, environment in together)
            yield Finding(
                path=("applications", application),
                at_key=True,
                code=code,
                what=f"{names} {doing}",
                why="what is true of one would be taken for the other",
                do="Make them differ, for example with {environment} or {cluster} in the name.",
            )


def cluster_names(policy: PolicyForm) -> dict[str, Location]:
    """Every cluster the policy names, with one place where it stands."""
    return {
        cluster: ("environments", name, "cluster" if form.cluster is not None else "clusters")
        for name, form in policy.environments.items()
        for cluster in clusters_of(form)
    }


def _unknown_environment(path: Location, name: str, policy: PolicyForm, *, at_key: bool = False) -> Finding:
    return Finding(
        path=path,
        at_key=at_key,
        code="unknown-environment",
        what=f"{name} is no environment of this policy",
        why=f"it has {', '.join(policy.environments)}",
        do="Write one of these, or add it under environments.",
    )


def _unknown_placeholder(path: Location, unknown: frozenset[str], known: frozenset[str]) -> Finding:
    asked = ", ".join(f"{{{name}}}" for name in sorted(unknown))
    return Finding(
        path=path,
        code="placeholder",
        what=f"{asked} cannot be filled in here",
        why="only " + ", ".join(f"{{{name}}}" for name in sorted(known)) + " can",
        do="Use one of these.",
    )
