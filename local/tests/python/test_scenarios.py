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
    "idle": ["idle", "--rounds", "2", "--calls", "24", "--fresh-calls", "3", "--distant-rounds", "1", "--distant-calls", "3"],
    "growth": ["growth", "--waiting", "1,50", "--rate", "25", "--step", "1s", "--rounds", "1"],
    "mixed": ["mixed", "--lengths", "1,100,50000", "--lists", "2", "--calls", "200", "--callers", "8"],
    "instructions": ["instructions", "--calls", "30", "--callers", "4", "--warm-up", "10"],
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


@pytest.fixture(scope="module")
def throughput(tmp_path_factory):
    """The folder of a short run of `throughput`: its report and its chart. Targets of speed are not judged here."""
    folder = tmp_path_factory.mktemp("throughput")
    settings = ["--floor-slots", "2", "--naive-slots", "4", "--windows", "16", "--callers", "1,16", "--loads", "0.1,0.3"]
    times = ["--step", "100ms", "--rounds", "1", "--round", "200ms", "--lone-calls", "20", "--load-time", "500ms"]
    ran = run(["throughput", *settings, *times, "--chart", folder / "chart.svg"], folder / "report.json")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return folder


def test_throughput_counts_what_each_way_asks_of_sqs_and_s3(throughput):
    report = json.loads((throughput / "report.json").read_text())

    assert all(promise["kept"] for promise in report["promises"])
    figures = report["figures"]
    assert figures["calls"]["right"] > 0
    for way in ("system", "floor", "naive"):
        assert figures[f"costs, object, {way}, best"]["s3_requests_per_call"] == 1
        assert figures[f"costs, batch, {way}, best"]["s3_requests_per_call"] < 0.5
        for load in ("best", "1"):
            assert figures[f"costs, object, {way}, {load}"]["dollars_per_million"]["s3"] == pytest.approx(5)
    # One message at a time costs a send, a receive and a delete on either hop.
    for load in ("best", "1"):
        assert figures[f"costs, object, naive, {load}"]["sqs_requests_per_call"] == pytest.approx(6, abs=0.1)
    for way in ("system", "floor"):
        assert 0.6 <= figures[f"costs, object, {way}, best"]["sqs_requests_per_call"] < 6
        assert 4 < figures[f"costs, object, {way}, 1"]["sqs_requests_per_call"] <= 6.5
    assert len(figures["latency_by_load"]) == 4
    assert (throughput / "chart.svg").read_text().startswith("<svg")


def test_the_table_of_targets_has_what_reports_tell_and_names_what_is_missing(throughput, tmp_path):
    ran = run(["targets", throughput / "report.json"], tmp_path / "targets.json")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    targets = json.loads((tmp_path / "targets.json").read_text())
    figures = [target["figure"] for target in targets["targets"]]
    assert {"throughput-object", "throughput-batch", "throughput-naive", "sqs-lone", "s3-object"} <= set(figures)
    assert all(target["verdict"] in ("kept", "missed", "reported") for target in targets["targets"])
    assert targets["missing"] == ["idle-p50", "idle-p99", "idle-p50-distant", "instructions", "own-share", "growth"]
    assert ran.stdout.count("MISSING") == len(targets["missing"])


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
