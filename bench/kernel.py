"""The statistics kernel against NumPy and against a single exact pass, on the same values in one run.

    cargo build --release -p compute-worker --example kernel
    python bench/kernel.py [--rounds 15] [--count 10000000] [--json FILE]

Takes turns with `worker/examples/kernel.rs`, which reads the same values from a file: what disturbs a round disturbs all of it, so
ratios are formed round by round, and their median and spread are told. Checks every answer. Exits with 1 if a promise of
bench/README.md was not kept.

What runs on one thread is measured in time of the processor, which on an idle machine is the time that passes; on one that others
use too it leaves out what they took. What runs on several is measured in time that passes.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import numpy

REPOSITORY = Path(__file__).resolve().parent.parent
INT64 = numpy.iinfo(numpy.int64)

# What NumPy is timed with. Its sums of integers wrap around, and its mean and variance are rounded many times.
NUMPY = {"min": numpy.min, "max": numpy.max, "mean": numpy.mean, "var": numpy.var, "median": numpy.median}

FASTER_THAN_NUMPY, SLOWER_THAN_SUM, SLOWER_THAN_RANDOM = 5.0, 3.0, 3.0


class Program:
    """The Rust side: one command in, one answer out."""

    def __init__(self, path):
        self.process = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def tell(self, command, **fields):
        self.process.stdin.write(json.dumps({command: fields}) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"{command} {fields}: the program ended")
        return json.loads(answer)

    def load(self, name, values):
        with tempfile.NamedTemporaryFile(suffix=".i64") as file:
            values.astype("<i8").tofile(file.name)
            self.tell("load", name=name, path=file.name)

    def end(self):
        self.process.stdin.close()
        self.process.wait(timeout=10)


def main():
    options = arguments()
    generator = numpy.random.default_rng(options.seed)
    values = generator.integers(INT64.min, INT64.max, options.count, dtype=numpy.int64, endpoint=True)
    program = Program(options.program)
    program.load("random", values)
    machine = program.tell("kernels")
    report = {
        "date": date.today().isoformat(),
        "processor": processor(),
        "processors": machine["threads"],
        "numpy": numpy.__version__,
        "count": options.count,
        "rounds": options.rounds,
        "seed": options.seed,
        "random": against_numpy(program, values, machine, options.rounds),
        "more": more(program, values, machine["kernels"][-1], max(options.rounds // 3, 1)),
        "inputs": inputs(program, values, generator, machine["kernels"], options.rounds),
    }
    program.end()
    report["promises"] = promises(report, machine["kernels"][-1])
    print_report(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    sys.exit(not all(promise["kept"] for promise in report["promises"]))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--count", type=int, default=10_000_000, help="of values")
    parser.add_argument("--seed", type=int, default=1, help="of the values")
    parser.add_argument("--program", type=Path, default=target / "release" / "examples" / "kernel")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write a report for programs")
    options = parser.parse_args()
    if not options.program.exists():
        parser.error(f"{options.program} is missing: cargo build --release -p compute-worker --example kernel")
    return options


@dataclass
class Times:
    """Milliseconds of each round: that passed, and that the processor worked."""

    passed: list = field(default_factory=list)
    busy: list = field(default_factory=list)

    def note(self, passed, busy):
        self.passed.append(1000 * passed)
        self.busy.append(1000 * busy)

    def call(self, function):
        passed, busy = time.perf_counter(), time.thread_time()
        result = function()
        self.note(time.perf_counter() - passed, time.thread_time() - busy)
        return result

    def tell(self, program, command, **fields):
        answer = program.tell(command, **fields)
        self.note(answer.pop("seconds"), answer.pop("busy_seconds"))
        return answer


def against_numpy(program, values, machine, rounds):
    """Times of NumPy, of the exact sum, and of each kernel on one thread and on all."""
    of_numpy = {name: Times() for name in NUMPY}
    of_sum = Times()
    threads = sorted({1, machine["threads"]})
    of_kernels = {(kernel, count): Times() for kernel in machine["kernels"] for count in threads}
    answers = []
    for _ in range(rounds):
        expected = {name: of_numpy[name].call(lambda: function(values)) for name, function in NUMPY.items()}
        exact_sum = of_sum.tell(program, "sum", list="random")["sum"]
        for (kernel, count), times in of_kernels.items():
            answers.append(times.tell(program, "statistics", list="random", kernel=kernel, threads=count))
    check(answers, expected, exact_sum, exact_median(values))

    total = Times(*([sum(of_round) for of_round in zip(*rows)] for rows in zip(*map(both, of_numpy.values()))))
    result = {f"NumPy {name}": vars(times) for name, times in of_numpy.items()}
    result |= {"NumPy, all five": vars(total), "exact sum": vars(of_sum)}
    for (kernel, count), times in of_kernels.items():
        name = kernel if count == 1 else f"{kernel}, {count} threads"
        result[name] = vars(times)
        if count == 1:
            result[name] |= {
                "faster_than_numpy": ratios(total.busy, times.busy),
                "of_exact_sum": ratios(times.busy, of_sum.busy),
            }
        else:
            result[name]["speed_up"] = ratios(of_kernels[kernel, 1].passed, times.passed)
    return result


def both(times):
    return times.passed, times.busy


def ratios(dividends, divisors):
    return [dividend / divisor for dividend, divisor in zip(dividends, divisors, strict=True)]


def check(answers, expected, exact_sum, median):
    """All kernels must have given the same, and that must be exact where it is whole and near what NumPy says elsewhere."""
    first = answers[0]
    assert all(answer == first for answer in answers), "the kernels differ"
    given = (first["min"], first["max"], first["sum"], first["median"])
    assert given == (expected["min"], expected["max"], exact_sum, median), given
    assert abs(first["mean"] - expected["mean"]) <= 1e-9 * expected["var"] ** 0.5
    assert abs(first["variance"] / expected["var"] - 1) < 1e-9


def exact_median(values):
    """Rounded once, as Python's division of integers is."""
    ranks = [(len(values) - 1) // 2, len(values) // 2]
    return sum(map(int, numpy.partition(values, ranks)[ranks])) / 2


def more(program, values, kernel, rounds):
    """Milliseconds that the kernel takes more, on one thread, for what is asked for beyond the five; and NumPy's for just that."""
    percentiles = [number / 100 for number in range(1, 100)]
    cases = {
        "3 quantiles more": ({"quantiles": [0.9, 0.99, 0.999]}, lambda: numpy.quantile(values, [0.9, 0.99, 0.999])),
        "99 percentiles more": ({"quantiles": percentiles}, lambda: numpy.quantile(values, percentiles)),
        # In doubles: NumPy's own arithmetic of integers overflows on the widest range.
        "a histogram of 1,000 bins": ({"bins": 1000}, lambda: numpy.histogram(values.astype(float), 1000)),
    }
    result = {}
    for name, (asked, function) in cases.items():
        plain, with_more, of_numpy = Times(), Times(), Times()
        for _ in range(rounds):
            plain.tell(program, "statistics", list="random", kernel=kernel, threads=1)
            with_more.tell(program, "statistics", list="random", kernel=kernel, threads=1, **asked)
            of_numpy.call(function)
        extra = [with_it - without for with_it, without in zip(with_more.busy, plain.busy, strict=True)]
        result[name] = {"kernel": extra, "NumPy": of_numpy.busy}
    return result


def lists(values, generator):
    """The inputs that are hard for some way to select."""
    count = len(values)
    ordered = numpy.sort(values)
    yield "sorted", ordered
    yield "reversed", ordered[::-1]
    yield "organ pipe", numpy.concatenate([ordered[::2], ordered[1::2][::-1]])
    yield "all equal", numpy.full(count, 42, dtype=numpy.int64)
    clusters = numpy.where(generator.random(count) < 0.5, -(2**62), 2**62)
    yield "two clusters far apart", clusters + generator.integers(0, 1000, count)
    outlier = generator.integers(0, 1000, count)
    outlier[count // 3] = INT64.min
    yield "one outlier at the smallest integer", outlier
    yield "six distinct values", generator.integers(1, 7, count)
    yield "extremes in turn", numpy.resize(numpy.array([INT64.min, INT64.max], dtype=numpy.int64), count)
    # Half of it in one value, half of it around.
    yield "a spike in the middle", numpy.where(generator.random(count) < 0.5, 0, values)


def inputs(program, values, generator, kernels, rounds):
    """For each input and kernel, the ratio of its time to that of random values, round by round, on one thread."""
    result = {}
    for name, case in lists(values, generator):
        program.load("case", case)
        result[name], median = {}, exact_median(case)
        for kernel in kernels:
            random, hard = Times(), Times()
            for _ in range(rounds):
                random.tell(program, "statistics", list="random", kernel=kernel, threads=1)
                answer = hard.tell(program, "statistics", list="case", kernel=kernel, threads=1)
                assert answer["median"] == median, f"{name}: {answer['median']} and {median}"
            result[name][kernel] = ratios(hard.busy, random.busy)
    program.tell("unload", name="case")
    return result


def promises(report, best):
    times = report["random"][best]
    faster = statistics.median(times["faster_than_numpy"])
    slower = statistics.median(times["of_exact_sum"])
    worst = max(statistics.median(row[best]) for row in report["inputs"].values())
    return [
        {
            "promise": f"on one thread at least {FASTER_THAN_NUMPY:g} times as fast as NumPy",
            "seen": faster,
            "kept": faster >= FASTER_THAN_NUMPY,
        },
        {
            "promise": f"on one thread at most {SLOWER_THAN_SUM:g} times as long as one exact summing pass",
            "seen": slower,
            "kept": slower <= SLOWER_THAN_SUM,
        },
        {
            "promise": f"no input takes more than {SLOWER_THAN_RANDOM:g} times as long as random values",
            "seen": worst,
            "kept": worst <= SLOWER_THAN_RANDOM,
        },
    ]


def print_report(report):
    print(f"{report['count']:,} values, {report['rounds']} rounds, {report['date']}, NumPy {report['numpy']}")
    print(f"{report['processor']}, {report['processors']} processors\n")

    header = ["", "ms passed", "ms busy", "times as fast as NumPy", "of an exact sum", "speed-up"]
    rows = []
    for name, times in report["random"].items():
        row = [name, f"{statistics.median(times['passed']):.2f}", f"{statistics.median(times['busy']):.2f}"]
        rows.append(row + [spread(times.get(ratio)) for ratio in ("faster_than_numpy", "of_exact_sum", "speed_up")])
    print_table("random values, medians; ratios: median (least-most)", header, rows)

    rows = [
        [name, f"{statistics.median(row['kernel']):.1f}", f"{statistics.median(row['NumPy']):.1f}"]
        for name, row in report["more"].items()
    ]
    print_table("what more takes, one thread", ["", "ms more", "NumPy, ms"], rows)

    kernels = list(next(iter(report["inputs"].values())))
    rows = [[name, *(spread(row[kernel]) for kernel in kernels)] for name, row in report["inputs"].items()]
    print_table("other inputs, times as long as random values, one thread", ["", *kernels], rows)

    for promise in report["promises"]:
        print(f"{'kept' if promise['kept'] else 'BROKEN'}: {promise['promise']}: {promise['seen']:.2f}")


def spread(values):
    if values is None:
        return ""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def print_table(title, header, rows):
    rows = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*rows)]
    print(title)
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:]))]
        print("  ".join(cells).rstrip())
    print()


def processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
