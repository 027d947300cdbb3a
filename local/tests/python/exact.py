"""What `worker.py` computes: the statistics of proto/compute/v1/compute.proto, exactly, in JSON as on the queues."""

import hashlib
import json
import math
from decimal import Decimal
from fractions import Fraction


class Refused(Exception):
    """A request that is answered with an error: a gRPC code, a message, details of google.rpc in ProtoJSON."""

    def __init__(self, code, message, *violations):
        self.code, self.message, self.details = code, message, []
        if violations:
            named = [{"field": field, "description": description} for field, description in violations]
            self.details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "field_violations": named}]


def digest(body):
    return hashlib.sha256(body.encode()).hexdigest()


def read_request(body):
    """The request in a message's body, checked."""
    try:
        request = json.loads(body)
        values = [integer(value) for value in request.get("values", [])]
        quantiles = [number(value) for value in request.get("quantiles", [])]
        bins = integer(request["histogram"].get("bins", 0)) if request.get("histogram") is not None else None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(3, f"the body is not a request: {error}") from None
    violations = []
    if not 1 <= len(values) <= 10_000_000:
        violations.append(("values", f"there are {len(values)}, 1 to 10000000 are allowed"))
    if len(quantiles) > 100:
        violations.append(("quantiles", f"there are {len(quantiles)}, at most 100 are allowed"))
    for index, probability in enumerate(quantiles):
        if not 0 <= probability <= 1:
            violations.append((f"quantiles[{index}]", f"{probability} is not a number from 0 to 1"))
    if bins is not None and not 1 <= bins <= 1000:
        violations.append(("histogram.bins", f"{bins} were asked for, 1 to 1000 are allowed"))
    if violations:
        raise Refused(3, "the request is invalid", *violations)
    return {"values": values, "quantiles": quantiles, "bins": bins}


def integer(value):
    """A 64-bit integer: a JSON number, or a decimal string."""
    if isinstance(value, bool) or not isinstance(value, int | str) or not -(2**63) <= int(value) < 2**63:
        raise ValueError(f"{value!r} is not a 64-bit integer")
    return int(value)


def number(value):
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def compute(request):
    """The reply's body. A float made from a Fraction is the nearest one."""
    values, n = sorted(request["values"]), len(request["values"])
    low, high, total = values[0], values[-1], sum(values)
    variance = float(Fraction(n * sum(value * value for value in values) - total * total, n * n))
    result = {"count": n, "min": low, "max": high, "median": quantile(values, 0.5), "mean": float(Fraction(total, n))}
    result |= {"sum": str(total), "variance": variance, "std_dev": math.sqrt(variance)}
    if request["quantiles"]:
        result["quantiles"] = [{"probability": p, "value": quantile(values, p)} for p in request["quantiles"]]
    if bins := request["bins"]:
        start, end = (low - Fraction(1, 2), high + Fraction(1, 2)) if low == high else (low, high)
        counts = [0] * bins
        for value in values:
            counts[min(math.floor((value - start) * bins / Fraction(end - start)), bins - 1)] += 1
        edges = [float(start + Fraction(end - start) * i / bins) for i in range(bins + 1)]
        result["histogram"] = {"edges": edges, "counts": counts}
    if max(abs(low), abs(high)) > 2**53 - 1:  # Then all integers of the body are written as strings.
        result |= {"count": str(n), "min": str(low), "max": str(high)}
        if bins:
            result["histogram"]["counts"] = [str(count) for count in counts]
    return result


def quantile(values, probability):
    position = Fraction(probability) * (len(values) - 1)
    below = math.floor(position)
    above = min(below + 1, len(values) - 1)
    return float(values[below] + (position - below) * (values[above] - values[below]))


def summary(values, result):
    """The text of the log record for human eyes."""
    first = ", ".join(map(str, values[:1000]))
    listed = f"[{first}]" if len(values) <= 1000 else f"[{first}, …] ({len(values)} values)"
    median, mean = (plain(result[name]) for name in ("median", "mean"))
    return f"Liste: {listed}\nMin:{result['min']}\nMax:{result['max']}\nMedian:{median}\nMean:{mean}"


def plain(number):
    """The shortest digits that read back, never with an exponent, a whole number without `.0`."""
    return format(Decimal(repr(number)), "f").removesuffix(".0")
