"""Logs of operations that were never worked: records put into the bucket in either mode, as a worker does it."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from uuids import uuid7
from wire import METHOD, batch, batch_key, digest, record_body, record_key, request_body, summary, write

VALUES = [4, 5, 2, 35, 2452]
STATISTICS = {
    "count": 5, "min": 2, "max": 2452, "median": 5.0, "mean": 499.6, "sum": "2498",
    "variance": 953114.64, "std_dev": 976.2759036256093, "quantiles": [], "histogram": None,
}  # fmt: skip


def logged_system(queues, aws, mode):
    """A deployment whose log is written in that mode."""
    system = queues(aws, "log")
    system.mode = mode
    return system


def id_of(moment):
    """The id of an operation made at that moment: a time in UTC, or so many seconds ago."""
    made = datetime.fromisoformat(f"{moment}+00:00").timestamp() if isinstance(moment, str) else now() - moment
    ms = int(made * 1000)
    return str(uuid.UUID(int=ms << 80 | uuid7().int & ((1 << 80) - 1)))


def now():
    return datetime.now(UTC).timestamp()


def record(operation_id, tenant=None, **changes):
    made = uuid.UUID(operation_id).int >> 80
    times = {"sent": made + 3, "first_received": made + 8, "started": made + 9, "finished": made + 11}
    request = {"values": VALUES, "quantiles": [], "bins": None, "finish_late": False}
    fields = {
        "id": operation_id, "tenant": tenant, "method": METHOD, "times": times, "worker": "worker-1",
        "status": 0, "digest": digest(write(request_body(request))), "count": 5, "values": VALUES, "result": STATISTICS,
        "error": None, "summary": summary(VALUES, STATISTICS),
    }  # fmt: skip
    return fields | changes


def failed(operation_id, code, message, **changes):
    error = {"code": code, "message": message}
    return record(operation_id, status=code, error=error, result=None, summary=None, **changes)


def log(system, *records, ago=0):
    """Puts records of one tenant into the log as a worker does, or has done so many seconds ago; returns their ids."""
    if system.mode == "batch":
        tenant, ids = records[0]["tenant"], [fields["id"] for fields in records]
        made = max(uuid.UUID(operation_id).int >> 80 for operation_id in ids)
        # At once, but where a test is about other days than this one.
        committed = int((now() - ago) * 1000) if now() - made / 1000 < 3600 else made + 1000
        put(system, batch_key(tenant, max(committed, made), ids), batch(records))
        return ids
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda fields: log_object(system, fields), records))


def log_object(system, fields, is_dead_mark=False):
    put(system, record_key(fields["tenant"], fields["id"], is_dead_mark), write(record_body(fields)).encode())
    return fields["id"]


def put(system, key, content):
    system.aws.s3.put_object(Bucket=system.bucket, Key=key, Body=content)
