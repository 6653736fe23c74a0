"""Every Secret is encrypted for its environment's key and no other, and whoever applies it decrypts it."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from flux_building import documents
from flux_secrets import DEMO_KEYS, demo_keys, environment_of, in_clear, sops, text_of
from flux_tree import CLUSTERS, FLUX, REPOSITORY, layers, secret_files
from tools_at_hand import binary

from scripts.sops_rules import Rules, demo_recipients

FILES = secret_files()
every_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(FLUX).as_posix())
every_cluster = pytest.mark.parametrize("cluster", CLUSTERS)


def test_there_is_a_secret_for_every_place() -> None:
    assert len(FILES) == 24


@every_file
def test_a_secret_opens_with_the_key_of_its_environment_alone(file: Path) -> None:
    keys, mine = demo_keys(), environment_of(file)
    others = "\n".join(key for environment, key in keys.items() if environment != mine)

    opened = sops("decrypt", str(file), keys=keys[mine])
    refused = sops("decrypt", str(file), keys=others)

    assert opened.status == 0, opened.err
    assert refused.status == 128


@every_file
def test_a_secret_is_encrypted_for_the_keys_that_the_rules_name(file: Path) -> None:
    (document,) = documents(file)
    rule = Rules.read(FLUX).rule_of(file.relative_to(FLUX).as_posix())

    written = [one["recipient"] for one in document["sops"]["age"]]

    assert written == list(rule.recipients)
    assert document["sops"]["encrypted_regex"] == "^(data|stringData)$"


def test_every_environment_has_a_key_of_its_own() -> None:
    rules = Rules.read(FLUX)

    recipients = [rules.rule_for(environment).recipients for environment in CLUSTERS]

    assert len({key for keys in recipients for key in keys}) == sum(len(keys) for keys in recipients)


def test_the_demo_keys_say_what_they_are() -> None:
    text = text_of(DEMO_KEYS)
    done = subprocess.run(
        [binary("age-keygen"), "-y", DEMO_KEYS], capture_output=True, text=True, timeout=60, check=True
    )

    assert text.startswith("# DEMO KEYS. NEVER USE THEM FOR ANYTHING REAL.\n")
    assert set(done.stdout.split()) == demo_recipients(FLUX)
    assert set(demo_keys()) == set(CLUSTERS)


@every_cluster
def test_what_applies_a_secret_decrypts_it_with_sops(cluster: str) -> None:
    applying = [layer for layer in layers(cluster) if any(one["kind"] == "Secret" for one in layer.objects)]

    assert {layer.name for layer in applying} == {"secrets", "demo-service", "sluice"}
    for layer in applying:
        assert layer.spec["decryption"] == {"provider": "sops", "secretRef": {"name": "sops-age"}}


@every_cluster
def test_values_are_never_substituted(cluster: str) -> None:
    substituting = [layer for layer in layers(cluster) if "postBuild" in layer.spec]
    secrets = [one for layer in substituting for one in layer.objects if one["kind"] == "Secret"]

    assert len(secrets) == 2
    for secret in secrets:
        assert secret["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/substitute"] == "disabled"


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("the name", lambda text: text.replace("name: sluice-webhook", "name: gitlab-receiver")),
        ("the rule of what is encrypted", lambda text: text.replace("(data|stringData)", "(data)")),
        ("a plain key beside it", lambda text: text.replace("stringData:", "immutable: true\nstringData:")),
    ],
)
def test_a_change_by_hand_is_seen(what: str, changed: Callable[[str], str], tmp_path: Path) -> None:
    file = FLUX / "clusters" / "production" / "secrets" / "sluice-webhook.sops.yaml"
    text = changed(file.read_text("utf-8"))
    assert text != file.read_text("utf-8"), what
    (tmp_path / file.name).write_text(text)

    said = sops("decrypt", file.name, keys=text_of(DEMO_KEYS), tree=tmp_path)

    assert said.status == 51, said.err
    assert "MAC mismatch" in said.err


def test_a_missing_key_fails_with_the_file_and_the_mend(tmp_path: Path) -> None:
    other = tmp_path / "other.agekey"
    other.write_text(demo_keys()["minikube"])
    file = FLUX / "apps" / "bot" / "production" / "secret.sops.yaml"

    with pytest.raises(AssertionError, match=r"gone\.agekey is not there, .* git -C \S+ checkout -- gone\.agekey"):
        in_clear(file, keys=tmp_path / "gone.agekey")
    with pytest.raises(AssertionError, match=r"^apps/bot/production/secret\.sops\.yaml does not open with other"):
        in_clear(file, keys=other)


def test_a_value_of_another_file_does_not_fit(tmp_path: Path) -> None:
    mine = FLUX / "clusters" / "production" / "secrets" / "sluice-webhook.sops.yaml"
    other = FLUX / "clusters" / "production" / "secrets" / "gitlab-receiver.sops.yaml"
    token = re.compile(r"(?m)^  token: .*$")
    swapped = token.sub(str(token.findall(other.read_text())[0]), mine.read_text())
    (tmp_path / mine.name).write_text(swapped)

    said = sops("decrypt", mine.name, keys=text_of(DEMO_KEYS), tree=tmp_path)

    assert said.status != 0
    assert "message authentication failed" in said.err


@pytest.mark.parametrize("name", ["production.agekey", "age.key", "clusters/production/keys.agekey"])
def test_git_takes_no_other_key(name: str) -> None:
    ignored = ["git", "check-ignore", "--quiet", f"flux/{name}"]

    assert subprocess.run(ignored, cwd=REPOSITORY, check=False).returncode == 0
