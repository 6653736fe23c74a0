"""Commands of GitLab pipelines that lose what a release needs: its digest, its signature, or the way back."""

import re
from collections.abc import Iterator

from config.diagnostics import Diagnostic
from config.lints.manifest import Manifest
from config.yaml_text import Mapping, Node, Scalar, Sequence

SCRIPTS = frozenset({"before_script", "script", "after_script"})
PULLS = re.compile(r"\b(docker|podman|nerdctl) (image )?pull\b")
PUSHES = re.compile(r"\b(docker|podman|nerdctl) (image )?push\b")
BUILDS = re.compile(r"\b(docker|podman|nerdctl|buildah)\b.* (build|bud)\b")
SIGNS = re.compile(r"\bcosign (sign|attest)\b(?P<rest>[^|;&\n]*)")
TAGGED = re.compile(r"[\w}][\"']?:[\"']?[\w$][^\s/@]*$")
REVERTS = re.compile(r"^\s*git revert\b", re.MULTILINE)


def copies_by_name(manifest: Manifest) -> Iterator[Diagnostic]:
    """`docker pull` and `docker push` copy one platform, without signatures (docker/cli #3394, cosign #1549)."""
    for lines in _jobs(manifest.root):
        said = "\n".join(line.text for line in lines)
        if BUILDS.search(said) or not PULLS.search(said):
            continue
        for line in lines:
            if PUSHES.search(line.text):
                yield manifest.finding(
                    line,
                    "copied-by-name",
                    what="a job copies an image by pulling and pushing it",
                    why="of several platforms one arrives, its digest may be another, and signatures stay behind",
                    do="Copy it by digest, crane copy SOURCE@sha256:… TARGET, and its signature with it.",
                )


def signs_by_tag(manifest: Manifest) -> Iterator[Diagnostic]:
    """A tag may move between the look and the signature (cosign #2650); cosign warns and signs what is there now."""
    for line in _lines(manifest.root):
        said = line.text.replace("\\\n", " ")
        if any(_is_tag(_image(found["rest"])) for found in SIGNS.finditer(said)):
            yield manifest.finding(
                line,
                "signed-by-tag",
                what="an image is signed by its tag",
                why="the tag may name another image by then, and the signature would vouch for that one",
                do="Sign the digest that was built and scanned: cosign sign IMAGE@sha256:…",
            )


def rolls_back_by_revert(manifest: Manifest) -> Iterator[Diagnostic]:
    """Image automation commits the bad tag again at its next run (flux2 #4676)."""
    for line in _lines(manifest.root):
        if REVERTS.search(line.text):
            yield manifest.finding(
                line,
                "rollback-by-revert",
                what="a job rolls back with git revert",
                why="image automation still selects the bad tag and commits it again at its next run",
                do="Use sluice rollback APPLICATION ENVIRONMENT: it also denies the release and stops the automation.",
            )


def _is_tag(image: str) -> bool:
    return "@" not in image and TAGGED.search(image) is not None


def _image(rest: str) -> str:
    """The last word that is no option: what cosign signs."""
    words = [word for word in rest.split() if not word.startswith(("-", "<", ">"))]
    return words[-1].strip("\"'") if words else ""


def _lines(root: Node) -> Iterator[Scalar]:
    for lines in _jobs(root):
        yield from lines


def _jobs(node: Node) -> Iterator[list[Scalar]]:
    """The commands of each mapping that has scripts, in order."""
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _jobs(item)
    if not isinstance(node, Mapping):
        return
    found = [line for key, value in node.pairs if key.text in SCRIPTS for line in _commands(value)]
    if found:
        yield found
    for key, value in node.pairs:
        if key.text not in SCRIPTS:
            yield from _jobs(value)


def _commands(node: Node) -> Iterator[Scalar]:
    if isinstance(node, Scalar):
        yield node
    if isinstance(node, Sequence):
        for item in node.items:
            yield from _commands(item)
