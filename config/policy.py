"""The tenant's policy answers what the bot may do for each application in each environment.

It is read from `.sluice/policy.yaml` of a config repository and the per-team files beside it. `docs/policy.md` is the
reference. A policy is plain data: `model_dump_json` and `model_validate_json` give an equal one back, so every decision
can be replayed with the policy it was made under.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from json import dumps
from typing import Self, TypeVar

from pydantic import ValidationError

from bot.errors import PermanentError
from config import located, policy_checks, rights, tightening, yaml_text, yaml_values
from config.access import ApprovalsForm as ApprovalsForm
from config.access import GrantForm as GrantForm
from config.access import PeopleForm as PeopleForm
from config.diagnostics import ConfigurationFault
from config.diagnostics import Diagnostic as Diagnostic
from config.diagnostics import PolicyFault as PolicyFault
from config.ordering import nearest, promotion_order
from config.policy_form import ApplicationForm, Limit, OverrideForm, PolicyForm
from config.position import Position as Position
from config.resolution import CanaryRef as CanaryRef
from config.resolution import EnvironmentPolicy as EnvironmentPolicy
from config.resolution import KustomizationRef as KustomizationRef
from config.resolution import Layers, resolve, version_in
from config.resolution import RollbackPolicy as RollbackPolicy
from config.words import Delivery as Delivery
from config.words import Merge as Merge
from config.words import Mode as Mode

POLICY_FILE = ".sluice/policy.yaml"
TEAM_FILES = ".sluice/policy.d"
RELEASES = ".sluice/releases"
DENIALS = ".sluice/denials"
PINS = ".sluice/pins"
INSTALL_FILE = ".sluice/install"

K = TypeVar("K")
V = TypeVar("V")

Application = ApplicationForm
Pair = tuple[str, str]
"""Application and environment, by name."""


class Policy(PolicyForm):
    """What one config repository allows. Environments are named in promotion order everywhere."""

    limits: tuple[Limit, ...] = ()

    @classmethod
    def parse(cls, text: str, *, file: str = POLICY_FILE, extra: Mapping[str, str] | None = None) -> Self:
        """The policy in `text`, tightened by the team files in `extra` (file name to text).

        PolicyFault with every diagnostic found, each at its line.
        """
        root, data = _document(text, file)
        if isinstance(data, dict) and "limits" in data:
            # Limits come from team files alone; the field is the journal's, not the tenant's.
            raise PolicyFault([policy_checks.LIMITS_ARE_NOT_WRITTEN.at(root, file)])
        try:
            policy = cls.model_validate(data)
        except ValidationError as error:
            raise PolicyFault(found.at(root, file) for found in located.findings(error, PolicyForm, root)) from error
        found = policy_checks.structure(policy) or policy_checks.resolved(policy)
        if found:
            raise PolicyFault(finding.at(root, file) for finding in found)
        return policy.tightened(extra or {})

    def tightened(self, files: Mapping[str, str]) -> Self:
        """This policy under the limits of per-team files; PolicyFault where one of them would loosen it."""
        limits = tightening.limits(self, files)
        return self.model_copy(update={"limits": self.limits + limits}) if limits else self

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """A validated copy. pydantic's own would carry the answers already computed for the old values."""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**fields, **(update or {})})

    @cached_property
    def sha(self) -> str:
        """64 hex digits naming this policy: equal content has an equal name, however it was written down."""
        canonical = dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return sha256(canonical.encode()).hexdigest()

    @cached_property
    def document(self) -> str:
        """This policy as JSON, as the journal keeps it beside every run; written out once."""
        return self.model_dump_json()

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All environments in promotion order: each one after those it is `after`, else as written."""
        return promotion_order({name: form.after for name, form in self.environments.items()})

    def environment(self, application: str, environment: str) -> EnvironmentPolicy:
        """Everything said of one application in one environment; PermanentError when the policy has no such pair."""
        found = self._environments.get((application, environment))
        if found is None:
            raise PermanentError(
                f"{application} is not in the environment {environment}: the policy does not say so. "
                f"Add it under applications in {POLICY_FILE}, or name one of its environments."
            )
        return found

    def environments_of(self, application: str) -> tuple[str, ...]:
        """The environments an application is in, in promotion order; empty for an unknown application."""
        return self._order_of.get(application, ())

    def before(self, application: str, environment: str) -> tuple[str, ...]:
        """The environments in which a release must be done before this one."""
        return self.environment(application, environment).after

    def sources_of(self, application: str) -> tuple[str, ...]:
        """The environments where releases of an application enter: those that come after no other."""
        return tuple(name for name in self.environments_of(application) if not self.before(application, name))

    def applications_of(self, cluster: str, namespace: str, name: str) -> tuple[Pair, ...]:
        """The (application, environment) pairs that a Flux Kustomization of a cluster applies."""
        return self._by_kustomization.get((cluster, namespace, name), ())

    def applications_of_canary(self, cluster: str, namespace: str, name: str) -> tuple[Pair, ...]:
        """The (application, environment) pairs that a Flagger Canary of a cluster rolls out."""
        return self._by_canary.get((cluster, namespace, name), ())

    def applications_of_project(self, project: str) -> tuple[str, ...]:
        """The applications whose source is this GitLab project. GitLab compares paths without regard to case."""
        return self._by_project.get(project.lower(), ())

    def application_of_project(self, project: str) -> str | None:
        """The one application of a project; None when it has none or several."""
        found = self.applications_of_project(project)
        return found[0] if len(found) == 1 else None

    def applications_of_image(self, registry: str, repository: str) -> tuple[str, ...]:
        """The applications that an image belongs to, as built or as kept by one of their environments."""
        return self._by_image.get(f"{registry}/{repository}", ())

    def version_of_tag(self, application: str, tag: str) -> str | None:
        """The version that a Git tag of the application's project names; None when the tag names no release."""
        found = (version_in(template, tag) for template in self.applications[application].tags)
        return next((version for version in found if version is not None), None)

    def grants(self, verb: str, application: str = "", environment: str = "") -> tuple[GrantForm, ...]:
        """Who may give a command for an application in an environment, each empty for any; none means nobody."""
        return rights.grants(self, verb, application, environment)

    @staticmethod
    def release_file(application: str, environment: str) -> str:
        """The path of the file that says which release is meant to run there."""
        return f"{RELEASES}/{environment}/{application}.yaml"

    @staticmethod
    def denial_file(application: str, environment: str) -> str:
        """The path of the file that says which digests do not come back by themselves."""
        return f"{DENIALS}/{environment}/{application}.yaml"

    @staticmethod
    def pin_file(application: str, environment: str) -> str:
        """The path of the file that a rollback leaves: what the environment stays at, and what lifts that."""
        return f"{PINS}/{environment}/{application}.yaml"

    def name_of_status(self, application: str, environment: str) -> str:
        """The commit status' name: with the application's where its project has several."""
        several = len(self.applications_of_project(self.applications[application].project)) > 1
        return f"sluice/{environment}/{application}" if several else f"sluice/{environment}"

    @cached_property
    def _order_of(self) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(environment for environment in self.order if not form.only or environment in form.only)
            for name, form in self.applications.items()
        }

    @cached_property
    def _environments(self) -> dict[Pair, EnvironmentPolicy]:
        return {
            (application, environment): self._resolve(application, environment)
            for application, environments in self._order_of.items()
            for environment in environments
        }

    def _resolve(self, application: str, environment: str) -> EnvironmentPolicy:
        form = self.applications[application]
        after = {name: block.after for name, block in self.environments.items()}
        layers = Layers(
            mode=self.mode,
            environment=self.environments[environment],
            application=form,
            override=form.environments.get(environment, OverrideForm()),
            limits=tuple(
                limit
                for limit in self.limits
                if limit.environment == environment and limit.application in (None, application)
            ),
        )
        return resolve(environment, application, nearest(environment, after, self._order_of[application]), layers)

    @cached_property
    def _by_kustomization(self) -> dict[tuple[str, str, str], tuple[Pair, ...]]:
        return _grouped(
            ((cluster, found.kustomization.namespace, found.kustomization.name), pair)
            for pair, found in self._environments.items()
            for cluster in found.clusters
        )

    @cached_property
    def _by_canary(self) -> dict[tuple[str, str, str], tuple[Pair, ...]]:
        return _grouped(
            ((cluster, found.canary.namespace, found.canary.name), pair)
            for pair, found in self._environments.items()
            if found.canary is not None
            for cluster in found.clusters
        )

    @cached_property
    def _by_project(self) -> dict[str, tuple[str, ...]]:
        return _grouped((form.project.lower(), name) for name, form in self.applications.items())

    @cached_property
    def _by_image(self) -> dict[str, tuple[str, ...]]:
        built = [(image, name) for name, form in self.applications.items() for image in form.images]
        kept = [
            (found.image_name(image), name) for (name, _), found in self._environments.items() for image in found.images
        ]
        return _grouped(dict.fromkeys(built + kept))


def _grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    groups: dict[K, tuple[V, ...]] = {}
    for key, value in pairs:
        groups[key] = (*groups.get(key, ()), value)
    return groups


def _document(text: str, file: str) -> tuple[yaml_text.Node, yaml_values.Plain]:
    try:
        found = yaml_text.documents(text, file=file)
        if len(found) != 1:
            raise PolicyFault([policy_checks.one_document(len(found)).at(found[1] if found else None, file)])
        return found[0], yaml_values.plain(found[0], file=file)
    except ConfigurationFault as error:
        raise PolicyFault(error.diagnostics) from error
