"""Operator settings come from a file and the environment; secrets from neither text, and never printed."""

import json
import traceback
from datetime import timedelta
from pathlib import Path

import pytest

from bot.errors import PermanentError
from config import settings
from config.settings import Settings, SettingsFault

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "sluice.yaml"
SECRET = "glpat-never-to-be-seen"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SLUICE_CONFIG", "SLUICE_GITLAB__URL", "SLUICE_GITLAB__TOKEN"):
        monkeypatch.delenv(name, raising=False)


def write(folder: Path, text: str, **secrets: str) -> Path:
    for name, secret in secrets.items():
        (folder / name).write_text(secret)
    file = folder / "sluice.yaml"
    file.write_text(text.replace("$DIR", str(folder)))
    return file


GOOD = """\
gitlab:
  url: https://gitlab.example/
  token_file: $DIR/token
clusters:
  demo:
    flux_secret_files: [$DIR/flux]
tenants:
  demo:
    config_project: demo/flux-config
    clusters: [demo]
"""


def faults(file: Path | None, *, with_secrets: bool = True) -> list[tuple[str, int, str]]:
    with pytest.raises(SettingsFault) as caught:
        settings.load(file, with_secrets=with_secrets)
    text = "".join(traceback.format_exception(caught.value))
    assert SECRET not in text
    return [(Path(fault.file).name, fault.line, fault.code) for fault in caught.value.diagnostics]


def test_example_settings_are_valid() -> None:
    found = settings.load(EXAMPLE, with_secrets=False)

    assert found.tenants["demo"].config_project == "demo/flux-config"
    assert found.base_url() == "https://sluice.example"


def test_defaults_keep_everything_on_this_machine(tmp_path: Path) -> None:
    found = settings.load(write(tmp_path, GOOD, token="t", flux="f"))

    assert found.base_url() == "http://127.0.0.1:8080"
    assert found.database().get_secret_value() == "sqlite:///.sluice-data/sluice.db"
    assert (found.resync_every, found.sweep_every) == (timedelta(seconds=60), timedelta(minutes=15))
    assert (found.workers, found.lease) == (4, timedelta(seconds=60))
    assert found.clusters["demo"].max_event_age == timedelta(minutes=10)
    assert found.gitlab.url == "https://gitlab.example"


def test_environment_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_GITLAB__URL", "https://gitlab.example")
    monkeypatch.setenv("SLUICE_GITLAB__TOKEN", SECRET)

    found = settings.load()

    assert found.gitlab.access_token().get_secret_value() == SECRET


def test_config_variable_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_CONFIG", str(write(tmp_path, GOOD, token="t", flux="f")))

    assert settings.load().gitlab.access_token().get_secret_value() == "t"


def test_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_GITLAB__TOKEN", "from-environment")
    monkeypatch.setenv("SLUICE_LISTEN__PORT", "9090")
    monkeypatch.setenv("SLUICE_RESYNC_EVERY", "5s")
    monkeypatch.setenv("SLUICE_CLUSTERS__DEMO__FLUX_SECRETS", '["new", "old"]')
    monkeypatch.setenv("SLUICE_CLUSTERS__DEMO__FLAGGER_TOKENS", "single")

    found = settings.load(write(tmp_path, GOOD, token="t", flux="from-file"))

    assert found.gitlab.access_token().get_secret_value() == "from-environment"
    assert found.listen.port == 9090
    assert found.resync_every == timedelta(seconds=5)
    secrets = [secret.get_secret_value() for secret in found.clusters["demo"].live_flux_secrets()]
    assert secrets == ["new", "old", "from-file"]
    assert [t.get_secret_value() for t in found.clusters["demo"].live_flagger_tokens()] == ["single"]


def test_rotated_secret_file_is_read_again(tmp_path: Path) -> None:
    found = settings.load(write(tmp_path, GOOD, token="old\n", flux="f"))

    (tmp_path / "token").write_text("new\n")

    assert found.gitlab.access_token().get_secret_value() == "new"


def test_status_and_write_tokens_fall_back_to_the_main_one(tmp_path: Path) -> None:
    text = GOOD.replace("token_file: $DIR/token", "token_file: $DIR/token\n  write_token_file: $DIR/write")

    gitlab = settings.load(write(tmp_path, text, token="main", write="other", flux="f")).gitlab

    assert gitlab.status_access_token().get_secret_value() == "main"
    assert gitlab.write_access_token().get_secret_value() == "other"


def test_secrets_are_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_GITLAB__URL", "https://gitlab.example")
    monkeypatch.setenv("SLUICE_GITLAB__TOKEN", SECRET)
    monkeypatch.setenv("SLUICE_WEBHOOKS", json.dumps({"main": {"scope": "instance", "tokens": [SECRET]}}))
    monkeypatch.setenv("SLUICE_DATABASE_URL", f"postgresql://sluice:{SECRET}@db/sluice")

    found = settings.load()

    assert SECRET not in repr(found) + str(found) + found.model_dump_json()
    assert found.database().get_secret_value().startswith("postgresql://sluice:")


