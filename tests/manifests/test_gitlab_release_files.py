"""The templates read exactly what Sluice writes: release files, denials, and where an environment keeps its images."""

import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from gitlab_ci import TEMPLATES, configuration
from hypothesis import given, settings
from hypothesis import strategies as st
from rule_worlds import APPLICATION, policy_of

from bot.positions.denials import denial_file
from bot.positions.records import release_file
from bot.records import Denial
from bot.releases import Image, Release

DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64).map("sha256:{}".format)
NAMES = st.from_regex(r"[a-z0-9]+(\.[a-z0-9]+)*(:[0-9]{2,5})?(/[a-z0-9]+([._-][a-z0-9]+)*){1,3}", fullmatch=True)
VERSIONS = st.from_regex(r"[0-9]+\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?(\+[a-z0-9]+)?", fullmatch=True)
IMAGES = st.builds(lambda name, digest: Image(name=name, digest=digest, tag="1.0.0"), NAMES, DIGESTS)
RELEASES = st.builds(
    lambda images, version, commit: Release(
        application="demo-service", images=tuple(images), version=version, commit=commit
    ),
    st.lists(IMAGES, min_size=1, max_size=3, unique_by=lambda image: image.name),
    VERSIONS,
    st.text("0123456789abcdef", min_size=40, max_size=40) | st.just(""),
)


def functions() -> str:
    keys = {**configuration(TEMPLATES / "judging.yml").keys, **configuration(TEMPLATES / "steps.yml").keys}
    return "\n".join(
        [*keys[".sluice"]["functions"], *keys[".sluice"]["releases"], *keys[".sluice-judging"]["functions"]]
    )


FUNCTIONS = functions()


def shell(commands: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """The functions and then these commands, in the plain shell that Debian and Alpine have."""
    plain = shutil.which("dash") or "sh"
    return subprocess.run(
        [plain, "-euc", f"{FUNCTIONS}\n{commands}"],
        cwd=folder, capture_output=True, text=True, timeout=30, env={"PATH": "/usr/bin:/bin", "TAG": "", **variables},
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(release=RELEASES)
def test_release_file_is_read_as_it_was_written(release: Release, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("config")
    (folder / "release.yaml").write_text(release_file(release, "production"), "utf-8")

    told = shell("images release.yaml; field release.yaml version; field release.yaml commit", folder)

    lines = [f"{image.name} {image.digest}" for image in sorted(release.images)]
    expected = [*lines, release.version, *([release.commit] if release.commit else [])]
    assert (told.returncode, told.stdout.split("\n")[: len(expected)]) == (0, expected), told.stderr


@pytest.mark.parametrize(
    "change",
    [
        ('  - name: "', "  - name: '"),
        ('    digest: "sha256:', '    digest: "sha256:0'),
        ('    digest: "sha256:', '    digest: "sha512:'),
        ("images:\n", "images: []\n"),
        ('    tag: "1.0.0"\n', ""),
        ('    tag: "1.0.0"\n', '    tag: "1.0.0"\n    platform: "linux"\n'),
        ("registry.example/a", "registry.example/a;true"),
        ("registry.example/a", "$(true)"),
    ],
)
def test_release_file_that_sluice_did_not_write_is_refused(change: tuple[str, str], tmp_path: Path) -> None:
    image = Image(name="registry.example/a", digest=f"sha256:{'0' * 64}", tag="1.0.0")
    written = release_file(Release(application="a", images=(image,), version="1.0.0"), "production")
    (tmp_path / "release.yaml").write_text(written.replace(*change), "utf-8")

    told = shell("images release.yaml", tmp_path)

    assert written.replace(*change) != written
    assert told.returncode == 1
    assert "release.yaml cannot be read. Restore it from the Git history, or promote again." in told.stderr


def test_denied_digest_is_found_and_no_other(tmp_path: Path) -> None:
    bad, good = (Image(name="registry.example/a", digest=f"sha256:{one * 64}", tag="1.0.0") for one in "01")
    folder = tmp_path / ".sluice" / "denials" / "production"
    folder.mkdir(parents=True)
    (folder / "demo-service.yaml").write_text(denial_file("demo-service", "production", [denial_of(bad)]), "utf-8")

    asked = {
        (environment, image.digest): shell(
            f"denied .sluice/releases/{environment}/demo-service.yaml {image.digest}", tmp_path, ENVIRONMENT=environment
        ).returncode
        for environment in ("production", "staging")
        for image in (bad, good)
    }

    assert [key for key, status in asked.items() if status == 0] == [("production", bad.digest)]


def denial_of(image: Image) -> Denial:
    since = datetime(2026, 11, 1, 12, tzinfo=UTC)
    return Denial(image=image, version="1.0.0", since=since, because="it failed", incident="production/a/1.0.0")


@pytest.mark.parametrize("name", ["registry.example/demo/demo-service", "127.0.0.1:5000/a", "registry.example/a/b/c"])
@pytest.mark.parametrize(
    "template", ["prod.example/{repository}", "{registry}/production/{repository}", "{registry}/{repository}"]
)
def test_image_is_placed_where_the_policy_places_it(template: str, name: str, tmp_path: Path) -> None:
    environment = policy_of(production={"registry": template}).environment(APPLICATION, "production")

    told = shell(f"place {shlex.quote(template)} {name}", tmp_path)

    assert told.stdout == environment.image_name(name)


@pytest.mark.parametrize("version", ["1.2.3", "1.2.3+build.5", "1.2.3-rc1"])
@pytest.mark.parametrize("template", ["{version}", "{version}-prod"])
def test_tag_is_the_one_that_the_policy_makes(template: str, version: str, tmp_path: Path) -> None:
    environment = policy_of(production={"tag": template}).environment(APPLICATION, "production")
    image = Image(name="registry.example/a", digest=f"sha256:{'0' * 64}", tag="x")
    written = release_file(Release(application=APPLICATION, images=(image,), version=version), "production")
    (tmp_path / "release.yaml").write_text(written, "utf-8")

    told = shell("release_tag release.yaml", tmp_path, TAG=template)

    assert told.stdout == environment.tag(version)
