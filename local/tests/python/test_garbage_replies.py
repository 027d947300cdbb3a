"""Bad input on the reply queues: what is no reply is dropped, what is a bad one becomes a typed error; calls flow on."""

import json
import uuid

import grpc
import pytest

from callers import Load, details
from deployment import Deployment
from processes import Processes
from test_garbage_requests import NOISE
from uuids import uuid7

CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"
REPLY = {"CorrelationId": "01890a5d-ac96-774b-bcce-b302099a8057", "Digest": "00", "Status": ("Number", "0")}

NO_REPLY = {
    "no attributes": ("{}", {}),
    "noise": (NOISE, {}),
    "an unknown id": ("{}", REPLY),
    "an id that is no UUID": ("{}", {**REPLY, "CorrelationId": "17"}),
    "an id that is a number": ("{}", {**REPLY, "CorrelationId": ("Number", "17")}),
    "no status": ("{}", {**REPLY, "Status": None}),
    "a status of text": ("{}", {**REPLY, "Status": "OK"}),
    "a huge status": ("{}", {**REPLY, "Status": ("Number", "99999999999999999999")}),
    "no digest": ("{}", {**REPLY, "Digest": None}),
    "huge attributes": ("{}", {**REPLY, "Worker": "x" * 500_000, "Timing": "[" * 500_000}),
}


@pytest.fixture(scope="module")
def processes_of_all():
    processes = Processes()
    yield processes
    processes.end()


def own_reply_queue(gateway):
    return gateway.event("ready")["reply_queue"]


def test_what_is_no_reply_to_a_waiting_call_is_dropped_while_calls_go_on(local_aws, queues, api):
    system = queues(local_aws, "no-reply")
    gateway, worker = system.gateway(), system.worker("busy")
    with Load(api, gateway.address, threads=2) as load:
        for body, attributes in NO_REPLY.values():
            load.goes_on(2)
            system.send(own_reply_queue(gateway), body, attributes)
        load.goes_on(2)
    assert not load.errors and not load.wrong
    system.wait_until_empty(own_reply_queue(gateway))
    gateway.stop()
    worker.stop()


@pytest.fixture(scope="module")
def by_hand(local_aws, processes_of_all):
    """A deployment whose worker is the test."""
    system = Deployment(local_aws, processes_of_all, "by-hand")
    return system, system.gateway()


def reply_by_hand(system, replies):
    """Waits for the request of a call and sends these replies to it; returns its attributes."""
    request = system.receive(system.requests, "the request")["plain"]
    good = {"CorrelationId": request["CorrelationId"], "Digest": request["Digest"], "Status": ("Number", "0")}
    for body, attributes in replies:
        system.send(request["ReplyTo"], body, {**good, **attributes})
    return request


RESULT = json.dumps({"count": 1, "min": 7, "max": 7, "median": 7, "mean": 7, "sum": "7", "variance": 0, "std_dev": 0})


def test_a_forged_reply_does_not_end_a_call(by_hand, connect):
    system, gateway = by_hand
    call = connect(gateway.address).start([7])
    forged = RESULT.replace("7", "666")
    replies = [
        (forged, {"Digest": "0" * 64}),
        (forged, {"Digest": None}),
        (forged, {"Status": None}),
        (forged, {"CorrelationId": str(uuid7())}),
    ]
    reply_by_hand(system, [*replies, (RESULT, {})])
    assert call.result(30).statistics.sum == "7"
    system.wait_until_empty(own_reply_queue(gateway))


BAD_REQUEST = {
    "@type": "type.googleapis.com/google.rpc.BadRequest",
    "field_violations": [{"field": "values", "description": "too odd"}],
}
SECRET = "/srv/worker/secret.py line 7"

