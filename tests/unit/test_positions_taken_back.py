"""What a rollback leaves in Git reads back equal: the pin, and the digests that do not come back."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PermanentError
from bot.positions import denial_file, denied, parse_denial_file, parse_pin_file, pin_file, without
from bot.records import Denial, Pin
from bot.releases import Image, Release

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.just("not sha256:" + "0" * 64 + " but another")
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
IMAGES = st.builds(Image, name=TEXTS, digest=DIGESTS, tag=TEXTS)
MOMENTS = st.datetimes(timezones=st.just(UTC))
RELEASES = st.builds(
    Release,
    application=st.just("shop"),
    version=TEXTS,
    commit=TEXTS,
    images=st.lists(IMAGES, max_size=3).map(lambda images: tuple(sorted(images))),
)
PINS = st.builds(
    Pin,
    release=RELEASES,
    instead_of=RELEASES,
    failure=st.sampled_from(["measured", "no-data", "unknown"]),
    since=MOMENTS,
    because=TEXTS,
    by=TEXTS,
)
DENIALS = st.builds(Denial, image=IMAGES, version=TEXTS, since=MOMENTS, because=TEXTS, incident=TEXTS)

WHEN = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
GOOD, BAD = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def release(version: str, digest: str) -> Release:
    image = Image(name="registry.example/demo/shop", digest=digest, tag=version)
    return Release(application="shop", version=version, commit="c" * 40, images=(image,))


def denial(version: str, digest: str, since: datetime = WHEN, because: str = "its canary failed") -> Denial:
    image = Image(name="registry.example/demo/shop", digest=digest, tag=version)
    incident = f"production/shop/{version}"
    return Denial(image=image, version=version, since=since, because=because, incident=incident)


@given(PINS)
def test_pin_reads_back_equal(pin: Pin) -> None:
    assert parse_pin_file(pin_file(pin, "production")) == pin


@given(st.lists(DENIALS, max_size=4))
def test_denials_read_back_equal_in_whatever_order_they_were_written(denials: list[Denial]) -> None:
    text = denial_file("shop", "production", denials)

    assert parse_denial_file(text) == denied((), denials)
    assert denial_file("shop", "production", reversed(denied((), denials))) == text


@given(st.lists(DENIALS, max_size=4))
def test_no_other_digest_is_found_in_the_denials(denials: list[Denial]) -> None:
    text = denial_file("shop", "production", denials)

    assert set(re.findall("sha256:[0-9a-f]{64}", text)) == {denial.image.digest for denial in denials}


def test_pin_reads_like_this() -> None:
    pin = Pin(
        release=release("1.0.0", GOOD),
        instead_of=release("1.1.0", BAD),
        failure="measured",
        since=datetime(2026, 11, 1, 13, 0, tzinfo=timezone(timedelta(hours=1))),
        because="the canary of 1.1.0 failed",
        by="sluice",
    )

    lines = pin_file(pin, "production").splitlines()

    assert [line for line in lines if line.startswith("#")] == lines[:2]
    assert "lifts this" in lines[1]
    assert lines[2:] == [
        'application: "shop"',
        'environment: "production"',
        'since: "2026-11-01T12:00:00+00:00"',
        'by: "sluice"',
        'failure: "measured"',
        'because: "the canary of 1.1.0 failed"',
        "release:",
        '  version: "1.0.0"',
        f'  commit: "{"c" * 40}"',
        "  images:",
        '    - name: "registry.example/demo/shop"',
        f'      digest: "{GOOD}"',
        '      tag: "1.0.0"',
        "instead_of:",
        '  version: "1.1.0"',
        f'  commit: "{"c" * 40}"',
        "  images:",
        '    - name: "registry.example/demo/shop"',
        f'      digest: "{BAD}"',
        '      tag: "1.1.0"',
    ]


def test_denials_read_like_this() -> None:
    text = denial_file("shop", "production", [denial("1.1.0", BAD)])

    assert "until a person revokes it" in text
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        'application: "shop"',
        'environment: "production"',
        "denials:",
        '  - name: "registry.example/demo/shop"',
        f'    digest: "{BAD}"',
        '    tag: "1.1.0"',
        '    version: "1.1.0"',
        '    since: "2026-11-01T12:00:00+00:00"',
        '    because: "its canary failed"',
        '    incident: "production/shop/1.1.0"',
    ]


def test_digest_is_never_denied_twice_and_keeps_its_first_reason() -> None:
    first, again = denial("1.1.0", BAD), denial("1.1.1", BAD, WHEN + timedelta(days=1), "again")
    other = denial("0.9.0", GOOD)

    assert denied((first,), (again, other)) == (other, first)
    assert denied((first,), (first,)) == (first,)


def test_revoked_version_is_denied_no_more() -> None:
    both = (denial("1.0.0", GOOD), denial("1.1.0", BAD))

    assert without(both, "1.1.0") == both[:1]
    assert without(both, "2.0.0") == both
    assert parse_denial_file(denial_file("shop", "production", without(both[:1], "1.0.0"))) == ()


PIN_TEXT = pin_file(
    Pin(
        release=release("1.0.0", GOOD),
        instead_of=release("1.1.0", BAD),
        failure="measured",
        since=WHEN,
        because="",
        by="sluice",
    ),
    "production",
)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('failure: "measured"', 'failure: "hunch"', "failure is not one of measured, no-data, unknown"),
        ("+00:00", "", "since is not a moment with its time zone"),
        ("2026-11-01T", "yesterday ", "since is not a moment"),
        ("instead_of:", "instead:", "instead_of is not a mapping"),
        ("  images:\n    - name", "  images:\n    - nam", "name is not a text"),
        (PIN_TEXT, "a: [", "not readable YAML"),
    ],
)
def test_changed_pin_is_refused_with_its_file(old: str, new: str, what: str) -> None:
    assert old in PIN_TEXT

    with pytest.raises(PermanentError, match=what) as caught:
        parse_pin_file(PIN_TEXT.replace(old, new, 1), file=".sluice/pins/production/shop.yaml")

    assert ".sluice/pins/production/shop.yaml" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what"),
    [("denials: {}\n", "not a list of denials"), ("denials: [x]\n", "a list of mappings"), ("- a\n", "one mapping")],
)
def test_changed_denials_are_refused(text: str, what: str) -> None:
    with pytest.raises(PermanentError, match=what):
        parse_denial_file(text)
