"""The worker's statistics against Python's exact fractions, for equality, and against NumPy, within a tolerance.

Asks the tool `worker/examples/statistics.rs`, whose path is in COMPUTE_STATISTICS_BIN; unset: where cargo puts a debug build.
"""

import json
import os
import random
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy
import pytest
from exact import exact
from hypothesis import given, settings
from hypothesis import strategies as st

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
REPOSITORY = Path(__file__).resolve().parents[3]


def binary():
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    path = Path(os.environ.get("COMPUTE_STATISTICS_BIN", target / "debug" / "examples" / "statistics"))
    if not path.exists():
        pytest.fail(f"{path} is missing: run `cargo build -p compute-worker --example statistics`")
    return path


@contextmanager
def asking(*arguments):
    """A function that sends one line to the tool and gives the answer, parsed."""
    command = [binary(), *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8") as tool:

        def ask(request):
            line = request if isinstance(request, str) else json.dumps(request)
            tool.stdin.write(line + "\n")
            tool.stdin.flush()
            return json.loads(tool.stdout.readline())

        yield ask
        tool.stdin.close()
        assert tool.wait(timeout=10) == 0


@pytest.fixture(scope="session")
def ask():
    with asking() as ask:
        yield ask


def request(values, quantiles=(), bins=None):
    message = {"values": list(values)}
    if quantiles:
        message["quantiles"] = list(quantiles)
    if bins is not None:
        message["histogram"] = {"bins": bins}
    return message


def integers(statistics):
    """The statistics with integers for the strings that stand for integers."""
    numbers = {name: int(statistics[name]) for name in ("count", "min", "max")}
    if "histogram" in statistics:
        counts = [int(count) for count in statistics["histogram"]["counts"]]
        numbers["histogram"] = {**statistics["histogram"], "counts": counts}
    return {**statistics, **numbers}


def random_values(count, low, high):
    generator = random.Random(f"{count} {low} {high}")
    return [generator.randint(low, high) for _ in range(count)]


SOME_QUANTILES = (0.0, 0.1, 0.25, 0.5, 0.9, 0.99, 1.0, 5e-324, 1 - 2**-53)
TABLE = {
    "the example of the documentation": ([4, 5, 2, 35, 2452], 10),
    "one value": ([7], 3),
    "the smallest value alone": ([INT64_MIN], 1),
    "an even count": ([4, 1, 3, 2], 3),
    "an odd count": ([5, 1, 3, 2, 4], 4),
    "all equal": ([-3] * 10, 7),
    "all equal and large": ([INT64_MAX] * 11, 10),
    "negatives": ([-1, -100, -7, -7, -2], 5),
    "both ends of the range": ([INT64_MIN, INT64_MAX], 1000),
    "neighbours at the end": ([INT64_MAX, INT64_MAX - 1, INT64_MAX - 3], 7),
    "a sum beyond 64 bits": ([INT64_MAX] * 1001 + [INT64_MIN] * 3, 2),
    "squares beyond 128 bits": ([INT64_MIN] * 999 + [INT64_MAX], 999),
    "a value on an edge that bins / width, rounded, misses": ([0, 49, 98], 2),
    "a value just below an edge that it reaches as a double": (
        [INT64_MIN, INT64_MIN + 53817818247065342, INT64_MIN + 13454454561766335522],
        1000,
    ),
    "more bins than values": ([0, 1, 2], 1000),
    "100,000 of a die": (random_values(100_000, 1, 6), 6),
    "100,000 of 32 bits": (random_values(100_000, -(2**31), 2**31 - 1), 1000),
    "100,000 of 64 bits": (random_values(100_000, INT64_MIN, INT64_MAX), 1000),
    "99,999 near 2^62": (random_values(99_999, 2**62, 2**62 + 100), 64),
}


@pytest.mark.parametrize("case", TABLE)
def test_equals_exact_fractions(ask, case):
    values, bins = TABLE[case]
    assert integers(ask(request(values, SOME_QUANTILES, bins))) == exact(values, SOME_QUANTILES, bins)
    assert integers(ask(request(values))) == exact(values)


# Long enough to be sampled first, and hard for some way to select.
SPREAD = random_values(50_001, INT64_MIN, INT64_MAX)
HARD = {
    "spread": SPREAD,
    "sorted": sorted(SPREAD),
    "reversed": sorted(SPREAD, reverse=True),
    "an organ pipe": sorted(SPREAD)[::2] + sorted(SPREAD)[1::2][::-1],
    "all equal": [INT64_MAX] * 50_000,
    "two clusters far apart": random_values(25_000, -(2**62), 1000 - 2**62) + random_values(25_000, 2**62, 2**62 + 1000),
    "one outlier": [*random_values(50_000, 0, 1000), INT64_MIN],
    "extremes in turn": [INT64_MIN, INT64_MAX] * 25_000,
    "a spike in the middle": SPREAD[:25_000] + [0] * 25_000,
}


@pytest.mark.parametrize("kernel", ["portable", "avx2", "avx512"])
def test_every_kernel_equals_exact_fractions_for_hard_lists(kernel):
    if subprocess.run([binary(), "--kernel", kernel], stdin=subprocess.DEVNULL, capture_output=True).returncode == 2:
        pytest.skip(f"this machine cannot run {kernel}")
    with asking("--kernel", kernel) as ask:
        for case, values in HARD.items():
            assert integers(ask(request(values, SOME_QUANTILES))) == exact(values, SOME_QUANTILES), case


def test_the_number_of_threads_makes_no_difference():
    values = random_values(600_000, INT64_MIN, INT64_MAX)
    expected = exact(values, SOME_QUANTILES)
    for threads in (1, 2, 3):
        with asking("--threads", str(threads)) as ask:
            assert integers(ask(request(values, SOME_QUANTILES))) == expected


# Spread and crowded, near zero and near the ends.
int64 = st.integers(INT64_MIN, INT64_MAX)
crowd = st.tuples(int64, st.lists(st.integers(-3, 3))).map(
    lambda crowd: [max(INT64_MIN, min(INT64_MAX, crowd[0] + offset)) for offset in (0, *crowd[1])]
)
lists = st.lists(int64, min_size=1) | st.lists(st.integers(-100, 100), min_size=1) | crowd
probabilities = st.lists(st.floats(0, 1, allow_subnormal=True), max_size=10)


@settings(max_examples=1000, deadline=None)
@given(values=lists, quantiles=probabilities, bins=st.none() | st.integers(1, 1000))
def test_equals_exact_fractions_for_any_list(ask, values, quantiles, bins):
    assert integers(ask(request(values, quantiles, bins))) == exact(values, quantiles, bins)


# Few enough and small enough that NumPy's integer sums hold.
@settings(max_examples=200, deadline=None)
@given(values=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1), quantiles=probabilities, bins=st.integers(1, 1000))
def test_is_close_to_numpy(ask, values, quantiles, bins):
    array = numpy.array(values, dtype=numpy.int64)
    answer = integers(ask(request(values, quantiles, bins)))
    assert (answer["min"], answer["max"], answer["sum"]) == (array.min(), array.max(), str(array.sum()))
    scale = max(abs(answer["min"]), abs(answer["max"]), 1)
    assert answer["mean"] == pytest.approx(array.mean(), rel=1e-12, abs=1e-12 * scale)
    assert answer["median"] == pytest.approx(numpy.median(array), rel=1e-12)
    assert answer["variance"] == pytest.approx(array.var(), rel=1e-9, abs=1e-9 * scale)
    assert answer["std_dev"] == pytest.approx(array.std(), rel=1e-9, abs=1e-9 * scale)
    for quantile in answer.get("quantiles", []):
        expected = numpy.quantile(array, quantile["probability"])
        assert quantile["value"] == pytest.approx(expected, rel=1e-12, abs=1e-12 * scale)
    counts, edges = numpy.histogram(array, bins)
    assert answer["histogram"]["edges"] == pytest.approx(list(edges), rel=1e-12, abs=1e-12 * scale)
    assert sum(answer["histogram"]["counts"]) == len(values)
    if bins & (bins - 1) == 0:
        # Then NumPy's edges are exact too, and no value changes sides.
        assert answer["histogram"]["counts"] == list(counts)


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('{"values":[]}', ["values"]),
        ("{}", ["values"]),
        ('{"values":[1,2.5]}', ["values[1]"]),
        ('{"values":[1,"x"]}', ["values[1]"]),
        ('{"values":[9223372036854775808]}', ["values[0]"]),
        ('{"values":[1],"quantiles":[0.5,1.5,-1]}', ["quantiles[1]", "quantiles[2]"]),
        ('{"values":[1],"quantiles":["NaN"]}', ["quantiles[0]"]),
        (json.dumps({"values": [1], "quantiles": [0.5] * 101}), ["quantiles"]),
        ('{"values":[1],"histogram":{}}', ["histogram.bins"]),
        ('{"values":[],"histogram":{"bins":1001}}', ["values", "histogram.bins"]),
        ("[1]", []),
        ("not JSON", []),
        ("", []),
    ],
)
def test_refuses_what_is_out_of_range_and_names_it(ask, line, fields):
    error = ask(line)
    assert error["code"] == 3 and error["message"]
    violations = [violation for detail in error["details"] for violation in detail["field_violations"]]
    assert [violation["field"] for violation in violations] == fields
