"""What changed between two commits, in the pieces GitLab's diff entities are made of."""

from dataclasses import dataclass

from bot.sandbox.gitlab.repository import EMPTY_TREE, Commit, Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDiff:
    old_path: str
    new_path: str
    old_mode: str
    new_mode: str
    status: str
    """Git's letter: A added, D deleted, M modified, R renamed, T type changed."""
    patch: str


async def diff(repository: Repository, old: str, new: str) -> list[FileDiff]:
    """Compare two trees, with renames found, in path order."""
    raw = (await repository.git("diff-tree", "-r", "-M", "-z", "--raw", "--no-commit-id", old, new)).decode()
    text = (await repository.git("diff-tree", "-r", "-M", "-p", "--no-color", "--no-commit-id", old, new)).decode(
        errors="replace"
    )
    patches = [_hunks(piece) for piece in ("\n" + text).split("\ndiff --git ")[1:]]
    return [
        FileDiff(old_path=old_path, new_path=new_path, old_mode=modes[0], new_mode=modes[1], status=status, patch=patch)
        for (modes, status, old_path, new_path), patch in zip(_raw_entries(raw), patches, strict=True)
    ]


async def commit_diff(repository: Repository, commit: Commit) -> list[FileDiff]:
    """What one commit changed against its first parent."""
    return await diff(repository, commit.parents[0] if commit.parents else EMPTY_TREE, commit.sha)


async def touched(repository: Repository, commit: Commit) -> dict[str, list[str]]:
    """The added, modified and removed paths of one commit, as push hooks list them."""
    parent = commit.parents[0] if commit.parents else EMPTY_TREE
    raw = (await repository.git("diff-tree", "-r", "-z", "--raw", "--no-commit-id", parent, commit.sha)).decode()
    entries = _raw_entries(raw)
    return {
        "added": [new for _, status, _, new in entries if status == "A"],
        "modified": [new for _, status, _, new in entries if status in "MT"],
        "removed": [old for _, status, old, _ in entries if status == "D"],
    }


def _raw_entries(raw: str) -> list[tuple[tuple[str, str], str, str, str]]:
    fields = iter(raw.split("\0"))
    entries = []
    for head in fields:
        if not head.startswith(":"):
            continue
        old_mode, new_mode, _, _, status = head[1:].split(" ")
        old_path = next(fields)
        new_path = next(fields) if status[0] in "RC" else old_path
        entries.append(((old_mode, new_mode), status[0], old_path, new_path))
    return entries


def _hunks(piece: str) -> str:
    """GitLab's `diff` field starts at the first hunk; a piece without hunks (binary, mode only) is empty."""
    at = piece.find("\n@@")
    if at < 0:
        return ""
    text = piece[at + 1 :]
    return text if text.endswith("\n") else text + "\n"
