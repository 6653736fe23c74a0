"""Which jobs a `.gitlab-ci.yml` asks for in one pipeline: `workflow: rules` and job `rules` by their `if` alone."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

_RESERVED = frozenset(
    {"stages", "workflow", "variables", "default", "include", "image", "services", "cache", "before_script"}
    | {"after_script", "spec", "pages:deploy"}
)
_COMPARISON = re.compile(r"^(\$\w+)\s*(==|!=|=~|!~)\s*(.+)$")


class InvalidConfig(Exception):
    """The file is no CI configuration; the text is what GitLab would show as `yaml_errors`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedJob:
    name: str
    stage: str
    manual: bool
    allow_failure: bool


def planned_jobs(text: str, variables: Mapping[str, str]) -> list[PlannedJob]:
    """The jobs of the pipeline these variables describe; none means that no pipeline is made.

    Jobs without rules run in branch and tag pipelines, and in merge request pipelines only where `workflow: rules`
    let one be made (GitLab docs: ci/yaml, workflow and rules).
    """
    document = _parse(text)
    workflow = document.get("workflow")
    rules = workflow.get("rules") if isinstance(workflow, dict) else None
    if rules is not None and _verdict(rules, variables) is None:
        return []
    ruled = rules is not None
    jobs = [_planned(name, job, variables, ruled) for name, job in document.items() if _is_job(name, job)]
    return [job for job in jobs if job is not None]


def _parse(text: str) -> dict[str, object]:
    try:
        document = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        raise InvalidConfig(f"Invalid configuration format: {str(error).splitlines()[0]}") from error
    if not isinstance(document, dict):
        raise InvalidConfig("Invalid configuration format")
    return {str(name): value for name, value in document.items()}


def _is_job(name: str, job: object) -> bool:
    return (
        name not in _RESERVED
        and not name.startswith(".")
        and isinstance(job, dict)
        and bool({"script", "trigger"} & job.keys())
    )


def _planned(name: str, job: object, variables: Mapping[str, str], ruled: bool) -> PlannedJob | None:
    if not isinstance(job, dict):
        return None
    when = str(job.get("when", "on_success"))
    if "rules" in job:
        verdict = _verdict(job["rules"], variables)
        if verdict is None:
            return None
        when = verdict if verdict != "on_success" else when
    elif variables.get("$CI_PIPELINE_SOURCE") == "merge_request_event" and not ruled:
        return None
    manual = when == "manual"
    allow_failure = bool(job.get("allow_failure", manual and "rules" not in job))
    return PlannedJob(name=name, stage=str(job.get("stage", "test")), manual=manual, allow_failure=allow_failure)


def _verdict(rules: object, variables: Mapping[str, str]) -> str | None:
    """The `when` of the first rule that matches; None for never or no match."""
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, dict) and _holds(str(rule.get("if", "")), variables):
            when = str(rule.get("when", "on_success"))
            return None if when == "never" else when
    return None


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    if not condition:
        return True
    return any(
        all(_term(term.strip(), variables) for term in alternative.split("&&")) for alternative in condition.split("||")
    )


def _term(term: str, variables: Mapping[str, str]) -> bool:
    comparison = _COMPARISON.match(term)
    if comparison is None:
        return bool(variables.get(term))
    name, operator, right = comparison.groups()
    left, right = variables.get(name, ""), right.strip()
    if operator in ("=~", "!~"):
        return bool(re.search(right.strip("/"), left)) == (operator == "=~")
    wanted = variables.get(right, "") if right.startswith("$") else right.strip("\"'")
    return (left == ("" if right == "null" else wanted)) == (operator == "==")
