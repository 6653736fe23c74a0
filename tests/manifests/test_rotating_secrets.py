"""New keys and rotation, with the real age and sops on a copy of the tree: who can read changes, or nothing does."""

import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from flux_secrets import Said, demo_keys, sops
from flux_tree import FLUX, REPOSITORY, secret_files
from tools_at_hand import binary

from scripts import writing
from scripts.sops_rules import Rules

SECRETS = [file.relative_to(FLUX).as_posix() for file in secret_files()]
PRODUCTION = [name for name in SECRETS if "/production/" in name]
WEBHOOK = "clusters/production/secrets/sluice-webhook.sops.yaml"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A config repository to be changed."""
    return Path(shutil.copytree(FLUX, tmp_path / "tree"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    """The folder for private keys."""
    return tmp_path / "keys"


def run(script: str, *arguments: str, tree: Path, keys: Path, **environment: str) -> Said:
    """A script as a person calls it, with sops and age-keygen on PATH and nobody's own keys."""
    tools = os.pathsep.join(str(binary(name).parent) for name in ("sops", "age-keygen"))
    surroundings = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "HOME": str(keys.parent), **environment}
    command = [str(REPOSITORY / "scripts" / script), "--tree", str(tree), "--keys", str(keys), *arguments]
    done = subprocess.run(command, env=surroundings, capture_output=True, text=True, timeout=120, check=False)
    return Said(status=done.returncode, out=done.stdout, err=done.stderr)


def new_key(environment: str, tree: Path, keys: Path) -> Path:
    """The file of a new key for an environment."""
    before = set(keys.glob("*"))
    said = run("new-age-key", environment, tree=tree, keys=keys)
    assert said.status == 0, said.err
    (made,) = set(keys.glob("*")) - before
    return made


def opens(key: str, name: str, tree: Path) -> bool:
    return sops("decrypt", name, keys=key, tree=tree).status == 0


def contents(tree: Path) -> dict[str, bytes]:
    return {str(file.relative_to(tree)): file.read_bytes() for file in tree.rglob("*") if file.is_file()}


def test_a_new_key_is_readable_by_its_owner_alone(tree: Path, keys: Path) -> None:
    made = new_key("production", tree, keys)

    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_a_new_key_adds_one_line_to_the_rules_and_changes_nothing_else(tree: Path, keys: Path) -> None:
    before = contents(tree)

    said = run("new-age-key", "staging", tree=tree, keys=keys)

    after = contents(tree)
    assert [name for name in after if after[name] != before.get(name)] == [".sops.yaml"]
    lines, kept = after[".sops.yaml"].decode().splitlines(), before[".sops.yaml"].decode().splitlines()
    (added,) = [line for line in lines if line not in kept]
    assert [line for line in lines if line != added] == kept
    recipient = re.match(r" {6}- (age1\S+) # staging, made \d{4}-\d\d-\d\d$", added)
    assert recipient is not None
    assert recipient[1] in said.out
    assert "scripts/rotate-secrets" in said.out
    assert Rules.read(tree).rule_for("staging").recipients[1:] == (recipient[1],)


def test_a_second_key_leaves_the_first_alone(tree: Path, keys: Path) -> None:
    first = new_key("production", tree, keys)
    text = first.read_text()

    second = new_key("production", tree, keys)

    assert second != first
    assert first.read_text() == text
    assert len(Rules.read(tree).rule_for("production").recipients) == 3


def test_a_rotation_changes_who_can_read(tree: Path, keys: Path) -> None:
    demo, key = demo_keys()["production"], new_key("production", tree, keys).read_text()

    both = run("rotate-secrets", "production", tree=tree, keys=keys)

    assert both.status == 0, both.err
    assert all(opens(one, name, tree) for name in PRODUCTION for one in (demo, key))

    one = run("rotate-secrets", "--without-demo", "production", tree=tree, keys=keys)

    assert one.status == 0, one.err
    assert [name for name in PRODUCTION if not opens(key, name, tree)] == []
    assert [name for name in SECRETS if opens(demo, name, tree)] == []


