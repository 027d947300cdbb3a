"""The file of recorded calls, which `make deploy-calls` compares with the policies."""

import json

import recorded_calls
from aws_proxy import Exchange
from iam import bucket_arn, queue_arn

QUEUE = b'{"QueueUrl": "http://127.0.0.1:4566/000000000000/a-requests"}'
KEYS = b"<Delete><Object><Key>claims/1</Key></Object><Object><Key>claims/2</Key></Object></Delete>"
EXCHANGES = [
    Exchange("SQS.ReceiveMessage", QUEUE, "POST", "/", "worker"),
    Exchange("SQS.ReceiveMessage", QUEUE, "POST", "/", "worker"),
    Exchange("S3.PUT", b"{}", "PUT", "/logs/operations/1?x-id=PutObject", "worker"),
    Exchange("S3.POST", KEYS, "POST", "/logs/?delete", "operator"),
    Exchange("SQS.PurgeQueue", QUEUE, "POST", "/", "test"),
]
NEEDS = {
    ("worker", "sqs:ReceiveMessage", queue_arn("a-requests"), "sqs:ReceiveMessage"),
    ("worker", "s3:PutObject", bucket_arn("logs", "operations/1"), "s3:PutObject"),
    ("operator", "s3:DeleteObject", bucket_arn("logs", "claims/1"), "s3:DeleteObjects"),
    ("operator", "s3:DeleteObject", bucket_arn("logs", "claims/2"), "s3:DeleteObjects"),
}


def as_made(exchange):
    """As the end-to-end tests in Rust have it."""
    body = exchange.body.decode() if exchange.method == "POST" else None
    of_request = {name: getattr(exchange, name) for name in ("operation", "method", "target", "access_key")}
    return json.dumps({**of_request, "body": body}) + "\n"


def test_calls_recorded_by_proxies_and_calls_as_they_were_made_are_read_alike(tmp_path, monkeypatch):
    by_proxies, made = tmp_path / "by_proxies", tmp_path / "made"
    monkeypatch.setattr(recorded_calls, "FILE", by_proxies)
    for exchange in EXCHANGES:
        recorded_calls.keep(exchange)
    made.write_text("".join(map(as_made, EXCHANGES)), encoding="utf-8")
    assert recorded_calls.recorded(by_proxies) == recorded_calls.recorded(made) == NEEDS


def test_a_call_that_no_policy_allows_is_found(tmp_path, capsys):
    made = tmp_path / "made"
    made.write_text(as_made(Exchange("SQS.DeleteQueue", QUEUE, "POST", "/", "gateway")), encoding="utf-8")
    assert recorded_calls.compare(made) > 0
    queue = queue_arn("a-requests")
    lacking = f"gateway made sqs:DeleteQueue, which needs sqs:DeleteQueue on {queue}: no policy allows it"
    assert lacking in capsys.readouterr().out.splitlines()
