"""`sluice demo` tells a true story: what it prints last is what GitLab and Git say."""

import json
import subprocess
import sys


def test_demo_takes_a_release_to_production_and_proves_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo", "--json"], capture_output=True, text=True, timeout=120, check=False
    )

    report = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert report["ok"] is True
    assert report["merge_requests"] == [
        {"environment": "staging", "version": "1.1.0", "state": "merged"},
        {"environment": "production", "version": "1.1.0", "state": "merged"},
    ]
    assert [status["state"] for status in report["statuses"]] == ["success", "success", "success"]
    assert report["deliveries"]["dead"] == 0
    assert report["rollbacks"] == []
    assert report["repromotions_of_denied"] == 0


def test_demo_prints_plain_lines_when_nobody_watches_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot.cli", "demo"], capture_output=True, text=True, timeout=120, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert "sluice/production is success" in done.stdout
