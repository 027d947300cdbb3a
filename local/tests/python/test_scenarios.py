"""Short runs of the scenarios of `compute-bench`, which start the binaries themselves and judge what they see."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from processes import binary

# A bound on each run, for a busy machine. They take ten to thirty seconds otherwise.
PATIENCE = 240

SCENARIOS = {
    "torture": ["torture", "--calls", "300", "--callers", "32"],
    "torture-batch": ["torture", "--log-mode", "batch", "--calls", "300", "--callers", "32"],
    "log-cost": ["log-cost", "--calls", "2000", "--lone-calls", "50", "--most-puts", "0.2"],
    "operations": ["operations", "--records", "1000", "--batches", "20", "--lookups", "50", "--most-page", "10s"],
    # What takes how long is not judged here: builds for tests are slow, and the machine is busy.
    "stream": ["stream", "--values", "1000000", "--rounds", "1", "--most-ratio", "1000"],
    "rolling-restart": ["rolling-restart", "--rounds", "1", "--rate", "40"],
    "no-worker": ["no-worker", "--outage", "6s", "--no-worker-after", "1s", "--deadline", "3s", "--rate", "40"],
    # An endless load of a moment: that it runs and ends. What memory does in so short a time says nothing.
    "waiting": ["waiting", "--calls", "500", "--connections", "5", "--most-bytes", "1000000"],
}


def run(arguments, report):
    programs = Path(binary("compute-bench")).parent
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "COMPUTE_"))}
    command = [programs / "compute-bench", *arguments, "--bin-dir", programs, "--json", report]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("arguments", SCENARIOS.values(), ids=SCENARIOS)
def test_a_short_run_keeps_all_promises(arguments, tmp_path):
    ran = run(arguments, tmp_path / "report.json")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["scenario"] == arguments[0]
    assert report["promises"] and all(promise["kept"] for promise in report["promises"])
    assert report["figures"]["calls"]["right"] > 0


def test_a_broken_promise_is_told_and_is_the_exit_code(tmp_path):
    ran = run(["waiting", "--calls", "50", "--connections", "1", "--most-bytes", "1"], tmp_path / "report.json")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "BROKEN" in ran.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert [promise["kept"] for promise in report["promises"]].count(False) == 1


def test_a_program_that_is_missing_ends_the_run_with_its_name(tmp_path):
    command = [binary("compute-bench"), "torture", "--bin-dir", tmp_path]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)

    assert ran.returncode == 1
    assert "compute-local" in ran.stderr
