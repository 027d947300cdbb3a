"""The golden files of the wire contract, `proto/wire/v1/`, read and written by `wire.py` and `wire_payload.py`."""

import base64
import json
from pathlib import Path

import pytest
import wire
import wire_payload

GOLDEN = Path(__file__).resolve().parents[3] / "proto" / "wire" / "v1"

# Where the workers of the golden requests may reply to: account, and prefix of the queue's name.
ALLOWED = ("123456789012", "compute-replies")


def plain(value):
    """The integers of a decoded message as the golden files give them, in strings."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def cases(name):
    found = json.loads((GOLDEN / name).read_text(encoding="utf-8"))
    assert found
    return pytest.mark.parametrize("case", found, ids=[case["name"] for case in found])


def check(case, text, read, body):
    try:
        decoded = read()
    except wire.Refused as refused:
        assert refused.error == case.get("error")
    except wire.Unanswerable:
        assert case.get("unanswerable")
    else:
        assert plain(decoded) == case["decodes_to"]
        if case.get("canonical"):
            assert wire.write(body(decoded)) == text


@cases("requests.json")
def test_request(case):
    message = case["message"]

    def body(decoded):
        return wire.request_body(decoded["request"])

    check(case, message["body"], lambda: wire.read_request_message(message, *ALLOWED), body)


@cases("replies.json")
def test_reply(case):
    message = case["message"]
    check(case, message["body"], lambda: wire.read_reply_message(message), wire.reply_body)


@cases("records.json")
def test_record(case):
    check(case, case["content"], lambda: wire.read_record(case["content"]), wire.record_body)
    record = case["decodes_to"]
    assert case["key"] == wire.record_key(record["tenant"], record["id"], is_dead_mark=case.get("dead_mark", False))


@cases("batches.json")
def test_batch(case):
    records = wire.read_batch(base64.b64decode(case["object"]))
    ids = [record["id"] for record in records]
    assert ids == case["decodes_to"] and ids == sorted(ids)
    assert {record["tenant"] for record in records} == {case["tenant"]}, "a batch never mixes tenants"
    assert case["key"] == wire.batch_key(case["tenant"], int(case["committed"]), ids)
    assert [wire.write(wire.record_body(record)) for record in records] == case["content"].splitlines()
    assert wire.read_batch(wire.batch(records)) == records


@cases("claims.json")
def test_claim(case):
    assert case["key"] == wire.claim_key(case["tenant"], case["id"])
    assert case["content"] == wire.write({"digest": case["digest"]})


@cases("payloads.json")
def test_payload(case):
    message, payload = case["message"], case["payload"] and base64.b64decode(case["payload"])
    key = "payloads/0197a1c2-d3d0-7000-8000-0000000000aa"

    def fetch(asked):
        assert asked == key
        return payload

    try:
        request = wire_payload.read_payload(message, "compute-logs", fetch)
    except wire.Refused as refused:
        assert refused.error == case.get("error")
        return
    assert plain(request) == case["decodes_to"]
    if case.get("canonical"):
        is_protobuf = "ContentType" in message["attributes"]
        written = wire_payload.serialize(request) if is_protobuf else wire.write(wire.request_body(request)).encode()
        assert written == payload
        assert message["body"] == wire_payload.pointer("compute-logs", key)
