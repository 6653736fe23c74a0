"""Commits and diffs as the API shows them."""

from bot.sandbox.gitlab.answers import Json, iso
from bot.sandbox.gitlab.diffs import FileDiff
from bot.sandbox.gitlab.instance import Instance
from bot.sandbox.gitlab.projects import Project
from bot.sandbox.gitlab.repository import Commit


def commit_view(lab: Instance, project: Project, commit: Commit) -> Json:
    return {
        "id": commit.sha,
        "short_id": commit.sha[:8],
        "created_at": iso(commit.committed_at),
        "parent_ids": list(commit.parents),
        "title": commit.title,
        "message": commit.message,
        "author_name": commit.author_name,
        "author_email": commit.author_email,
        "authored_date": iso(commit.authored_at),
        "committer_name": commit.committer_name,
        "committer_email": commit.committer_email,
        "committed_date": iso(commit.committed_at),
        "trailers": trailers(commit.message),
        "extended_trailers": {key: [value] for key, value in trailers(commit.message).items()},
        "web_url": f"{lab.url}/{project.path_with_namespace}/-/commit/{commit.sha}",
    }


def diff_view(change: FileDiff) -> Json:
    return {
        "diff": change.patch,
        "collapsed": False,
        "too_large": False,
        "new_path": change.new_path,
        "old_path": change.old_path,
        "a_mode": change.old_mode,
        "b_mode": change.new_mode,
        "new_file": change.status == "A",
        "renamed_file": change.status == "R",
        "deleted_file": change.status == "D",
        "generated_file": False,
    }


def trailers(message: str) -> dict[str, str]:
    """The `Key: value` lines of the last paragraph, when all its lines are such lines."""
    paragraphs = message.strip().split("\n\n")
    if len(paragraphs) < 2:
        return {}
    pairs = [line.partition(": ") for line in paragraphs[-1].splitlines()]
    if not all(separator and key and " " not in key for key, separator, _ in pairs):
        return {}
    return {key: value for key, _, value in pairs}
