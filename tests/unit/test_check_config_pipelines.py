"""Pipeline commands that lose a digest, a signature or the way back are named at their line, and cures are not."""

import pytest

from config.lints import CODES, lint

SEED = """\
promote:
  stage: promote
  script:
    - docker pull ${STAGING_REGISTRY}/app:${VERSION}-preprod
    - docker tag ${STAGING_REGISTRY}/app:${VERSION}-preprod ${PROD_REGISTRY}/app:${VERSION}-prod
    - docker push ${PROD_REGISTRY}/app:${VERSION}-prod
"""


def job(*lines: str, key: str = "script") -> str:
    return "\n".join(["job:", f"  {key}:", *(f"    - {line}" for line in lines), ""])


def codes(text: str) -> list[tuple[int, str]]:
    return [(found.line, found.code) for found in lint(".gitlab-ci.yml", text)]


def test_image_that_is_pulled_and_pushed_is_copied_by_name() -> None:
    assert codes(SEED) == [(6, "copied-by-name")]


@pytest.mark.parametrize(
    "lines",
    [
        ("docker build --tag $IMAGE .", "docker push $IMAGE"),
        ("docker pull $IMAGE:cache", "docker build --cache-from $IMAGE:cache --tag $IMAGE .", "docker push $IMAGE"),
        ("docker pull $SCANNER", "docker run $SCANNER"),
        ("crane copy $FROM@$DIGEST $TO",),
        ("echo docker pull and podman build",),
    ],
)
def test_image_that_is_built_run_or_copied_by_digest_is_not(lines: tuple[str, ...]) -> None:
    assert codes(job(*lines)) == []


def test_pull_and_push_of_different_jobs_are_no_copy() -> None:
    assert codes(job("docker pull $SCANNER") + job("docker push $IMAGE").replace("job:", "other:")) == []


@pytest.mark.parametrize(
    "line",
    [
        "cosign sign --key ${COSIGN_KEY} registry.example.com/app:1.2.3",
        "cosign sign --key $COSIGN_KEY $REGISTRY/app:${VERSION}-prod",
        'cosign attest --predicate sbom.json "${REGISTRY}/app:$VERSION" </dev/null',
        'cosign sign --yes "$IMAGE":"$TAG"',
    ],
)
def test_image_is_signed_by_its_tag(line: str) -> None:
    assert codes(job(line, key="after_script")) == [(3, "signed-by-tag")]


@pytest.mark.parametrize(
    "line",
    [
        "cosign sign --key $COSIGN_KEY registry.example.com/app@sha256:${DIGEST}",
        "cosign sign --key $COSIGN_KEY registry.example.com:5000/app:1.2.3@$DIGEST",
        'cosign sign --yes "$1" </dev/null',
        "cosign sign --yes registry.example.com:5000/app",
        "cosign verify --key cosign.pub registry.example.com/app:1.2.3",
    ],
)
def test_image_is_signed_by_its_digest_or_by_what_nobody_can_know_here(line: str) -> None:
    assert codes(job(line)) == []


def test_long_command_is_read_over_its_line_ends() -> None:
    text = 'job:\n  script: |\n    cosign sign \\\n      --key "$KEY" \\\n      $IMAGE:$TAG\n'

    assert codes(text) == [(2, "signed-by-tag")]


@pytest.mark.parametrize(("line", "found"), [("git revert --no-edit $SHA", True), ("sluice rollback app prod", False)])
def test_rollback_by_revert_is_named(line: str, found: bool) -> None:
    assert codes(job("set -e", line)) == ([(4, "rollback-by-revert")] if found else [])


def test_scripts_of_other_files_are_data() -> None:
    text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: runbook}\ndata:\n  text: git revert HEAD\n"

    assert codes(text) == []


def test_every_code_is_explained() -> None:
    assert {code for _, code in codes(SEED)} <= set(CODES)
