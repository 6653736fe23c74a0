"""The release file says what was approved: equal releases give equal text, and it reads back equal."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import PermanentError
from bot.positions import install_file, parse_install_file, parse_release_file, release_file
from bot.positions.records import place_of
from bot.releases import Image, Release

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:".__add__)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
IMAGES = st.builds(Image, name=TEXTS, digest=DIGESTS, tag=TEXTS)
RELEASES = st.builds(
    Release,
    application=TEXTS,
    version=TEXTS,
    commit=TEXTS,
    images=st.lists(IMAGES, max_size=4).map(lambda images: tuple(sorted(images))),
)


@given(RELEASES, TEXTS)
def test_release_reads_back_equal(release: Release, environment: str) -> None:
    text = release_file(release, environment)

    assert parse_release_file(text) == release
    assert place_of(text, file="f.yaml") == (release.application, environment)


@given(RELEASES)
def test_order_of_images_does_not_change_the_text(release: Release) -> None:
    turned = Release(
        application=release.application,
        version=release.version,
        commit=release.commit,
        images=tuple(reversed(release.images)),
    )

    assert release_file(turned, "dev") == release_file(release, "dev")


def test_release_file_reads_like_this() -> None:
    digest = "sha256:" + "a" * 64
    image = Image(name="registry.example/demo/shop", digest=digest, tag="1.2.3")
    release = Release(application="shop", version="1.2.3", commit="b" * 40, images=(image,))

    assert release_file(release, "production").splitlines()[1:] == [
        'application: "shop"',
        'environment: "production"',
        'version: "1.2.3"',
        f'commit: "{"b" * 40}"',
        "images:",
        '  - name: "registry.example/demo/shop"',
        f'    digest: "{digest}"',
        '    tag: "1.2.3"',
    ]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "one mapping"),
        ("- a\n", "one mapping"),
        ("application: a\n", "version is not a text"),
        ('application: a\nversion: ""\ncommit: ""\n', "images is not a list"),
        ('application: a\nversion: 1.0\ncommit: ""\nimages: []\n', "version is not a text"),
        ('application: a\nversion: "1"\ncommit: ""\nimages: [x]\n', "name, digest and tag"),
        ("a: [", "not readable YAML"),
    ],
)
def test_other_text_is_refused_with_its_file(text: str, what: str) -> None:
    with pytest.raises(PermanentError, match=what) as caught:
        parse_release_file(text, file=".sluice/releases/dev/a.yaml")

    assert ".sluice/releases/dev/a.yaml" in str(caught.value)


@given(TEXTS)
def test_installation_reads_back_equal(installation: str) -> None:
    assert parse_install_file(install_file(installation)) == installation
