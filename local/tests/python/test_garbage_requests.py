"""Bad input straight onto the request queue, while calls flow: it is answered with its error or left to the dead-letter queue.

Both workers are held to it, the one in Rust and the one in Python.
"""

import json

import pytest

from callers import load_unharmed
from deployment import Deployment
from processes import Processes, wait_until
from uuids import uuid7
from wire import METHOD

GOOD = '{"values":[4,5,2,35,2452]}'
OK, INVALID_ARGUMENT, UNIMPLEMENTED, DATA_LOSS = 0, 3, 12, 15

# Text as SQS allows it, and about as far from JSON as that gets.
NOISE = "".join(chr(c) for c in [9, 10, 13, *range(0x20, 0x100), 0xD7FF, 0xE000, 0xFFFD, 0x10000, 0x1F4A3])

# The codes that a body may be answered with.
BODIES = {
    "not JSON": ("values: 4, 5", INVALID_ARGUMENT),
    "noise": (NOISE, INVALID_ARGUMENT),
    "a list": ("[4,5]", INVALID_ARGUMENT),
    "null": ("null", INVALID_ARGUMENT),
    "half an object": ('{"values":[4,5', INVALID_ARGUMENT),
    "more than an object": (GOOD + GOOD, INVALID_ARGUMENT),
    "a field that stands twice": ('{"values":[1],"values":[2]}', INVALID_ARGUMENT),
    "deep nesting": ("[" * 100_000, INVALID_ARGUMENT),
    "deep nesting of values": ('{"values":' + "[" * 100_000 + "]" * 100_000 + "}", INVALID_ARGUMENT),
    "no values": ("{}", INVALID_ARGUMENT),
    "an empty list": ('{"values":[]}', INVALID_ARGUMENT),
    "values that are no list": ('{"values":"4,5"}', INVALID_ARGUMENT),
    "a fraction": ('{"values":[4.5]}', INVALID_ARGUMENT),
    "an integer beyond 64 bits": ('{"values":[9223372036854775808]}', INVALID_ARGUMENT),
    "a number with 100,000 digits": ('{"values":[' + "9" * 100_000 + "]}", INVALID_ARGUMENT),
    "a string that is no integer": ('{"values":["4","five"]}', INVALID_ARGUMENT),
    # If an error message quoted it as it is, SQS would not take the reply.
    "text that SQS does not take": (r'{"values":["\uffff\u0000\ufffe"]}', INVALID_ARGUMENT),
    "half a character": (r'{"values":["\ud800"]}', INVALID_ARGUMENT),
    "a huge string": ('{"values":["' + "x" * 900_000 + '"]}', INVALID_ARGUMENT),
    "a quantile that is no probability": ('{"values":[1],"quantiles":[2]}', INVALID_ARGUMENT),
    "a quantile of text": ('{"values":[1],"quantiles":["NaN"]}', INVALID_ARGUMENT),
    "200,000 quantiles": ('{"values":[1],"quantiles":[' + "2," * 200_000 + "2]}", INVALID_ARGUMENT),
    "too many bins": ('{"values":[1],"histogram":{"bins":4000000000}}', INVALID_ARGUMENT),
    # Not garbage: what a reader does not know it ignores.
    "unknown fields": ('{"values":["4",5,2,35,2452],"future":{"x":[1,{}]}}', OK),
}

ATTRIBUTES = {
    "no method": ({"Method": None}, INVALID_ARGUMENT),
    "a method that is a number": ({"Method": ("Number", "1")}, INVALID_ARGUMENT),
    "a method that is binary": ({"Method": ("Binary", METHOD.encode())}, INVALID_ARGUMENT),
    "an unknown method": ({"Method": "compute.v1.ComputeService/Guess"}, UNIMPLEMENTED),
    "a huge method": ({"Method": "x" * 500_000}, UNIMPLEMENTED),
    "another digest": ({"Digest": "00"}, INVALID_ARGUMENT),
    "a digest that is a number": ({"Digest": ("Number", "1")}, INVALID_ARGUMENT),
    "a huge digest": ({"Digest": "0" * 500_000}, INVALID_ARGUMENT),
    "a timeout of text": ({"TimeoutMs": "soon"}, INVALID_ARGUMENT),
    "a negative timeout": ({"TimeoutMs": ("Number", "-1")}, INVALID_ARGUMENT),
    "a deadline with a fraction": ({"Deadline": ("Number", "1.5")}, INVALID_ARGUMENT),
    "a content type that nobody knows": ({"ContentType": "image/png"}, INVALID_ARGUMENT),
    "an id of another version": ({"CorrelationId": "3b241101-e2bb-4255-8caf-4136c566a962"}, INVALID_ARGUMENT),
    "a tenant that would leave its folder": ({"group": "../../etc"}, INVALID_ARGUMENT),
    "a tenant that stands for none": ({"group": "-"}, INVALID_ARGUMENT),
    "huge unknown attributes": ({"Future": "x" * 500_000, "Past": ("Number.int", "1")}, OK),
    "a tenant": ({"group": "tenant.of_64-" + "x" * 51}, OK),
}

# The log has no place for these.
NOT_LOGGED = ("an id of another version", "a tenant that would leave its folder", "a tenant that stands for none")

ANSWERED = {name: (body, {}, code) for name, (body, code) in BODIES.items()}
ANSWERED |= {name: (GOOD, attributes, code) for name, (attributes, code) in ATTRIBUTES.items()}

