"""Bad payloads in S3, and bad pointers to them, while calls flow: each is answered with its error, logged, and gone."""

import hashlib
import json
import uuid

import pytest

from callers import load_unharmed
from deployment import Deployment
from processes import Processes, wait_until

INVALID_ARGUMENT, RESOURCE_EXHAUSTED, DATA_LOSS = 3, 8, 15
CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"
PROTOBUF = "application/x-protobuf"
LIMIT = 100_000


@pytest.fixture(scope="module")
def system(local_aws):
    """One deployment for all: nothing that is thrown at it may spoil it for the next."""
    processes = Processes()
    system = Deployment(local_aws, processes, "garbage-payloads", max_receive_count=2)
    system.gateway_process = system.gateway()
    system.worker_process = system.worker("tough", "--max-values", LIMIT)
    system.aws.s3.create_bucket(Bucket="elsewhere")
    yield system
    processes.end()


@pytest.fixture
def load(system, api):
    with load_unharmed(api, system) as load:
        yield load


class Sender:
    """Puts payloads into S3, and pointers to them onto the request queue."""

    def __init__(self, system):
        self.system, self.reply_queue = system, system.reply_queue("test")

    def send(self, payload, key=None, bucket=None, is_there=True, size=None, **attributes):
        key, bucket = key or f"payloads/{uuid.uuid4()}", bucket or self.system.bucket
        if is_there:
            self.system.aws.s3.put_object(Bucket=bucket, Key=key, Body=payload)
        pointer = json.dumps([CLASS, {"s3BucketName": bucket, "s3Key": key}])
        given = {"Digest": hashlib.sha256(payload).hexdigest(), "ExtendedPayloadSize": ("Number", str(size or len(payload)))}
        return self.system.send_request(pointer, self.reply_queue, **(given | attributes))

    def refusal(self, operation):
        reply = self.system.receive(self.reply_queue, "a reply")
        assert reply["plain"]["CorrelationId"] == operation
        answer = json.loads(reply["Body"])
        assert (reply["plain"]["Status"], bool(answer["message"])) == (str(answer["code"]), True)
        record = wait_until(lambda: self.system.log_record(operation), "it is logged")
        assert record["status"] == answer["code"]
        return answer


@pytest.fixture
def sender(system):
    return Sender(system)


GOOD = b'{"values":[4,5,2,35,2452]}'
KEY = "payloads/0197a1c2-d3e4-7f56-8123-456789abcdef"
SERIALIZED = bytes([10, 5, 8, 10, 4, 70, 6])

POINTERS = {
    "to another bucket": {"bucket": "elsewhere"},
    "to a log record": {"key": "operations/tenant=-/dt=2026-11-24/8249234410523-0197a1c2-d3e4-7f56-8123-456789abcdef.json"},
    "out of its folder": {"key": f"payloads/../{KEY}", "is_there": False},
    "to a key in capitals": {"key": KEY.upper()},
    "to no payload": {"key": "payloads/", "is_there": False},
}


@pytest.mark.parametrize("name", POINTERS)
def test_a_pointer_to_refuse_is_refused_unread(sender, load, name):
    assert sender.refusal(sender.send(GOOD, **POINTERS[name]))["code"] == INVALID_ARGUMENT


PAYLOADS = {
    "gone": (DATA_LOSS, GOOD, {"is_there": False}),
    "shorter than said": (INVALID_ARGUMENT, GOOD, {"size": len(GOOD) + 1}),
    "longer than said": (INVALID_ARGUMENT, GOOD, {"size": len(GOOD) - 1}),
    "much longer than said": (INVALID_ARGUMENT, GOOD + b" " * 10_000_000, {"size": len(GOOD)}),
    "of an impossible size": (INVALID_ARGUMENT, GOOD, {"size": 2**64 - 1}),
    "of a size that is none": (INVALID_ARGUMENT, GOOD, {"size": 2**64}),
    "empty": (INVALID_ARGUMENT, b"", {}),
    "noise": (INVALID_ARGUMENT, bytes(range(256)) * 100, {}),
    "half a text": (INVALID_ARGUMENT, GOOD[:15], {}),
    "a text that is serialized": (INVALID_ARGUMENT, SERIALIZED, {}),
    "noise for a serialized request": (INVALID_ARGUMENT, bytes(range(255, 0, -1)) * 10_000, {"ContentType": PROTOBUF}),
    "text for a serialized request": (INVALID_ARGUMENT, GOOD, {"ContentType": PROTOBUF}),
    "half a serialized request": (INVALID_ARGUMENT, SERIALIZED[:-1], {"ContentType": PROTOBUF}),
    "a serialized request without values": (INVALID_ARGUMENT, b"", {"ContentType": PROTOBUF}),
    "a serialized request with much else": (INVALID_ARGUMENT, b"\x12\x80\x80\x80\x01" + bytes(2 << 20), {"ContentType": PROTOBUF}),
    "of a type that nobody knows": (INVALID_ARGUMENT, GOOD, {"ContentType": "image/png"}),
    "too many values for the worker": (RESOURCE_EXHAUSTED, b'{"values":[' + b"1," * LIMIT + b"1]}", {}),
    "too many serialized values for the worker": (
        RESOURCE_EXHAUSTED, b"\n\xa1\x8d\x06" + b"\x02" * (LIMIT + 1), {"ContentType": PROTOBUF},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PAYLOADS)
def test_a_bad_payload_is_answered_logged_and_deleted(sender, load, name):
    code, payload, changes = PAYLOADS[name]
    answer = sender.refusal(sender.send(payload, **changes))
    assert answer["code"] == code
    if code == RESOURCE_EXHAUSTED:
        [detail] = answer["details"]
        assert (detail["reason"], detail["metadata"]) == ("TOO_MANY_VALUES", {"limit": str(LIMIT)})


def test_another_digest_is_refused(sender, load):
    answer = sender.refusal(sender.send(SERIALIZED, Digest="0" * 64, ContentType=PROTOBUF))
    assert answer["code"] == INVALID_ARGUMENT and "Digest" in answer["message"]


def test_a_text_with_more_values_than_any_may_have_is_not_read_to_its_end(system, sender, load):
    operation = sender.send(b'{"values":[' + b"1," * 11_000_000 + b"1]}")
    # A debug build takes its time.
    wait_until(lambda: system.log_record(operation), "it is logged", timeout=150)
    answer = sender.refusal(operation)
    [detail] = answer["details"]
    assert (answer["code"], [violation["field"] for violation in detail["field_violations"]]) == (INVALID_ARGUMENT, ["values"])