def test_a_rotation_keeps_the_values_and_encrypts_every_one_anew(tree: Path, keys: Path) -> None:
    clear = sops("decrypt", WEBHOOK, keys=demo_keys()["production"], tree=tree).out
    before = set(re.findall(r"ENC\[\S+|^\s+[\w+/=]{60,}$", (tree / WEBHOOK).read_text(), re.MULTILINE))

    said = run("rotate-secrets", "production", tree=tree, keys=keys)

    after = set(re.findall(r"ENC\[\S+|^\s+[\w+/=]{60,}$", (tree / WEBHOOK).read_text(), re.MULTILINE))
    assert said.status == 0, said.err
    assert sops("decrypt", WEBHOOK, keys=demo_keys()["production"], tree=tree).out == clear
    assert len(before) > 3
    assert before & after == set()


def test_a_rotation_of_one_environment_leaves_the_others_alone(tree: Path, keys: Path) -> None:
    before = contents(tree)

    run("rotate-secrets", "production", tree=tree, keys=keys)

    after = contents(tree)
    assert sorted(name for name in after if after[name] != before[name]) == PRODUCTION


def test_a_rotation_without_a_name_is_one_of_every_environment(tree: Path, keys: Path) -> None:
    before = contents(tree)

    said = run("rotate-secrets", tree=tree, keys=keys)

    after = contents(tree)
    assert said.status == 0, said.err
    assert sorted(name for name in after if after[name] != before[name]) == SECRETS


def test_a_dry_run_changes_nothing(tree: Path, keys: Path) -> None:
    new_key("production", tree, keys)
    before = contents(tree)

    said = run("rotate-secrets", "--dry-run", "--without-demo", "production", tree=tree, keys=keys)

    assert said.status == 0, said.err
    assert "6 files would be encrypted anew" in said.out
    assert contents(tree) == before


def test_everybody_is_warned_while_the_demo_keys_open_anything(tree: Path, keys: Path) -> None:
    new_key("production", tree, keys)

    said = run("rotate-secrets", "--without-demo", "production", tree=tree, keys=keys)

    assert "WARNING: everybody can read the secrets of development, minikube, staging:" in said.err


def test_without_the_key_nothing_changes_and_file_and_mend_are_named(tree: Path, keys: Path) -> None:
    key = new_key("production", tree, keys)
    run("rotate-secrets", "--without-demo", "production", tree=tree, keys=keys)
    away = key.rename(keys.parent / "elsewhere")
    before = contents(tree)

    refused = run("rotate-secrets", "production", tree=tree, keys=keys)
    named = run("rotate-secrets", "production", tree=tree, keys=keys, SOPS_AGE_KEY_FILE=str(away))

    assert refused.status == 1
    assert f"{tree}/{PRODUCTION[0]} cannot be read: none of the keys here opens it" in refused.err
    assert "and 3 more files" in refused.err
    assert "Put that key's file there, or name it in SOPS_AGE_KEY_FILE." in refused.err
    assert refused.err.endswith("Nothing was changed.\n")
    assert named.status == 0, named.err
    assert before != contents(tree)


def test_a_refusal_changes_nothing_of_what_could_be_read(tree: Path, keys: Path) -> None:
    (tree / WEBHOOK).write_text((tree / WEBHOOK).read_text().replace("name: sluice-webhook", "name: other"))
    before = contents(tree)

    said = run("rotate-secrets", "production", tree=tree, keys=keys)

    assert said.status == 1
    assert f"{tree}/{WEBHOOK} was changed after it was encrypted (MAC mismatch)" in said.err
    assert contents(tree) == before


def test_a_secret_in_clear_is_refused(tree: Path, keys: Path) -> None:
    (tree / WEBHOOK).write_text("apiVersion: v1\nkind: Secret\nstringData:\n  token: clear\n")

    said = run("rotate-secrets", "production", tree=tree, keys=keys)

    assert said.status == 1
    assert f"{WEBHOOK} is not encrypted. In {tree}: sops encrypt --in-place {WEBHOOK}" in said.err
    assert "clear\n" not in said.err


