"""Bad input straight onto both queues, while calls flow: each is answered with its error or left to the dead-letter queue."""

import json

import grpc
import pytest

from callers import Load, details
from deployment import METHOD
from processes import wait_until
from uuids import uuid7

GOOD = '{"values":[4,5,2,35,2452]}'
INVALID_ARGUMENT, UNIMPLEMENTED = 3, 12

# Text as SQS allows it, and about as far from JSON as that gets.
NOISE = "".join(chr(c) for c in [9, 10, 13, *range(0x20, 0x100), 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x1F4A3])

# Body, attributes other than those of a good request, and the code that it is answered with.
ANSWERED = {
    "not JSON": ("values: 4, 5", {}, INVALID_ARGUMENT),
    "noise": (NOISE, {}, INVALID_ARGUMENT),
    "a list": ("[4,5]", {}, INVALID_ARGUMENT),
    "null": ("null", {}, INVALID_ARGUMENT),
    "half an object": ('{"values":[4,5', {}, INVALID_ARGUMENT),
    "more than an object": (GOOD + GOOD, {}, INVALID_ARGUMENT),
    "deep nesting": ("[" * 100_000, {}, INVALID_ARGUMENT),
    "deep nesting in an unknown field": (
        '{"values":[1],"x":' + "[" * 100_000 + "]" * 100_000 + "}",
        {},
        INVALID_ARGUMENT,
    ),
    "no values": ("{}", {}, INVALID_ARGUMENT),
    "an empty list": ('{"values":[]}', {}, INVALID_ARGUMENT),
    "values that are no list": ('{"values":"4,5"}', {}, INVALID_ARGUMENT),
    "a fraction": ('{"values":[4.5]}', {}, INVALID_ARGUMENT),
    "an integer beyond 64 bits": ('{"values":[9223372036854775808]}', {}, INVALID_ARGUMENT),
    "a number with 100,000 digits": ('{"values":[' + "9" * 100_000 + "]}", {}, INVALID_ARGUMENT),
    "a string that is no integer": ('{"values":["4","five"]}', {}, INVALID_ARGUMENT),
    "a quantile that is no probability": ('{"values":[1],"quantiles":[2]}', {}, INVALID_ARGUMENT),
    "a quantile of text": ('{"values":[1],"quantiles":["NaN"]}', {}, INVALID_ARGUMENT),
    "too many bins": ('{"values":[1],"histogram":{"bins":4000000000}}', {}, INVALID_ARGUMENT),
    "no method": (GOOD, {"Method": None}, INVALID_ARGUMENT),
    "a method that is a number": (GOOD, {"Method": ("Number", "1")}, INVALID_ARGUMENT),
    "a method that is binary": (GOOD, {"Method": ("Binary", METHOD.encode())}, INVALID_ARGUMENT),
    "an unknown method": (GOOD, {"Method": "compute.v1.ComputeService/Guess"}, UNIMPLEMENTED),
    "a huge method": (GOOD, {"Method": "x" * 500_000}, UNIMPLEMENTED),
    "another digest": (GOOD, {"Digest": "00"}, INVALID_ARGUMENT),
    "a timeout of text": (GOOD, {"TimeoutMs": "soon"}, INVALID_ARGUMENT),
    "a negative timeout": (GOOD, {"TimeoutMs": ("Number", "-1")}, INVALID_ARGUMENT),
    "a deadline with a fraction": (GOOD, {"Deadline": ("Number", "1.5")}, INVALID_ARGUMENT),
    "a content type that nobody knows": (GOOD, {"ContentType": "image/png"}, INVALID_ARGUMENT),
    "an id of another version": (GOOD, {"CorrelationId": "3b241101-e2bb-4255-8caf-4136c566a962"}, INVALID_ARGUMENT),
    # Not garbage, though it may look like it: what a reader does not know it ignores.
    "huge unknown attributes": (GOOD, {"Future": "x" * 500_000, "Past": ("Number.int", "1")}, 0),
    "unknown fields": ('{"values":["4",5,2,35,2452],"future":{"x":[1,{}]}}', {}, 0),
}

