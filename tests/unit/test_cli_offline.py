"""Without a server the commands read the journal, say so, and never write."""

from pathlib import Path

import pytest
from api_cases import BECAUSE
from cli_cases import NOBODY, settings_file, sluice, sluice_json, write_journal


@pytest.fixture
def config(tmp_path: Path) -> str:
    write_journal(tmp_path)
    return str(settings_file(tmp_path))


def test_status_is_read_from_the_journal(config: str) -> None:
    code, output, errors = sluice("status", "--config", config)

    assert code == 0, errors
    assert "reading the journal instead" in errors
    assert "demo: demo/flux-config (main) at aaaaaaaa, adopted" in output
    (staging,) = [line for line in output.splitlines() if line.startswith("shop") and "staging" in line]
    assert staging.split()[2] == "1.0.0"
    assert "1.1.0 waiting !7" in staging


def test_status_as_json_has_the_link_to_the_merge_request(config: str) -> None:
    status = sluice_json("status", "shop", "--config", config, "--offline")

    staging = next(row for row in status["environments"] if row["environment"] == "staging")
    assert staging["promotion"]["url"] == f"{NOBODY}/demo/flux-config/-/merge_requests/7"
    assert status["tenants"][0]["adopted"] is True


def test_why_tells_the_last_recorded_decision_and_says_that_it_is_one(config: str) -> None:
    code, output, _ = sluice("why", "shop", "staging", "--config", config, "--offline")

    assert code == 0
    assert "as last recorded (2026-03-02 09:00:00 UTC)" in output
    assert BECAUSE in output
    assert "healthy before" in output


def test_why_as_json_is_not_live(config: str) -> None:
    why = sluice_json("why", "shop", "staging", "--config", config, "--offline")

    assert why["live"] is False
    assert [(one["rule"], one["kind"]) for one in why["explained"]] == [("promotion", "wait")]
    assert why["explained"][0]["gates"][0]["verdict"] == "waiting"


def test_dead_work_is_shown_with_the_delivery_to_send_again(tmp_path: Path) -> None:
    delivery = write_journal(tmp_path, dead="the project is gone")

    code, output, _ = sluice("status", "--config", str(settings_file(tmp_path)), "--offline")

    assert code == 0
    assert "given up: app:demo/shop, because the project is gone" in output
    assert f"sluice events redeliver {delivery}" in output


def test_environment_never_decided_about_says_so(config: str) -> None:
    code, output, _ = sluice("why", "shop", "dev", "--config", config, "--offline")

    assert code == 0
    assert "nothing was decided about it yet" in output


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("why", "shpo", "staging"), "Did you mean shop?"),
        (("why", "shop", "moon"), "There is dev, staging."),
        (("status", "shpo"), "Did you mean shop?"),
        (("status", "--tenant", "dmo"), "Did you mean demo?"),
        (("events", "show", "abc"), "sluice events list"),
    ],
)
def test_unknown_names_fail_with_a_hint(config: str, arguments: tuple[str, ...], hint: str) -> None:
    code, _, errors = sluice(*arguments, "--config", config, "--offline")

    assert code == 1
    assert hint in errors


def test_events_are_listed_and_shown(tmp_path: Path) -> None:
    delivery = write_journal(tmp_path)
    config = str(settings_file(tmp_path))

    _, listed, _ = sluice("events", "list", "--config", config, "--offline", "--phase", "done")
    _, shown, _ = sluice("events", "show", delivery, "--config", config, "--offline", "--body")
    nothing = sluice_json("events", "list", "--config", config, "--offline", "--phase", "dead")

    assert delivery in listed
    assert "app:demo/shop" in shown
    assert BECAUSE in shown
    assert "[masked]" in shown
    assert "hush-hush" not in shown
    assert nothing == {"deliveries": []}


def test_unknown_phase_is_wrong_usage(config: str) -> None:
    code, _, errors = sluice("events", "list", "--config", config, "--offline", "--phase", "lost")

    assert code == 2
    assert "unreadable" in errors


def test_journal_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    code, _, errors = sluice("status", "--config", str(settings_file(tmp_path)), "--offline")

    assert code == 1
    assert "there is no journal" in errors
    assert not (tmp_path / "sluice.db").exists()
