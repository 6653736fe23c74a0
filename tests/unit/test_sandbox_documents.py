"""The sandbox's small pure parts: durations, patches, ignoring, kustomize, the clock."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PermanentError
from bot.sandbox.clock import SandboxClock
from bot.sandbox.cluster.durations import go_duration, seconds_of
from bot.sandbox.cluster.ignoring import kept
from bot.sandbox.cluster.kustomize import build, split_image
from bot.sandbox.cluster.manifests import BuildFailed
from bot.sandbox.cluster.notices import go_json
from bot.sandbox.cluster.patching import json_patch, merge

DEPLOYMENT = (
    b"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: demo}\n"
    b"spec: {template: {spec: {containers: [{name: app, image: demo}]}}}\n"
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (3600, "1h0m0s"),
        (90, "1m30s"),
        (30.047214138, "30.047214138s"),
        (0.014785449, "14.785449ms"),
        (0.0000005, "500ns"),
        (0, "0s"),
        (15, "15s"),
    ],
)
def test_durations_are_written_as_go_writes_them(seconds: float, text: str) -> None:
    assert go_duration(seconds) == text


@given(st.integers(0, 10**14))
def test_a_written_duration_reads_back(nanoseconds: int) -> None:
    assert seconds_of(go_duration(nanoseconds / 1e9)) == pytest.approx(nanoseconds / 1e9, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("text", ["", "1", "10 m", "1d", "-1s"])
def test_what_go_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(PermanentError, match="not a duration"):
        seconds_of(text)


def test_json_is_escaped_as_go_escapes_it() -> None:
    assert go_json({"m": "<a> & é"}) == b'{"m":"\\u003ca\\u003e \\u0026 \xc3\xa9"}'


def test_merge_patch_removes_with_null() -> None:
    assert merge({"a": {"b": 1, "c": 2}, "d": [1]}, {"a": {"b": None}, "d": [2]}) == {"a": {"c": 2}, "d": [2]}


def test_json_patch_leaves_the_original_alone() -> None:
    original = {"spec": {"list": [1, 2]}}

    patched = json_patch(
        original, [{"op": "add", "path": "/spec/list/-", "value": 3}, {"op": "remove", "path": "/spec/list/0"}]
    )

    assert (patched, original) == ({"spec": {"list": [2, 3]}}, {"spec": {"list": [1, 2]}})


def test_the_artifact_leaves_out_what_is_ignored() -> None:
    files = dict.fromkeys((".sourceignore", ".sluice/policy.yaml", "apps/a.yaml", ".gitlab-ci.yml", "x/logo.png"), b"")
    files[".sourceignore"] = b"# the bot's own\n.sluice/\n"

    assert set(kept(files)) == {".sourceignore", "apps/a.yaml"}


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("demo", ("demo", "", "")),
        ("demo:1", ("demo", "1", "")),
        ("h:5000/demo", ("h:5000/demo", "", "")),
        ("h:5000/a/demo:1@sha256:x", ("h:5000/a/demo", "1", "sha256:x")),
    ],
)
def test_an_image_reference_is_taken_apart(image: str, parts: tuple[str, str, str]) -> None:
    assert split_image(image) == parts


def kustomization(text: str) -> dict[str, bytes]:
    return {"kustomization.yaml": text.encode(), "deployment.yaml": DEPLOYMENT}


def test_an_image_is_replaced_by_name_tag_and_digest() -> None:
    files = kustomization(
        "resources: [deployment.yaml]\nimages: [{name: demo, newName: h:1/demo, newTag: 2.0.0, digest: 'sha256:x'}]\n"
    )

    (built,) = build(files, "./")

    assert built["spec"]["template"]["spec"]["containers"][0]["image"] == "h:1/demo:2.0.0@sha256:x"


def test_a_folder_without_kustomization_is_built_from_its_manifests() -> None:
    (built,) = build({"apps/deployment.yaml": DEPLOYMENT}, "./apps")

    assert built["kind"] == "Deployment"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resources: [gone.yaml]\n", "no such file or directory"),
        ("resources: [../../etc]\n", "not in or below the root"),
        ("components: [x]\n", "not modelled by the sandbox"),
        ("resources: [deployment.yaml, deployment.yaml]\n", "already registered id"),
        ("a: b\n---\nc: d\n", "not one mapping"),
    ],
)
def test_what_cannot_be_built_says_why(text: str, message: str) -> None:
    with pytest.raises(BuildFailed, match=message):
        build(kustomization(text), "./")


def test_a_frozen_clock_stands_and_an_advanced_one_is_ahead() -> None:
    clock = SandboxClock()
    clock.freeze()
    frozen = clock.now()

    clock.advance(timedelta(hours=1))

    assert clock.now() - frozen == timedelta(hours=1)
    clock.thaw()
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)


def test_the_clock_never_goes_back() -> None:
    with pytest.raises(PermanentError, match="only goes forward"):
        SandboxClock().advance(timedelta(seconds=-1))
