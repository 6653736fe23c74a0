"""GitLab's own quick actions are taken out of a note before it is stored (GitLab docs: user/project/quick_actions)."""

import re

# The quick actions that a bot's command words could collide with.
NAMES = frozenset(
    {"approve", "unapprove", "assign", "unassign", "assign_reviewer", "close", "reopen", "draft", "ready", "label"}
    | {"unlabel", "relabel", "merge", "rebase", "title", "todo", "done", "subscribe", "unsubscribe", "milestone"}
    | {"lock", "unlock", "estimate", "spend", "due", "weight", "target_branch", "react", "award", "tableflip", "shrug"}
)
_LINE = re.compile(r"^/([a-z_]+)\b.*$")


def split_quick_actions(body: str) -> tuple[str, list[str]]:
    """Return the text without quick action lines, and the names of those lines; fenced lines are text."""
    kept: list[str] = []
    taken: list[str] = []
    fenced = False
    for line in body.split("\n"):
        fenced ^= line.startswith("```")
        found = _LINE.match(line)
        if found and found.group(1) in NAMES and not fenced:
            taken.append(found.group(1))
        else:
            kept.append(line)
    return ("\n".join(kept).strip() if taken else body), taken
