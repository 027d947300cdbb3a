"""Version 1 of the wire contract, `proto/wire/v1/README.md`, in nothing but Python's standard library: its bodies,
attributes, log records and batches, read and written; payloads in S3 are read by `wire_payload.py`. Decoded integers are
`int`, doubles are `float`.
"""

import gzip
import hashlib
import json
import re
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import urlsplit

METHOD = "compute.v1.ComputeService/Compute"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
INT64, UINT64, UINT32 = (-(2**63), 2**63 - 1), (0, 2**64 - 1), (0, 2**32 - 1)
INT128 = (-(2**127), 2**127 - 1)


class Refused(Exception):
    """The answer is an error: its code, and the fields that are wrong."""

    def __init__(self, code=3, fields=()):
        super().__init__(code, fields)
        self.error = {"code": code, "fields": list(fields)}


class Unanswerable(Exception):
    """The message cannot be matched with anybody who waits."""


# Reading


def parse(text):
    def once(pairs):
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a field stands twice")
        return dict(pairs)

    def refuse(constant):
        raise ValueError(f"{constant} is not JSON")

    try:
        body = json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise Refused from error
    return mapping(body, None)


def typed(value, kind, field):
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise Refused(fields=[field] if field else [])
    return value


def mapping(value, field):
    return typed(value, dict, field)


def integer(value, field, bounds=INT64):
    if isinstance(value, str):
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdigit()) or (len(digits) > 1 and digits[0] == "0") or len(digits) > 40:
            raise Refused(fields=[field])
        value = int(value)
    if not bounds[0] <= typed(value, int, field) <= bounds[1]:
        raise Refused(fields=[field])
    return value


def each(values, field, read, **options):
    return [read(value, f"{field}[{index}]", **options) for index, value in enumerate(typed(values, list, field))]


def double(value, field):
    return float(typed(value, (int, float), field))


def default(value, otherwise):
    return otherwise if value is None else value


def read_request(text):
    body = parse(text)
    histogram = body.get("histogram")
    request = {
        "values": each(default(body.get("values"), []), "values", integer),
        "quantiles": each(default(body.get("quantiles"), []), "quantiles", double),
        "bins": None,
        "finish_late": typed(default(body.get("finish_late"), False), bool, "finish_late"),
    }
    if histogram is not None:
        bins = default(mapping(histogram, "histogram").get("bins"), 0)
        request["bins"] = integer(bins, "histogram.bins", UINT32)
    return checked(request, most_values=10_000_000)


def checked(request, most_values):
    wrong = [] if 1 <= len(request["values"]) <= most_values else ["values"]
    if len(request["quantiles"]) > 100:
        wrong.append("quantiles")
    else:
        wrong += [f"quantiles[{i}]" for i, p in enumerate(request["quantiles"]) if not 0 <= p <= 1]
    if request["bins"] is not None and not 1 <= request["bins"] <= 1000:
        wrong.append("histogram.bins")
    if wrong:
        raise Refused(fields=wrong)
    return request


def read_statistics(body):
    try:
        statistics = {
            "count": integer(body["count"], "count", UINT64),
            "min": integer(body["min"], "min"),
            "max": integer(body["max"], "max"),
            "sum": str(integer(body["sum"], "sum", INT128)),
            "quantiles": [
                {name: double(quantile[name], f"quantiles[{i}].{name}") for name in ("probability", "value")}
                for i, quantile in enumerate(default(body.get("quantiles"), []))
            ],
            "histogram": None,
        }
        statistics |= {name: double(body[name], name) for name in ("median", "mean", "variance", "std_dev")}
        if (histogram := body.get("histogram")) is not None:
            edges = each(mapping(histogram, "histogram")["edges"], "histogram.edges", double)
            counts = each(histogram["counts"], "histogram.counts", integer, bounds=UINT64)
            if not counts or len(edges) != len(counts) + 1:
                raise Refused(fields=["histogram"])
            statistics["histogram"] = {"edges": edges, "counts": counts}
    except KeyError as missing:
        raise Refused from missing
    return statistics