LEFT = {
    "no attributes": dict.fromkeys(("CorrelationId", "ReplyTo", "Method", "Digest")),
    "no id": {"CorrelationId": None},
    "an id that is no UUID": {"CorrelationId": "17"},
    "an id that is a number": {"CorrelationId": ("Number", "17")},
    "an id that is binary": {"CorrelationId": ("Binary", b"\x00\xff")},
    "a huge id": {"CorrelationId": "0" * 500_000},
    "a reply address that is no URL": {"ReplyTo": "replies"},
    "a reply address that is a number": {"ReplyTo": ("Number", "1")},
    "a reply address outside the prefix": {"ReplyTo": "http://127.0.0.1/000000000000/other-replies-1"},
    "a reply address that is the request queue": {"ReplyTo": "http://127.0.0.1/000000000000/{prefix}-requests"},
    "a reply address of another account": {"ReplyTo": "http://127.0.0.1/999999999999/{prefix}-replies-test"},
    "a reply address that leaves its path": {"ReplyTo": "http://127.0.0.1/000000000000/{prefix}-replies-/../x"},
    "a huge reply address": {"ReplyTo": "http://127.0.0.1/000000000000/{prefix}-replies-" + "x" * 500_000},
}


@pytest.fixture(scope="module")
def garbage_processes():
    from processes import Processes

    processes = Processes()
    yield processes
    processes.end()


@pytest.fixture(scope="module")
def system(local_aws, garbage_processes):
    """One deployment for all: nothing that is thrown at it may spoil it for the next."""
    from deployment import Deployment

    return Deployment(local_aws, garbage_processes, "garbage", max_receive_count=2)


@pytest.fixture(scope="module")
def gateway(system):
    return system.gateway()


@pytest.fixture(scope="module")
def worker(system):
    return system.worker("tough")


@pytest.fixture
def load(system, gateway, worker, api):
    """Calls flow before, during and after."""
    with Load(api, gateway.address, threads=2) as load:
        load.goes_on(2)
        yield load
        load.goes_on(2)
    assert not load.errors and not load.wrong
    assert gateway.is_running and worker.is_running


@pytest.mark.parametrize("name", ANSWERED)
def test_a_request_with_an_id_and_an_address_is_answered_logged_and_deleted(system, load, name):
    body, attributes, code = ANSWERED[name]
    reply_queue = system.reply_queue("test")
    attributes = {"CorrelationId": str(uuid7()), **attributes}
    operation = attributes.pop("CorrelationId")
    method = attributes.pop("Method", METHOD)
    system.send_request(body, reply_queue, correlation_id=operation, method=method, **attributes)

    reply = system.receive(reply_queue, "a reply")

    assert reply["plain"]["CorrelationId"] == operation
    assert reply["MessageAttributes"]["Status"] == {"StringValue": str(code), "DataType": "Number"}
    answer = json.loads(reply["Body"])
    if code == 0:
        assert (answer["count"], answer["mean"]) == (5, 499.6)
    else:
        assert answer["code"] == code and answer["message"]
    if operation[14] == "7":
        wait_until(lambda: any(operation in key for key in system.log_keys()), "it is logged")
    load.stop()
    system.wait_until_empty(system.requests)
    assert system.counts(system.dead_letters) == (0, 0)
    assert system.counts(reply_queue) == (0, 0), "one reply is enough"


