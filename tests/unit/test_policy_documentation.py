"""The references name every field and every finding: a knob that is not documented does not exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from config import access, policy_form, position, settings, settings_form
from config.words import parse_duration

ROOT = Path(__file__).parents[2]
POLICY = (ROOT / "docs" / "policy.md").read_text()
OPERATOR = (ROOT / "docs" / "operator.md").read_text()
CODE = re.compile(r'code="([a-z-]+)"|^        "([a-z-]+)",\n        what=', re.MULTILINE)
NOT_ABOUT_CHECKOUTS = frozenset({"secret"})

SECTIONS: list[tuple[str, str, type[BaseModel]]] = [
    (POLICY, "The policy", policy_form.PolicyForm),
    (POLICY, "environments", policy_form.EnvironmentForm),
    (POLICY, "applications", policy_form.ApplicationForm),
    (POLICY, "applications", policy_form.OverrideForm),
    (POLICY, "rollback", policy_form.RollbackForm),
    (POLICY, "rollback", policy_form.BrakeForm),
    (POLICY, "access", access.GrantForm),
    (POLICY, "approvals", access.ApprovalsForm),
    (POLICY, "Per-team files", policy_form.TighteningForm),
    (POLICY, "Per-team files", policy_form.TighteningRollbackForm),
    *((POLICY, "Positions", getattr(position, name)) for name in (
        "KustomizeImages", "Setter", "HelmValues", "ChartVersion", "OciRef", "YamlPath",
    )),
    (OPERATOR, "Settings", settings.Settings),
    (OPERATOR, "gitlab", settings_form.GitlabSettings),
    (OPERATOR, "listen", settings_form.ListenSettings),
    (OPERATOR, "webhooks", settings_form.WebhookSettings),
    (OPERATOR, "clusters", settings_form.ClusterSettings),
    (OPERATOR, "registries", settings_form.RegistrySettings),
    (OPERATOR, "tenants", settings_form.TenantSettings),
    (OPERATOR, "api_tokens", settings_form.ApiTokenSettings),
    (OPERATOR, "log", settings_form.LogSettings),
]  # fmt: skip


@pytest.mark.parametrize(("document", "heading", "model"), SECTIONS, ids=lambda value: getattr(value, "__name__", ""))
def test_every_field_is_documented_in_its_section(document: str, heading: str, model: type[BaseModel]) -> None:
    text = section(document, heading)

    names = [field.alias or name for name, field in model.model_fields.items()]
    missing = [name for name in names if not re.search(rf"`{name}`|`{name}:", text)]

    assert missing == []


@pytest.mark.parametrize(
    ("document", "heading", "field", "default"),
    [
        (POLICY, "The policy", "mode", policy_form.PolicyForm.model_fields["mode"].default),
        *(
            (POLICY, "environments", field, policy_form.EnvironmentForm.model_fields[field].default)
            for field in ("delivery", "merge", "soak", "no_pipeline", "tag", "statuses", "deployments")
        ),
        *(
            (POLICY, "rollback", field, policy_form.RollbackForm.model_fields[field].default)
            for field in ("way", "within", "retry_after")
        ),
        (POLICY, "rollback", "failures", policy_form.BrakeForm.model_fields["failures"].default),
        *(
            (OPERATOR, "Settings", field, settings.Settings.model_fields[field].default)
            for field in ("data_dir", "resync_every", "sweep_every", "workers", "lease")
        ),
        *(
            (OPERATOR, "clusters", field, settings_form.ClusterSettings.model_fields[field].default)
            for field in ("access", "max_event_age", "silence_after")
        ),
        (OPERATOR, "gitlab", "requests_per_minute", 600),
        (OPERATOR, "listen", "port", 8080),
    ],
)
def test_documented_default_is_the_real_one(document: str, heading: str, field: str, default: object) -> None:
    row = next(line for line in section(document, heading).splitlines() if line.startswith(f"| `{field}`"))

    written = row.split("|")[2].strip().strip("`")

    assert written == str(default) or parse_duration(written) == default


def test_every_code_of_check_config_is_documented() -> None:
    table = section(POLICY, "What check-config finds")

    missing = {code for code in codes() if f"`{code}`" not in table}

    assert missing == NOT_ABOUT_CHECKOUTS


def codes() -> Iterator[str]:
    files = [*(ROOT / "config").rglob("*.py"), *(ROOT / "bot" / "positions").glob("*.py")]
    files.append(ROOT / "bot" / "cli" / "check_config.py")
    for file in files:
        for found in CODE.finditer(file.read_text()):
            yield found[1] or found[2]
    yield from ("kustomization-shared", "position-shared", "canary-shared", "position")
    yield from ("release-file", "pin-file", "denial-file")


def section(document: str, heading: str) -> str:
    return document.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
