"""The seed document's Flux and GitLab objects do not work on current versions: every one of its mistakes is named."""

import re
import textwrap

from shared_payloads import shared_folder

from config.lints import CODES, lint

FENCE = re.compile(r"^```(yaml|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEREDOC = re.compile(r"<<'?EOF'? \| kubectl.*?\n(.*?)^EOF", re.MULTILINE | re.DOTALL)


def test_every_mistake_of_the_seed_is_named() -> None:
    (seed,) = (shared_folder() / "seed").glob("*.txt")

    found = {finding.code for file, text in blocks(seed.read_text("utf-8")) for finding in lint(file, text)}

    assert set(CODES) <= found


def blocks(document: str) -> list[tuple[str, str]]:
    """The YAML of a document with a file name each; the agent's configuration under its own path.

    Commands for people are looked at as a job's that does the same: the seed rolls back by hand only.
    """
    texts = [body for kind, body in FENCE.findall(document) if kind == "yaml"]
    texts += [job(body) for kind, body in FENCE.findall(document) if kind == "bash"]
    texts += [text for kind, body in FENCE.findall(document) if kind == "bash" for text in HEREDOC.findall(body)]
    agent = ".gitlab/agents/production/config.yaml"
    return [(agent if agent in text else "block.yaml", text) for text in texts]


def job(commands: str) -> str:
    return f"job:\n  script:\n    - |2\n{textwrap.indent(commands, ' ' * 6)}"