BAD_REPLIES = {
    "not JSON": ("0", "sum: 7", "INTERNAL", "MALFORMED_REPLY"),
    "noise": ("0", NOISE, "INTERNAL", "MALFORMED_REPLY"),
    "no statistics": ("0", "[]", "INTERNAL", "MALFORMED_REPLY"),
    "statistics of the wrong types": ("0", RESULT.replace('"7"', "{}"), "INTERNAL", "MALFORMED_REPLY"),
    "an error without a body": ("13", "oops", "INTERNAL", "WORKER_FAILED"),
    "an error with the worker's insides": ("13", json.dumps({"code": 13, "message": SECRET}), "INTERNAL", "WORKER_FAILED"),
    "a code that is none": ("99", json.dumps({"code": 99, "message": SECRET}), "INTERNAL", "WORKER_FAILED"),
    "a code that only the gateway can know": ("16", json.dumps({"code": 16, "message": ""}), "INTERNAL", "WORKER_FAILED"),
    "a refusal": (
        "3",
        json.dumps({"code": 3, "message": SECRET, "details": [BAD_REQUEST]}),
        "INVALID_ARGUMENT",
        "INVALID_REQUEST",
    ),
    "a refusal with odd details": (
        "3",
        json.dumps({"code": 3, "message": "", "details": [1, {}, {**BAD_REQUEST, "field_violations": [7]}]}),
        "INVALID_ARGUMENT",
        "INVALID_REQUEST",
    ),
    "an unknown method": ("12", "{}", "UNIMPLEMENTED", "METHOD_UNKNOWN_TO_WORKER"),
}


@pytest.mark.parametrize("name", BAD_REPLIES)
def test_a_bad_answer_of_a_worker_becomes_a_typed_error_without_its_insides(by_hand, connect, name):
    system, gateway = by_hand
    status, body, code, reason = BAD_REPLIES[name]
    call = connect(gateway.address).start([7])
    request = reply_by_hand(system, [(body, {"Status": ("Number", status)})])
    error = call.exception(30)
    assert error.code() is grpc.StatusCode[code]
    found = details(error)
    info = found["google.rpc.ErrorInfo"]
    assert (info.reason, info.metadata["operation_id"]) == (reason, request["CorrelationId"])
    assert SECRET not in str(error)
    violations = [v.field for v in found["google.rpc.BadRequest"].field_violations] if name == "a refusal" else []
    assert violations == (["values"] if name == "a refusal" else [])


# What a reply may point to in place of the object `payloads/<uuid>` that holds the result: a key, a bucket, a size, bytes.
BAD_POINTERS = {
    "to another bucket": {"bucket": "elsewhere"},
    "to a log record": {"key": "operations/tenant=-/x.json"},
    "to nothing": {"payload": None},
    "to less than it says": {"size": len(RESULT) + 1},
    "to more than it says": {"size": len(RESULT) - 1},
    "to more than is read": {"size": (64 << 20) + 1},
    "to noise": {"payload": bytes(range(256))},
    "to no statistics": {"payload": b"[]"},
}


@pytest.mark.parametrize("name", BAD_POINTERS)
def test_a_bad_pointer_in_a_reply_becomes_a_typed_error(by_hand, connect, name):
    system, gateway = by_hand
    call = connect(gateway.address).start([7])
    pointer = {"key": f"payloads/{uuid.uuid4()}", "bucket": system.bucket, "payload": RESULT.encode(), **BAD_POINTERS[name]}
    if pointer["payload"] is not None and pointer["bucket"] == system.bucket:
        system.aws.s3.put_object(Bucket=system.bucket, Key=pointer["key"], Body=pointer["payload"])
    body = json.dumps([CLASS, {"s3BucketName": pointer["bucket"], "s3Key": pointer["key"]}])
    size = pointer.get("size", len(pointer["payload"] or RESULT))
    request = reply_by_hand(system, [(body, {"ExtendedPayloadSize": ("Number", str(size))})])
    error = call.exception(30)
    info = details(error)["google.rpc.ErrorInfo"]
    assert (error.code(), info.reason) == (grpc.StatusCode.INTERNAL, "MALFORMED_REPLY")
    assert info.metadata["operation_id"] == request["CorrelationId"]


def test_a_good_pointer_in_a_reply_is_followed(by_hand, connect):
    system, gateway = by_hand
    call = connect(gateway.address).start([7])
    key = f"payloads/{uuid.uuid4()}"
    system.aws.s3.put_object(Bucket=system.bucket, Key=key, Body=RESULT.encode())
    body = json.dumps([CLASS, {"s3BucketName": system.bucket, "s3Key": key}])
    reply_by_hand(system, [(body, {"ExtendedPayloadSize": ("Number", str(len(RESULT)))})])
    assert call.result(30).statistics.sum == "7"
