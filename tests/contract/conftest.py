"""The contract tests run against the sandbox, or against the real GitLab that SLUICE_CONTRACT_GITLAB_URL names.

A real one needs an administrator's token in SLUICE_CONTRACT_GITLAB_TOKEN; what it cannot be told to do is skipped.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.forge import Forge, Listener, SandboxThread, forge_from_environment, listening, sandbox_forge
from gitlab.v4.objects import Project


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rule(*ids): the rules of bot/sandbox/gitlab/rules.py this test proves")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    """A GitLab with the Free rule set."""
    real = forge_from_environment()
    if real is not None:
        yield real
        return
    sandbox = SandboxThread(tmp_path / "gitlab", "free")
    yield sandbox_forge(sandbox)
    sandbox.stop()


@pytest.fixture
def paid_forge(tmp_path: Path) -> Iterator[Forge]:
    """A GitLab with the paid rule set; a real one is not asked, because its licence is unknown."""
    if forge_from_environment() is not None:
        pytest.skip("the paid rules are tried on the sandbox only")
    sandbox = SandboxThread(tmp_path / "gitlab", "paid")
    yield sandbox_forge(sandbox)
    sandbox.stop()


@pytest.fixture
def sandbox(forge: Forge) -> SandboxThread:
    """The sandbox behind the forge, for what no real GitLab can be told to do."""
    if forge.sandbox is None:
        pytest.skip("a real GitLab cannot be told to do this")
    return forge.sandbox


@pytest.fixture
def project(forge: Forge) -> Iterator[Project]:
    """A fresh private project with one commit on a protected `main`."""
    made = forge.project()
    yield made
    forge.admin.projects.delete(made.id)


@pytest.fixture
def listener(sandbox: SandboxThread) -> Iterator[Listener]:
    with listening(sandbox) as running:
        yield running