@pytest.mark.parametrize(
    ("old", "new", "line", "code"),
    [
        ("url: https://gitlab.example/", "url: gitlab.example", 2, "value"),
        ("url: https://gitlab.example/", "url: https://user:pw@gitlab.example", 2, "value"),
        ("url:", "uri:", 2, "unknown"),
        ("token_file: $DIR/token", f"token: {SECRET}", 3, "secret-in-file"),
        ("token_file: $DIR/token", "token_file: $DIR/none", 3, "secret"),
        ("token_file: $DIR/token", "token_file: $DIR/empty", 3, "secret"),
        ("token_file: $DIR/token", "token_file: $DIR", 3, "secret"),
        ("  token_file: $DIR/token\n", "", 2, "secret"),
        ("token_file: $DIR/token", "token_file: $DIR/token\n  ca_file: $DIR/none.pem", 4, "file"),
        ("flux_secret_files: [$DIR/flux]", f"flux_secrets: [{SECRET}]", 6, "secret-in-file"),
        ("    flux_secret_files: [$DIR/flux]", "    access: telepathy", 6, "value"),
        ("    flux_secret_files: [$DIR/flux]", "    kubeconfig: $DIR/kubeconfig", 6, "file"),
        ("    clusters: [demo]", "    clusters: [other]", 10, "unknown-cluster"),
        ("config_project: demo/flux-config", "config_project: flux-config", 9, "value"),
        ("tenants:", "tenants:\n  two: {config_project: Demo/Flux-Config}", 10, "tenant-twice"),
        ("tenants:", "webhooks: {main: {scope: instance}}\ntenants:", 7, "missing"),
        ("tenants:", "webhooks: {main: {scope: everyone, token_files: [$DIR/token]}}\ntenants:", 7, "value"),
        (
            "tenants:",
            "webhooks:\n  m: {scope: instance, signing_token_files: [$DIR/token]}\ntenants:",
            8,
            "secret",
        ),
        ("tenants:", f"database_url: postgresql://u:{SECRET}@db/x\ntenants:", 7, "secret-in-file"),
        ("tenants:", "lease: 1s\ntenants:", 7, "value"),
        ("tenants:", "workers: 0\ntenants:", 7, "value"),
        ("tenants:", "registries: {'host/path': {}}\ntenants:", 7, "value"),
        ("tenants:", "api_tokens: {ci: {}}\ntenants:", 7, "secret"),
        ("tenants:", "tenants: [\n", 8, "yaml"),
    ],
)
def test_fault_points_at_its_line(tmp_path: Path, old: str, new: str, line: int, code: str) -> None:
    assert old in GOOD
    file = write(tmp_path, GOOD.replace(old, new, 1), token="t", flux="f", empty="\n")

    found = faults(file)

    if code != "yaml":
        assert ("sluice.yaml", line, code) in found
    assert code in [found_code for _, _, found_code in found]


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("SLUICE_LISTEN__PORT", SECRET, "value"),
        ("SLUICE_WEBHOOKS", f"[[{SECRET}", "value"),
        ("SLUICE_CLUSTERS__DEMO__ACCESS", SECRET, "value"),
        ("SLUICE_GITLAB__REQUESTS_PER_MINUTE", SECRET, "value"),
        ("SLUICE_WEBHOOKS__MAIN", json.dumps({"scope": SECRET, "tokens": [SECRET]}), "value"),
    ],
)
def test_fault_names_the_variable_it_came_from_and_not_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: str
) -> None:
    monkeypatch.setenv(name, value)

    assert (f"${name}", 0, code) in faults(write(tmp_path, GOOD, token="t", flux="f"))


def test_missing_value_is_told_with_both_ways_to_give_it() -> None:
    with pytest.raises(SettingsFault, match=r"gitlab is missing.*settings file.*\$SLUICE_GITLAB"):
        settings.load()


def test_missing_file_and_wrong_document_are_faults(tmp_path: Path) -> None:
    assert faults(tmp_path / "none.yaml") == [("none.yaml", 0, "file")]
    assert faults(write(tmp_path, "- a\n")) == [("sluice.yaml", 0, "document")]


def test_signing_token_must_be_of_gitlabs_form() -> None:
    hook = settings.WebhookSettings.model_validate({"scope": "instance", "signing_tokens": ["whsec_c2VjcmV0", "plain"]})

    with pytest.raises(PermanentError, match="whsec_"):
        hook.live_signing_tokens()


def test_registry_address_follows_from_its_host() -> None:
    found = Settings.model_validate(
        {
            "gitlab": {"url": "https://gitlab.example"},
            "registries": {"localhost:5000": {"insecure": True}, "docker.io": {"url": "https://registry-1.docker.io/"}},
        }
    )

    assert found.registry_url("localhost:5000") == "http://localhost:5000"
    assert found.registry_url("docker.io") == "https://registry-1.docker.io"
    assert found.registry_url("ghcr.io") == "https://ghcr.io"


def test_config_project_leads_to_its_tenant(tmp_path: Path) -> None:
    found = settings.load(write(tmp_path, GOOD, token="t", flux="f"))

    assert found.tenant_of_project("Demo/Flux-Config") == "demo"
    assert found.tenant_of_project("demo/other") is None
