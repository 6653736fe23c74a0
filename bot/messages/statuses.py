"""What a commit status or a deployment says in one line."""

from bot.messages.harmless import shortened

LONGEST = 140
"""GitLab's own limit for a status' description was not established; 140 characters are safe everywhere."""


def status_description(text: str) -> str:
    """At most 140 characters in a single line, cut at a word with …; GitLab shows it as plain text."""
    return shortened(text, LONGEST)
