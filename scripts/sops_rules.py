"""The rules of a tree's `.sops.yaml`: for which keys each secret is encrypted, read and changed line by line.

Only the lines of the keys change, so comments and order stay as people wrote them. A recipient is the public half of an
age key (`age1…`). Format: https://getsops.io/docs/usage/identities/config-file/ (SOPS 3.13).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

NAME = ".sops.yaml"
DEMO_KEYS = "demo.agekey"
PUBLIC_KEY = re.compile(r"^# public key: (age1\S+)$", re.MULTILINE)


class Refused(Exception):
    """Nothing was changed; the message says what happened, why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One creation rule. lines: where each of its recipients stands, counted from 0."""

    pattern: re.Pattern[str]
    recipients: tuple[str, ...]
    lines: tuple[int, ...]

    def covers(self, name: str) -> bool:
        """Whether SOPS takes this rule for a file of this name, relative to the tree."""
        return self.pattern.search(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a `.sops.yaml` says, with its text. Never changed in place."""

    tree: Path
    text: str
    rules: tuple[Rule, ...]

    @classmethod
    def read(cls, tree: Path) -> "Rules":
        """The rules of a tree. Refused, with the file and the mend, when it is none."""
        file = tree / NAME
        try:
            return cls._of(tree, file.read_text("utf-8"))
        except FileNotFoundError as error:
            raise Refused(
                f"{file} is not there, so nothing says for whom to encrypt. Name the tree's folder with --tree."
            ) from error

    @classmethod
    def _of(cls, tree: Path, text: str) -> "Rules":
        try:
            document = YAML().load(text)
        except YAMLError as error:
            raise Refused(f"{tree / NAME} is not readable YAML: {error}. Mend it at this place.") from error
        rules = document.get("creation_rules") if isinstance(document, CommentedMap) else None
        if not isinstance(rules, CommentedSeq) or not rules:
            raise Refused(f"{tree / NAME} has no creation_rules. Write one for each environment.")
        return cls(tree=tree, text=text, rules=tuple(_rule(tree / NAME, one) for one in rules))

    def rule_of(self, name: str) -> Rule:
        """The first rule that covers a file, as SOPS takes it."""
        found = next((rule for rule in self.rules if rule.covers(name)), None)
        if found is None:
            raise Refused(f"no creation rule of {self.tree / NAME} covers {name}. Add one, or take the file away.")
        return found

    def environments(self) -> list[str]:
        """The clusters of the tree, which are named after their environments."""
        return sorted(folder.name for folder in (self.tree / "clusters").glob("*/") if folder.is_dir())

    def rule_for(self, environment: str) -> Rule:
        """The rule of an environment's secrets."""
        if environment not in self.environments():
            known = ", ".join(self.environments()) or "none"
            raise Refused(f"{self.tree} has no environment {environment!r}. Known are: {known}.")
        return self.rule_of(f"clusters/{environment}/secrets/any.sops.yaml")

    def with_recipient(self, environment: str, recipient: str, comment: str) -> "Rules":
        """These rules, with one more key for an environment, after those that are there."""
        rule = self.rule_for(environment)
        if recipient in rule.recipients:
            raise Refused(f"{recipient} is a key of {environment} already. There is nothing to do.")
        lines = self.text.splitlines(keepends=True)
        last = lines[rule.lines[-1]]
        indent = last[: len(last) - len(last.lstrip())]
        lines[rule.lines[-1]] = last if last.endswith("\n") else last + "\n"
        lines.insert(rule.lines[-1] + 1, f"{indent}- {recipient} # {comment}\n")
        return self._of(self.tree, "".join(lines))

    def without(self, recipients: Iterable[str], environments: Sequence[str]) -> "Rules":
        """These rules, with keys taken out of some environments. Refused where none would be left."""
        unwanted, gone = set(recipients), set[int]()
        for environment in environments:
            rule = self.rule_for(environment)
            found = {line for one, line in zip(rule.recipients, rule.lines, strict=True) if one in unwanted}
            if len(found) == len(rule.lines):
                raise Refused(
                    f"no key would be left for {environment}, and nobody could read its secrets. "
                    f"Make one first: scripts/new-age-key {environment}"
                )
            gone |= found
        if not gone:
            raise Refused(f"{self.tree / NAME} has none of the keys to take out. Look which it has.")
        kept = [line for number, line in enumerate(self.text.splitlines(keepends=True)) if number not in gone]
        return self._of(self.tree, "".join(kept))


def _rule(file: Path, document: CommentedMap) -> Rule:
    pattern, recipients = document.get("path_regex"), document.get("age")
    if not isinstance(pattern, str):
        raise Refused(f"{file}: a creation rule has no path_regex. Say which files it is for.")
    lines = [recipients.lc.item(at)[0] for at in range(len(recipients))] if isinstance(recipients, CommentedSeq) else []
    if not lines or recipients.fa.flow_style():
        raise Refused(f"{file}: {pattern} has no list of keys. Write `age:` and below it each key as `- age1…`.")
    return Rule(
        pattern=re.compile(pattern), recipients=tuple(str(one) for one in recipients), lines=tuple(map(int, lines))
    )


def secret_files(tree: Path) -> list[str]:
    """Every encrypted file of a tree, relative to it."""
    return sorted(PurePosixPath(file.relative_to(tree)).as_posix() for file in tree.rglob("?*.sops.yaml"))


def demo_recipients(tree: Path) -> frozenset[str]:
    """The keys that everybody has; none where the demo's key file was taken away."""
    file = tree / DEMO_KEYS
    return frozenset(PUBLIC_KEY.findall(file.read_text("utf-8"))) if file.is_file() else frozenset()
