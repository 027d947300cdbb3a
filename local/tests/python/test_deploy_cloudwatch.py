"""What `deploy/cloudwatch` makes of a journal and of metrics, before it hands them to CloudWatch."""

import ast
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader

import pytest

from processes import REPOSITORY

START_MS = 1_764_000_000_000


@pytest.fixture(scope="module")
def cloudwatch():
    loader = SourceFileLoader("cloudwatch", str(REPOSITORY / "deploy" / "cloudwatch"))
    module = module_from_spec(spec_from_loader("cloudwatch", loader))
    loader.exec_module(module)
    return module


def journal(*messages, unit="compute-gateway", step_ms=1):
    return [(f"cursor-{n}", unit, START_MS + n * step_ms, message) for n, message in enumerate(messages)]


def sizes(batches):
    return [sum(len(events) for events in streams.values()) for _, streams in batches]


def test_a_batch_has_no_more_events_than_cloudwatch_takes(cloudwatch):
    batches = list(cloudwatch.batches(journal(*["x"] * 25_000)))
    assert sizes(batches) == [10_000, 10_000, 5_000]
    assert [cursor for cursor, _ in batches] == ["cursor-9999", "cursor-19999", "cursor-24999"]


def test_a_batch_is_no_larger_than_cloudwatch_takes(cloudwatch):
    batches = list(cloudwatch.batches(journal(*["ü" * 100_000] * 11)))
    assert sizes(batches) == [5, 5, 1]
    for _, streams in batches:
        assert sum(len(e["message"].encode()) + 26 for events in streams.values() for e in events) <= 1_048_576


def test_a_batch_spans_less_than_a_day(cloudwatch):
    hour = 3_600_000
    assert sizes(cloudwatch.batches(journal(*["x"] * 48, step_ms=hour))) == [24, 24]


def test_units_have_streams_of_their_own_and_nothing_makes_no_batch(cloudwatch):
    mixed = journal("a", unit="compute-gateway") + journal("b", unit="compute-worker")
    [(cursor, streams)] = cloudwatch.batches(mixed)
    assert cursor == "cursor-0" and streams.keys() == {"compute-gateway", "compute-worker"}
    assert list(cloudwatch.batches([])) == []


@pytest.mark.parametrize("script", ["cloudwatch", "fetch-edge"])
def test_a_script_is_written_for_the_python_of_amazon_linux(script):
    ast.parse((REPOSITORY / "deploy" / script).read_text(encoding="utf-8"), feature_version=(3, 9))


@pytest.mark.parametrize(
    ("exposition", "expected"),
    [
        ('# TYPE calls counter\ncalls{reason="a"} 3\ncalls{reason="b",code="c"} 4\ncalls_more 9\n', 7),
        ("calls 2.5e3\n", 2500),
        ("other 1\n", None),
        (None, None),
    ],
)
def test_a_metric_is_summed_over_its_labels(cloudwatch, exposition, expected):
    assert cloudwatch.total(exposition, "calls") == expected
