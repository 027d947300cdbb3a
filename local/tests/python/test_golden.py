"""The golden files of the wire contract, `proto/wire/v1/`, read and written by `wire.py`."""

import json
from pathlib import Path

import pytest
import wire

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
    assert case["key"] == wire.record_key(case["decodes_to"]["tenant"], case["decodes_to"]["id"])
