"""Which files of a repository an artifact leaves out: Flux's default exclusions and the repository's .sourceignore."""

import fnmatch

# source-controller docs, GitRepository, "Default exclusions".
DEFAULTS = """
.git/
.gitignore
.gitmodules
.gitattributes
*.jpg
*.jpeg
*.gif
*.png
*.wmv
*.flv
*.tar.gz
*.zip
.github/
.circleci/
.travis.yml
.gitlab-ci.yml
appveyor.yml
.drone.yml
cloudbuild.yaml
codeship-services.yml
codeship-steps.yml
**/.goreleaser.yml
**/.sops.yaml
**/.flux.yaml
"""


def kept(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files an artifact holds. The patterns are .gitignore's without character classes that span slashes."""
    ignore = files.get(".sourceignore", b"").decode(errors="replace")
    patterns = _patterns(DEFAULTS) + _patterns(ignore)
    return {name: content for name, content in files.items() if not _ignored(name, patterns)}


def _patterns(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _ignored(name: str, patterns: list[str]) -> bool:
    verdict = False
    for pattern in patterns:
        if _matches(name, pattern.removeprefix("!")):
            verdict = not pattern.startswith("!")
    return verdict


def _matches(name: str, pattern: str) -> bool:
    folder_only, anchored = pattern.endswith("/"), "/" in pattern.rstrip("/")
    body = pattern.strip("/").removeprefix("**/")
    if pattern.startswith("**/"):
        anchored = False
    parts = name.split("/")
    ends = range(1, len(parts) + (0 if folder_only else 1))
    starts = [0] if anchored else range(len(parts))
    return any(fnmatch.fnmatchcase("/".join(parts[start:end]), body) for end in ends for start in starts if start < end)
