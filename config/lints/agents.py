"""Sections of the GitLab agent's configuration that no longer do anything."""

from collections.abc import Iterator

from config.diagnostics import ConfigurationFault, Diagnostic
from config.lints.manifest import Manifest
from config.yaml_text import Mapping, Node, Scalar, child_of, documents, resolved


def obsolete_sections(manifest: Manifest) -> Iterator[Diagnostic]:
    """The agent neither applies manifests nor manages Flux any more (GitLab, Using GitOps with the agent)."""
    if _is_agent_file(manifest.file):
        yield from _sections(manifest, manifest.root, None)
    if manifest.kind == "ConfigMap":
        inner = manifest.scalar("data", "config.yaml")
        for root in _inside(inner) if inner is not None else ():
            yield from _sections(manifest, root, inner)


def _says_where_flux_listens(root: Node) -> bool:
    """All that `flux` is good for today: where the agent tells Flux of pushes (GitLab 16.1 and newer)."""
    section = child_of(root, "flux")
    node = resolved(section) if section is not None else None
    return isinstance(node, Mapping) and [name.text for name, _ in node.pairs] == ["webhook_receiver_url"]


def _is_agent_file(file: str) -> bool:
    parts = file.replace("\\", "/").split("/")
    return parts[-1] in ("config.yaml", "config.yml") and parts[-4:-2] == [".gitlab", "agents"]


def _inside(scalar: Scalar) -> tuple[Node, ...]:
    try:
        return documents(scalar.text, file="")
    except ConfigurationFault:
        return ()


def _sections(manifest: Manifest, root: Node, around: Scalar | None) -> Iterator[Diagnostic]:
    found: list[tuple[str, Node]] = []
    node = resolved(root)
    projects = child_of(root, "gitops", "manifest_projects")
    if projects is not None:
        found.append(("gitops.manifest_projects", projects))
    flux = node.key("flux") if isinstance(node, Mapping) else None
    if flux is not None and not _says_where_flux_listens(root) and (around is None or projects is not None):
        found.append(("flux", flux))
    for name, section in found:
        yield manifest.finding(
            around or section,
            "agent-config-obsolete",
            what=f"the agent's configuration has {name}",
            why="the agent no longer reads it: nothing is applied or managed by it",
            do="Take it out; let Flux apply manifests (flux bootstrap gitlab), and keep ci_access or user_access here.",
        )