@pytest.mark.parametrize("name", LEFT)
def test_a_request_that_cannot_be_answered_is_left_to_the_dead_letter_queue(system, load, name):
    reply_queue = system.reply_queue("test")
    good = {"CorrelationId": str(uuid7()), "ReplyTo": reply_queue, "Method": METHOD}
    attributes = {**good, **LEFT[name]}
    if isinstance(attributes["ReplyTo"], str):
        attributes["ReplyTo"] = attributes["ReplyTo"].replace("{prefix}", system.prefix)
    body = json.dumps({"values": [1], "case": name})
    system.send(system.requests, body, attributes)

    dead = system.receive(system.dead_letters, "a dead letter")

    assert dead["Body"] == body
    load.stop()
    system.wait_until_empty(system.requests)
    assert system.counts(reply_queue) == (0, 0), "nobody was answered"


def test_a_request_that_names_no_reply_queue_is_worked_and_logged_for_nobody(system, load):
    operation = system.send_request(GOOD, None)
    wait_until(lambda: any(operation in key for key in system.log_keys()), "it is logged")


def test_a_reply_queue_that_is_gone_does_not_keep_the_work_from_being_finished(system, load):
    gone = system.reply_queue("gone")
    system.aws.sqs.delete_queue(QueueUrl=gone)
    operation = system.send_request(GOOD, gone)
    wait_until(lambda: any(operation in key for key in system.log_keys()), "it is logged")
    load.stop()
    system.wait_until_empty(system.requests)


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


@pytest.mark.parametrize("name", NO_REPLY)
def test_what_is_no_reply_to_a_waiting_call_is_deleted_from_the_reply_queue(system, gateway, load, name):
    body, attributes = NO_REPLY[name]
    reply_queue = own_reply_queue(gateway)
    system.send(reply_queue, body, attributes)
    load.goes_on(2)
    load.stop()
    system.wait_until_empty(reply_queue)


def own_reply_queue(gateway):
    return gateway.event("ready")["reply_queue"]


@pytest.fixture
def lonely(local_aws, queues):
    """A deployment whose worker is the test."""
    return queues(local_aws, "forged")


def answer_by_hand(system, call, replies):
    """Waits for the request of the call and sends these replies to it; returns its attributes."""
    request = system.receive(system.requests, "the request")["plain"]
    good = {"CorrelationId": request["CorrelationId"], "Digest": request["Digest"], "Status": ("Number", "0")}
    for body, attributes in replies:
        system.send(request["ReplyTo"], body, {**good, **attributes})
    return request


RESULT = json.dumps({"count": 1, "min": 7, "max": 7, "median": 7, "mean": 7, "sum": "7", "variance": 0, "std_dev": 0})


def test_a_forged_reply_does_not_end_a_call(lonely, connect):
    gateway = lonely.gateway()
    call = connect(gateway.address).start([7])
    forged = RESULT.replace("7", "666")
    replies = [
        (forged, {"Digest": "0" * 64}),
        (forged, {"Digest": None}),
        (forged, {"Status": None}),
        (forged, {"CorrelationId": str(uuid7())}),
    ]
    answer_by_hand(lonely, call, [*replies, (RESULT, {})])
    assert call.result(30).statistics.sum == "7"
    lonely.wait_until_empty(own_reply_queue(gateway))
    gateway.stop()


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
def test_a_bad_answer_of_a_worker_becomes_a_typed_error_without_its_insides(local_aws, forged, connect, name):
    system, gateway = forged
    status, body, code, reason = BAD_REPLIES[name]
    call = connect(gateway.address).start([7])
    request = answer_by_hand(system, call, [(body, {"Status": ("Number", status)})])
    error = call.exception(30)
    assert error.code() is grpc.StatusCode[code]
    found = details(error)
    info = found["google.rpc.ErrorInfo"]
    assert (info.reason, info.metadata["operation_id"]) == (reason, request["CorrelationId"])
    assert SECRET not in str(error)
    violations = [v.field for v in found["google.rpc.BadRequest"].field_violations] if name == "a refusal" else []
    assert violations == (["values"] if name == "a refusal" else [])


@pytest.fixture(scope="module")
def forged(local_aws, garbage_processes):
    from deployment import Deployment

    system = Deployment(local_aws, garbage_processes, "by-hand")
    return system, system.gateway()
