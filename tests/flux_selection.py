"""What Flux selects: ImagePolicies put to the libraries that Flux uses (tests/tools/semver-select)."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from tools_at_hand import binary

from bot.sandbox.documents import Document

DEADLINE = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """spec.policy and spec.filterTags of an ImagePolicy, and the tags that its image has."""

    policy: Document
    filter: Document | None
    tags: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The selected tag, or why there is none. invalid: the policy itself is broken, new tags do not heal it."""

    tag: str | None = None
    error: str = ""
    invalid: bool = False


def case_of(policy: Document, tags: Sequence[str]) -> Case:
    """An ImagePolicy as it is applied."""
    return Case(policy=policy["spec"]["policy"], filter=policy["spec"].get("filterTags"), tags=tags)


def selected(cases: Sequence[Case]) -> list[Selection]:
    """The selection of each case, in order, by one process."""
    done = subprocess.run(
        [binary("semver-select")],
        input=json.dumps([asdict(case) for case in cases]),
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"semver-select: {done.stderr.strip()}")
    return [Selection(**answer) for answer in json.loads(done.stdout)]
