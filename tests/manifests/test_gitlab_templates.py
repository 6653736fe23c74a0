"""The pipeline templates are what GitLab takes: valid, complete, safe in a POSIX shell, and by digest alone."""

import json
import os
import re
import shutil
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import gitlab_ci
import pytest
from gitlab_ci import REPOSITORY, TEMPLATES, Configuration, Unresolved, configuration
from jsonschema import Draft7Validator
from pipeline_runs import FROM_DEBIAN
from shared_payloads import shared_file

SCHEMA = "check_jsonschema.builtin_schemas.vendor"
EXAMPLES = sorted((TEMPLATES / "examples").glob("*.yml"))
WHOLE = [REPOSITORY / ".gitlab-ci.yml", *EXAMPLES]
WITH_INPUTS = sorted(file for file in TEMPLATES.glob("*.yml") if gitlab_ci.header(file))
DEFAULT_STAGES = [".pre", "build", "test", "deploy", ".post"]
BY_NAME = re.compile(r"\bdocker (pull|tag|push)\b|\bcosign (sign|verify|attest|copy)\b[^\n@]*:\$?\{?[A-Za-z]")
"""An image moved or signed by a name that somebody can move: tags, and the engine's pull, tag and push."""


def file_id(file: Path) -> str:
    return file.relative_to(REPOSITORY).as_posix()


def problems(found: Configuration) -> list[str]:
    schema = json.loads((resources.files(SCHEMA) / "gitlab-ci.json").read_text("utf-8"))
    return [f"{list(one.path)}: {one.message[:200]}" for one in Draft7Validator(schema).iter_errors(dict(found.keys))]


@pytest.mark.parametrize("file", WHOLE, ids=file_id)
def test_pipeline_is_valid_by_gitlabs_own_schema(file: Path) -> None:
    assert problems(configuration(file)) == []


def test_schema_refuses_a_job_under_a_reserved_name(tmp_path: Path) -> None:
    wrong = Configuration(keys={"services": {"script": ["make services"]}})

    assert problems(wrong)


@pytest.mark.parametrize("file", WITH_INPUTS, ids=file_id)
def test_header_of_a_template_is_valid_by_gitlabs_own_schema(file: Path) -> None:
    assert problems(Configuration(keys={"spec": gitlab_ci.texts(file)[0]["spec"]})) == []


@pytest.mark.parametrize("file", WHOLE, ids=file_id)
def test_jobs_need_jobs_that_exist_and_stand_in_stages_that_exist(file: Path) -> None:
    found = configuration(file)
    stages = found.keys.get("stages", DEFAULT_STAGES)

    needed = {
        (name, one if isinstance(one, str) else one["job"])
        for name, job in found.jobs.items()
        for one in job.get("needs", [])
    }

    assert {one for one in needed if one[1] not in found.jobs} == set()
    assert {name: job["stage"] for name, job in found.jobs.items() if job["stage"] not in stages} == {}


@pytest.mark.parametrize("file", WHOLE, ids=file_id)
def test_every_script_passes_shellcheck_as_posix_shell(file: Path) -> None:
    shellcheck = needed_program("shellcheck")
    found = configuration(file)

    told = {name: checked(shellcheck, found.script(name)) for name in found.jobs}

    assert {name: text for name, text in told.items() if text} == {}


def checked(shellcheck: str, script: str) -> str:
    ended = subprocess.run(
        [shellcheck, "--shell=sh", "--severity=style", "-"], input=script, text=True, capture_output=True, timeout=60
    )
    return ended.stdout + ended.stderr


def needed_program(name: str) -> str:
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"{name} is not on PATH; install Debian's package {name}", pytrace=False)
    return found or pytest.skip(f"{name} is not on PATH; install Debian's package {name}")


@pytest.mark.parametrize("file", [*WHOLE, TEMPLATES / "steps.yml", TEMPLATES / "judging.yml"], ids=file_id)
def test_images_are_moved_and_signed_by_digest_alone(file: Path) -> None:
    found = configuration(file)

    scripts = [found.script(name) for name in found.jobs if name != "toolchains"]
    functions = [line for key in found.keys.values() for line in texts_in(key)] if not scripts else []

    assert [text for text in (*scripts, *functions) if BY_NAME.search(text)] == []