def digest(body):
    return hashlib.sha256(body.encode()).hexdigest()


def attribute(message, name, data_type, otherwise=Refused):
    found = message["attributes"].get(name)
    if found is None:
        return None
    # SQS lets a type carry a label after a dot.
    if found["DataType"].split(".")[0] != data_type or "StringValue" not in found:
        raise otherwise()
    return found["StringValue"]


def correlation_id(message):
    try:
        return str(uuid.UUID(attribute(message, "CorrelationId", "String", Unanswerable)))
    except (TypeError, ValueError) as error:
        raise Unanswerable from error


def whole(message, name):
    value = attribute(message, name, "Number")
    if value is not None and not (value.isascii() and value.isdigit()):
        raise Refused
    return None if value is None else int(value)


def read_address(message, account, reply_queues):
    """Whom to answer, if that may be done: the id of the operation, and a queue of that account whose name starts like that."""
    decoded = {"id": correlation_id(message), "reply_to": attribute(message, "ReplyTo", "String", Unanswerable)}
    if decoded["reply_to"] is not None:
        try:
            path = urlsplit(decoded["reply_to"]).path.split("/")
        except ValueError as error:
            raise Unanswerable from error
        if len(path) != 3 or path[1] != account or not path[2].startswith(reply_queues):
            raise Unanswerable
    return decoded


def read_request_message(message, account, reply_queues):
    """A request as a worker takes it that may reply to queues of that account whose names start like that."""
    decoded = read_address(message, account, reply_queues) | {
        "method": attribute(message, "Method", "String"),
        "timeout_ms": whole(message, "TimeoutMs"),
        "deadline": whole(message, "Deadline"),
        "traceparent": attribute(message, "traceparent", "String"),
        "tenant": message.get("MessageGroupId"),
    }
    expected, given = digest(message["body"]), attribute(message, "Digest", "String")
    is_pointer = whole(message, "ExtendedPayloadSize") is not None  # Read by `wire_payload.py`.
    if decoded["method"] is None or not is_pointer and given not in (None, expected):
        raise Refused
    if decoded["method"] != METHOD or is_pointer:
        raise Refused(12)
    if attribute(message, "ContentType", "String") not in (None, "application/json"):
        raise Refused
    return decoded | {"digest": expected, "request": read_request(message["body"])}


def read_reply_message(message):
    decoded = {
        "id": correlation_id(message),
        "digest": attribute(message, "Digest", "String", Unanswerable),
        "status": whole(message, "Status"),
        "worker": attribute(message, "Worker", "String"),
        "timing": json.loads(attribute(message, "Timing", "String") or "{}"),
    }
    if decoded["digest"] is None or decoded["status"] is None:
        raise Unanswerable
    if decoded["status"] == 0:
        try:
            return decoded | {"statistics": read_statistics(parse(message["body"]))}
        except Refused as error:
            raise Refused(13) from error
    try:
        body = parse(message["body"])
    except Refused:
        body = {}
    details = [detail for detail in body.get("details", []) if detail.get("@type") == BAD_REQUEST]
    violations = [v for d in details for v in d.get("field_violations", d.get("fieldViolations", []))]
    violations = [{"field": v["field"], "description": v["description"]} for v in violations]
    return decoded | {"message": body.get("message", ""), "violations": violations}


def read_record(text):
    body = parse(text)
    record = {name: body[name] for name in ("id", "method", "times", "worker", "status", "digest")}
    record |= {name: body.get(name) for name in ("tenant", "count", "payload", "error", "summary")}
    record["values"] = each(body["values"], "values", integer) if "values" in body else None
    record["result"] = read_statistics(body["result"]) if "result" in body else None
    return record


# Writing


def write(body):
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False)


def safe(*integers):
    """The integers, or strings for all of them if one is beyond what a double holds exactly."""
    return [str(i) for i in integers] if any(abs(i) >= 2**53 for i in integers) else list(integers)