def test_the_last_key_of_an_environment_stays(tree: Path, keys: Path) -> None:
    new_key("production", tree, keys)
    before = contents(tree)

    said = run("rotate-secrets", "--without-demo", tree=tree, keys=keys)

    assert said.status == 1
    assert "no key would be left for development" in said.err
    assert "scripts/new-age-key development" in said.err
    assert contents(tree) == before


def test_nobody_locks_themselves_out(tree: Path, keys: Path) -> None:
    new_key("production", tree, keys).rename(keys.parent / "on the way to the cluster")
    before = contents(tree)

    said = run("rotate-secrets", "--without-demo", "production", tree=tree, keys=keys)

    assert said.status == 1
    assert "afterwards no key here would open" in said.err
    assert contents(tree) == before


@pytest.mark.parametrize("failing", range(3))
def test_files_are_replaced_all_together_or_not_at_all(
    failing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text("old")
    replace, calls = os.replace, [0]

    def full_disk(source: Path, destination: Path) -> None:
        calls[0] += 1
        if calls[0] == failing + 1:
            raise OSError(28, "No space left on device")
        replace(source, destination)

    monkeypatch.setattr(os, "replace", full_disk)

    with pytest.raises(OSError, match="No space left"):
        writing.replace_all(dict.fromkeys(files, b"new"))

    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == dict.fromkeys("abc", "old")


@pytest.mark.parametrize("inside", [".", "secrets"])
def test_a_key_is_never_made_inside_a_git_repository(inside: str, tree: Path, tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    subprocess.run(["git", "init", "--quiet", repository], check=True)
    before = contents(tree)

    said = run("new-age-key", "production", tree=tree, keys=repository / inside)

    assert said.status == 1
    assert f"lies in the Git repository {repository}; a key must not" in said.err
    assert [one.name for one in repository.iterdir()] == [".git"]
    assert contents(tree) == before


def test_an_environment_that_does_not_exist_is_refused(tree: Path, keys: Path) -> None:
    said = run("new-age-key", "prod", tree=tree, keys=keys)

    assert said.status == 1
    assert "no environment 'prod'. Known are: development, minikube, production, staging." in said.err
    assert not keys.exists()


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (None, ".sops.yaml is not there"),
        ("creation_rules: [\n", "is not readable YAML"),
        ("stores: {}\n", "has no creation_rules"),
        ("creation_rules:\n  - path_regex: production\n    age: age1a,age1b\n", "has no list of keys"),
        ("creation_rules:\n  - path_regex: production\n    age: [age1a]\n", "has no list of keys"),
        ("creation_rules:\n  - path_regex: staging\n    age:\n      - age1a\n", "no creation rule of"),
    ],
)
def test_rules_that_cannot_be_used_are_named_with_their_mend(
    rules: str | None, words: str, tree: Path, keys: Path
) -> None:
    file = tree / ".sops.yaml"
    file.write_text(rules) if rules else file.unlink()

    said = run("new-age-key", "production", tree=tree, keys=keys)

    assert said.status == 1
    assert words in said.err
    assert ".sops.yaml" in said.err
    assert not list(keys.glob("*"))


def test_a_file_that_is_no_key_is_named(tree: Path, keys: Path) -> None:
    keys.mkdir()
    (keys / "notes.agekey").write_text("# mine\nhunter2\n")

    said = run("rotate-secrets", "production", tree=tree, keys=keys)

    assert said.status == 1
    assert f"{keys}/notes.agekey:2 is no age key" in said.err
    assert "hunter2" not in said.err


def test_a_missing_program_is_named_with_its_mend(tree: Path, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    for needed in ("sh", "dirname"):
        (tmp_path / "bin" / needed).symlink_to(str(shutil.which(needed)))

    said = run("rotate-secrets", tree=tree, keys=keys, PATH=str(tmp_path / "bin"))

    assert said.status == 1
    assert said.err.count("sops is not on PATH. Install it, or build it here") == 1
    assert "scripts/build-tool sops" in said.err


@pytest.mark.parametrize("script", ["new-age-key", "rotate-secrets"])
def test_without_the_environment_a_script_says_how_to_make_it(script: str, tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    copied = shutil.copy(REPOSITORY / "scripts" / script, tmp_path / "scripts")

    done = subprocess.run([copied], capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 1
    assert "make -C" in done.stderr