def texts_in(node: Any) -> list[str]:
    match node:
        case str():
            return [node]
        case dict():
            return [text for one in node.values() for text in texts_in(one)]
        case list():
            return [text for one in node for text in texts_in(one)]
        case _:
            return []


def test_what_is_looked_for_would_find_the_seeds_promotion_and_signature() -> None:
    (seed,) = shared_file("seed").glob("*.txt")
    text = seed.read_text("utf-8").replace("\\\n", " ")

    found = {match.group(0).split()[0] for match in BY_NAME.finditer(text)}

    assert found == {"docker", "cosign"}


@pytest.mark.parametrize("file", WHOLE, ids=file_id)
def test_passwords_come_from_variables(file: Path) -> None:
    variables = [job.get("variables", {}) for job in configuration(file).jobs.values()]

    written = {
        name: value
        for one in variables
        for name, value in one.items()
        if name.endswith(("PASSWORD", "TOKEN", "KEY")) and value and not re.fullmatch(r"\$[A-Z][A-Z_]*", str(value))
    }

    assert written == {}


def test_copy_writes_only_from_the_default_branch() -> None:
    found = configuration(TEMPLATES / "examples" / "multi-registry.gitlab-ci.yml")
    copies = [job for name, job in found.jobs.items() if name.startswith("promotion-copy-")]

    conditions = [rule["if"] for job in copies for rule in job["rules"]]

    assert len(copies) == 2
    assert all(condition.startswith("$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && ") for condition in conditions)
    assert all(job["resource_group"] and job["interruptible"] is False for job in copies)


@pytest.mark.parametrize(
    ("template", "inputs", "said"),
    [
        ("promotion-gate.yml", {}, "the input environment is required"),
        ("promotion-gate.yml", {"environment": "Production"}, "does not match"),
        ("promotion-gate.yml", {"environment": "a/../b"}, "does not match"),
        ("promotion-copy.yml", {"environment": "production"}, "the input to is required"),
        ("image.yml", {"vulnerabilities": "ignore"}, "is none of"),
        ("image.yml", {"needs": "test"}, "not of the type array"),
        ("image.yml", {"platforms": "linux/amd64; true"}, "does not match"),
        ("image.yml", {"registry": "x"}, "unknown inputs: registry"),
        ("environment.yml", {"environment": "production", "tier": "prod"}, "is none of"),
    ],
)
def test_wrong_input_is_refused(template: str, inputs: dict[str, object], said: str) -> None:
    with pytest.raises(Unresolved, match=said):
        configuration(TEMPLATES / template, inputs)


def test_templates_call_the_versions_that_are_tested() -> None:
    dockerfile = (TEMPLATES / "tools" / "Dockerfile").read_text("utf-8")
    installed = dict(re.findall(r"go install .* (\S+)@(v\S+)$", dockerfile, re.MULTILINE))

    tested = {package: version_of(package) for package in installed}

    assert installed == tested
    assert len(installed) == 3


def test_toolchains_have_what_the_pipelines_of_the_tests_call() -> None:
    dockerfile = (TEMPLATES / "toolchains" / "Dockerfile").read_text("utf-8")
    (installed,) = re.findall(r"apt-get install --yes --no-install-recommends (.*) \\", dockerfile)

    # git comes with the image that it is built from.
    assert set(FROM_DEBIAN) <= {*installed.split(), "git"}


def version_of(package: str) -> str:
    """The version of the module that a tool of the tests is built from."""
    for file in sorted((REPOSITORY / "tests" / "tools").glob("*/go.mod")):
        text = file.read_text("utf-8")
        if re.search(rf"^(?:tool )?\s*{re.escape(package)}$", text, re.MULTILINE):
            required: dict[str, str] = dict(
                re.findall(r"^\s*(?:require )?(\S+) (v\S+)(?: // indirect)?$", text, re.MULTILINE)
            )
            return next(version for module, version in required.items() if package.startswith(f"{module}/"))
    return "no tool of the tests"