def number(value):
    return int(value) if value.is_integer() and abs(value) < 1e16 else value


def request_body(request):
    bins = [] if request["bins"] is None else [request["bins"]]
    *values, last = safe(*request["values"], *bins) if bins else (*safe(*request["values"]), None)
    body = {"values": values}
    if request["quantiles"]:
        body["quantiles"] = [number(p) for p in request["quantiles"]]
    if bins:
        body["histogram"] = {"bins": last}
    if request["finish_late"]:
        body["finish_late"] = True
    return body


def statistics_body(statistics):
    histogram = statistics["histogram"] or {"edges": [], "counts": []}
    count, low, high, *counts = safe(*(statistics[name] for name in ("count", "min", "max")), *histogram["counts"])
    body = {"count": count, "min": low, "max": high, "median": number(statistics["median"])}
    body |= {"mean": number(statistics["mean"]), "sum": statistics["sum"]}
    body |= {name: number(statistics[name]) for name in ("variance", "std_dev")}
    if statistics["quantiles"]:
        body["quantiles"] = [{name: number(p) for name, p in quantile.items()} for quantile in statistics["quantiles"]]
    if statistics["histogram"]:
        body["histogram"] = {"edges": [number(edge) for edge in histogram["edges"]], "counts": counts}
    return body


def reply_body(reply):
    if reply["status"] == 0:
        return statistics_body(reply["statistics"])
    return {"code": reply["status"], "message": reply["message"]}


def tenant_folder(tenant):
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", tenant or "none") or tenant == "-":
        raise Refused
    return f"tenant={tenant or '-'}"


def place(ms):
    """Where something of that Unix millisecond stands: the folder of its day, and a countdown, so that later ones come first."""
    day = datetime.fromtimestamp(ms // 1000, UTC).date()
    return f"dt={day}/{9999999999999 - ms:013}"


def record_key(tenant, operation_id, is_dead_mark=False):
    """The name of the object that the record of an operation lies in, or its dead mark. What has no name is not worked."""
    created = uuid.UUID(operation_id)
    if created.version != 7:
        raise Refused
    ending = "dead.json" if is_dead_mark else "json"
    return f"operations/{tenant_folder(tenant)}/{place(created.int >> 80)}-{operation_id}.{ending}"


def batch_key(tenant, committed, operation_ids):
    """The name of a batch that is committed at that Unix millisecond, with the records of these operations."""
    ids = [uuid.UUID(operation_id) for operation_id in operation_ids]
    assert committed >= max(ids).int >> 80, "not before any of its ids"
    return f"batches/{tenant_folder(tenant)}/{place(committed)}-{min(ids).hex}-{max(ids).hex}.ndjson.gz"


def claim_key(tenant, operation_id):
    return f"claims/{tenant_folder(tenant)}/{operation_id}"


def read_batch(content):
    """The records in a batch, in the order of their ids."""
    return [read_record(line) for line in gzip.decompress(content).decode().splitlines()]


def batch(records):
    lines = (write(record_body(record)) + "\n" for record in sorted(records, key=lambda record: record["id"]))
    return gzip.compress("".join(lines).encode())


def record_body(record):
    order = "id tenant method times worker status digest count values payload result error summary".split()
    body = {name: record[name] for name in order if record.get(name) is not None}
    if "values" in body:
        body["values"] = safe(*body["values"])
    if "result" in body:
        body["result"] = statistics_body(body["result"])
    return body


def summary(values, statistics):
    """The result for human eyes."""

    def plain(value):
        return format(Decimal(repr(value)), "f").removesuffix(".0")

    first, count = ", ".join(map(str, values[:1000])), len(values)
    listed = f"Liste: [{first}]" if count <= 1000 else f"Liste: [{first}, …] ({count} values)"
    ends = [f"Min:{statistics['min']}", f"Max:{statistics['max']}"]
    return "\n".join([listed, *ends, f"Median:{plain(statistics['median'])}", f"Mean:{plain(statistics['mean'])}"])
