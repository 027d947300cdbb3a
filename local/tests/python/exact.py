"""The statistics of `proto/compute/v1/compute.proto`, exactly: what workers are held to, and what `worker.py` computes with."""

import math
from fractions import Fraction


def nearest(numerator, denominator=1):
    """The nearest double, ties to even: Python's division of integers rounds once, subnormal results included."""
    fraction = Fraction(numerator, denominator)
    return fraction.numerator / fraction.denominator


def exact(values, quantiles=(), bins=None):
    """What the .proto defines, by the book."""
    count, ordered, total = len(values), sorted(values), sum(values)
    low, high = ordered[0], ordered[-1]

    def quantile(probability):
        position = Fraction(probability) * (count - 1)
        below = math.floor(position)
        a, b = ordered[below], ordered[min(below + 1, count - 1)]
        return nearest(a + (position - below) * (b - a))

    variance = nearest(count * sum(value * value for value in values) - total * total, count * count)
    result = {
        "count": count,
        "min": low,
        "max": high,
        "median": quantile(0.5),
        "mean": nearest(total, count),
        "sum": str(total),
        "variance": variance,
        "std_dev": math.sqrt(variance),
    }
    if quantiles:
        result["quantiles"] = [{"probability": p, "value": quantile(p)} for p in quantiles]
    if bins is not None:
        start, width = (Fraction(low), high - low) if low < high else (low - Fraction(1, 2), 1)
        counts = [0] * bins
        for value in values:
            counts[min(math.floor((value - start) * bins / width), bins - 1)] += 1
        edges = [nearest(start + Fraction(index * width, bins)) for index in range(bins + 1)]
        result["histogram"] = {"edges": edges, "counts": counts}
    return result