LEFT = {
    "no attributes": dict.fromkeys(("CorrelationId", "ReplyTo", "Method", "Digest")),
    "no id": {"CorrelationId": None},
    "an id that is no UUID": {"CorrelationId": "17"},
    "an id that is a number": {"CorrelationId": ("Number", "17")},
    "an id that is binary": {"CorrelationId": ("Binary", b"\x00\xff")},
    "a huge id": {"CorrelationId": "0" * 500_000},
    "an address that is no URL": {"ReplyTo": "replies"},
    "an address that is half a URL": {"ReplyTo": "http://[::1"},
    "an address that is a number": {"ReplyTo": ("Number", "1")},
    "an address outside the prefix": {"ReplyTo": "http://127.0.0.1/000000000000/other-replies-1"},
    "an address that is the request queue": {"ReplyTo": "http://127.0.0.1/000000000000/PREFIX-requests"},
    "an address of another account": {"ReplyTo": "http://127.0.0.1/999999999999/PREFIX-replies-test"},
    "an address that leaves its path": {"ReplyTo": "http://127.0.0.1/000000000000/PREFIX-replies-/../x"},
}


@pytest.fixture(scope="module", params=["rust", "python"])
def system(request, local_aws):
    """One deployment for all: nothing that is thrown at it may spoil it for the next."""
    processes = Processes()
    system = Deployment(local_aws, processes, f"garbage-{request.param}", max_receive_count=2)
    system.gateway_process = system.gateway()
    if request.param == "rust":
        system.worker_process = system.worker("tough")
        system.code_of_a_payload_that_is_gone = DATA_LOSS
    else:
        system.worker_process = system.python_worker("--prefix", system.prefix)
        system.code_of_a_payload_that_is_gone = UNIMPLEMENTED
    yield system
    processes.end()


@pytest.fixture
def load(system, api):
    with load_unharmed(api, system) as load:
        yield load


@pytest.mark.parametrize("name", ANSWERED)
def test_a_request_with_an_id_and_an_address_is_answered_logged_and_deleted(system, load, name):
    body, attributes, code = ANSWERED[name]
    reply_queue = system.reply_queue("test")
    operation = system.send_request(body, reply_queue, **attributes)

    reply = system.receive(reply_queue, "a reply")

    assert reply["plain"]["CorrelationId"] == operation
    assert reply["MessageAttributes"]["Status"] == {"StringValue": str(code), "DataType": "Number"}
    answer = json.loads(reply["Body"])
    if code == OK:
        assert (answer["count"], answer["mean"]) == (5, 499.6)
    else:
        assert answer["code"] == code and answer["message"]
    if name in NOT_LOGGED:
        return
    record = wait_until(lambda: system.log_record(operation, attributes.get("group")), "it is logged")
    assert (record["status"], record.get("tenant")) == (code, attributes.get("group"))


def test_a_payload_in_s3_is_not_taken_for_garbage(system, load):
    key = "payloads/0197a1c2-d3e4-7f56-8123-456789abcdef"
    pointer = ["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": system.bucket, "s3Key": key}]
    reply_queue, size = system.reply_queue("test"), ("Number", "2000000")
    # The digest is the payload's, which nobody but its reader can know to be wrong.
    operation = system.send_request(json.dumps(pointer), reply_queue, Digest="0" * 64, ExtendedPayloadSize=size)

    answer = json.loads(system.receive(reply_queue, "a reply")["Body"])

    # The worker in Python does not read payloads; the other finds none.
    assert answer["code"] == system.code_of_a_payload_that_is_gone
    assert wait_until(lambda: system.log_record(operation), "it is logged")["status"] == answer["code"]


def test_requests_that_cannot_be_answered_are_left_to_the_dead_letter_queue(system, load):
    reply_queue = system.reply_queue("test")
    for name, changes in LEFT.items():
        attributes = {"CorrelationId": str(uuid7()), "ReplyTo": reply_queue, "Method": METHOD, **changes}
        if isinstance(attributes["ReplyTo"], str):
            attributes["ReplyTo"] = attributes["ReplyTo"].replace("PREFIX", system.prefix)
        system.send(system.requests, json.dumps({"values": [1], "name": name}), attributes)

    dead = {json.loads(system.receive(system.dead_letters, "a dead letter")["Body"])["name"] for _ in LEFT}

    assert dead == set(LEFT)
    assert system.counts(reply_queue) == (0, 0), "nobody was answered"


def test_a_request_that_names_no_reply_queue_is_worked_and_logged_for_nobody(system, load):
    operation = system.send_request(GOOD, None)
    assert wait_until(lambda: system.log_record(operation), "it is logged")["result"]["mean"] == 499.6


@pytest.mark.parametrize("suffix", ["gone", "x" * 500_000], ids=["deleted", "impossible"])
def test_a_reply_queue_that_is_not_there_does_not_keep_the_work_from_being_finished(system, load, suffix):
    gone = system.reply_queue("gone")
    system.aws.sqs.delete_queue(QueueUrl=gone)
    operation = system.send_request(GOOD, gone.replace("gone", suffix))
    assert wait_until(lambda: system.log_record(operation), "it is logged")["status"] == 0


def test_a_request_that_comes_twice_is_answered_twice_and_logged_once(system, load):
    reply_queue = system.reply_queue("test")
    operation = system.send_request(GOOD, reply_queue)
    first = system.receive(reply_queue, "the first reply")
    record = wait_until(lambda: system.log_record(operation), "it is logged")

    system.send_request(GOOD, reply_queue, CorrelationId=operation)
    second = system.receive(reply_queue, "the second reply")

    assert first["Body"] == second["Body"]
    assert first["plain"]["Digest"] == second["plain"]["Digest"]
    load.goes_on()
    assert system.log_record(operation) == record
