"""What is built and fetched: tested by its own tests, pinned, layered as the images copy it, without tracing code."""

import hashlib
import json
import re
import subprocess
from pathlib import Path

import pytest
import service_builds
from running_services import injection_of
from service_builds import INSTRUMENTATION, SERVICES, BuildFailed, jdk, node
from shown_at_the_end import Shown

LOCKS = (SERVICES / "node-service", INSTRUMENTATION)
TRACING = re.compile(r"opentelemetry[./<-]|micrometer[.-](?:tracing|observation)|zipkin|jaeger|traceparent")


def test_each_service_has_passed_its_own_tests(demo_service_jar: Path, node_service_folder: Path, shown: Shown) -> None:
    passed = {build.name: build.tests for build in shown.builds}

    assert demo_service_jar.is_file()
    assert (node_service_folder / "dist" / "main.js").is_file()
    assert passed["demo-service"] > 100
    assert passed["node-service"] > 100


def test_the_image_of_demo_service_copies_every_layer_of_the_jar(demo_service_jar: Path, tmp_path: Path) -> None:
    dockerfile = (SERVICES / "demo-service" / "Dockerfile").read_text("utf-8")
    copied = re.findall(r"^COPY --from=build /src/target/layers/([\w-]+)/ \./$", dockerfile, re.MULTILINE)
    extract: list[str | Path] = ["-Djarmode=tools", "-jar", demo_service_jar, "extract", "--layers"]

    subprocess.run(
        [jdk() / "bin" / "java", *extract, "--destination", tmp_path / "layers"],
        check=True,
        capture_output=True,
        timeout=60,
    )

    assert {layer.name for layer in (tmp_path / "layers").iterdir()} == set(copied)
    assert copied[-1] == "application", "what changes often comes last"


@pytest.mark.parametrize("service", ["demo-service", "node-service"])
def test_an_image_runs_as_a_user_that_is_not_root(service: str) -> None:
    dockerfile = (SERVICES / service / "Dockerfile").read_text("utf-8")

    assert re.findall(r"^USER (.*)$", dockerfile, re.MULTILINE) == ["10001:10001"]


@pytest.mark.parametrize(
    ("sources", "manifest"), [("demo-service/src/main", "pom.xml"), ("node-service/src", "package.json")]
)
def test_no_service_holds_tracing_code(sources: str, manifest: str) -> None:
    folder = SERVICES / sources
    files = [*folder.rglob("*.*"), SERVICES / sources.partition("/")[0] / manifest]

    assert len(files) >= 20
    assert [file.name for file in files if re.search(TRACING, file.read_text("utf-8"))] == []


@pytest.mark.parametrize("folder", LOCKS, ids=lambda folder: folder.name)
def test_a_lock_pins_every_package_by_content_and_names_no_registry(folder: Path) -> None:
    lock = json.loads((folder / "package-lock.json").read_text("utf-8"))
    packages = {name: one for name, one in lock["packages"].items() if name and not one.get("link")}

    assert packages
    assert [name for name, one in packages.items() if not one.get("integrity", "").startswith("sha512-")] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []
    assert "omit-lockfile-registry-resolved=true" in (folder / ".npmrc").read_text("utf-8").splitlines()


def test_what_is_injected_has_the_versions_of_the_trees_images(java_agent: Path, node_instrumentation: Path) -> None:
    package = json.loads((node_instrumentation.parents[2] / "package.json").read_text("utf-8"))
    said = subprocess.run(
        [jdk() / "bin" / "java", "-jar", java_agent], check=True, capture_output=True, text=True, timeout=60
    )

    assert said.stdout.strip() == injection_of("demo-service").version
    assert package["version"] == injection_of("node-service").version


def test_an_agent_of_other_content_is_refused_with_the_mend(tmp_path: Path) -> None:
    other = tmp_path / "agent.jar"
    other.write_bytes(b"not the agent")
    found = hashlib.sha256(b"not the agent").hexdigest()

    with pytest.raises(BuildFailed, match=rf"agent.jar has the SHA-256 {found}, but 00ff is pinned. If the agent was"):
        service_builds.require_checksum(other, "00ff")


def test_without_node_on_path_the_tool_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(service_builds.ToolIsMissing, match=r"node and npm are not on PATH\. Install Node\.js 20"):
        node()
