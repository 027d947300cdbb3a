"""The golden messages of an earlier version, `proto/wire/v1/earlier/`: they are still golden, and the gateway and the worker of
today take them when they come over a queue."""

import json
import time

import grpc
import pytest

from callers import details
from exact import exact
from processes import REPOSITORY, wait_until
from test_golden import plain
from uuids import uuid7
from wire import read_reply_message, statistics_body

V1 = REPOSITORY / "proto" / "wire" / "v1"
EARLIER = sorted(folder for folder in (V1 / "earlier").iterdir() if folder.is_dir())


def cases(folder, name):
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(params=EARLIER, ids=lambda folder: folder.name)
def earlier(request):
    return request.param


@pytest.mark.parametrize("name", ["requests", "replies", "records"])
def test_what_an_earlier_version_wrote_is_golden_today(earlier, name):
    today = {case["name"]: case for case in cases(V1, name)}
    found = cases(earlier, name)
    if name == "records":  # Those that were written; the field that one had made up, `payload`, means something today.
        found = [case for case in found if case.get("canonical")]
    assert found
    for case in found:
        now = today[case["name"]]
        for key, value in case.items():
            if key in ("made_of", "decodes_to") and isinstance(value, dict):
                # Readers have learnt further fields, which are absent here.
                added = {field: now[key][field] for field in now[key] if field not in value}
                assert now[key] == value | added, case["name"]
                assert key == "made_of" or all(value is None for value in added.values()), case["name"]
            else:
                assert now[key] == value, case["name"]


@pytest.fixture
def system(queues, local_aws):
    return queues(local_aws, "earlier")


def attribute(data_type, value):
    return {"DataType": data_type, "StringValue": value}


def test_todays_worker_answers_the_requests_of_an_earlier_gateway(system, earlier):
    system.worker("of-today")
    replies = system.reply_queue("earlier")
    waiting = {}
    for case in cases(earlier, "requests"):
        message = case["message"]
        # Without those that nobody waits for, and those that must not be answered: for them see the tests of garbage.
        if case.get("unanswerable") or "ReplyTo" not in message["attributes"]:
            continue
        operation, attributes = str(uuid7()), dict(message["attributes"])
        attributes |= {"CorrelationId": attribute("String", operation), "ReplyTo": attribute("String", replies)}
        if "Deadline" in attributes:
            in_a_minute = str(int(time.time() * 1000) + 60_000)
            attributes["Deadline"] = {**attributes["Deadline"], "StringValue": in_a_minute}
        group = {"MessageGroupId": message["MessageGroupId"]} if "MessageGroupId" in message else {}
        body = {"MessageBody": message["body"], "MessageAttributes": attributes}
        system.aws.sqs.send_message(QueueUrl=system.requests, **body, **group)
        waiting[operation] = case
    assert len(waiting) > 50
    while waiting:
        message = system.receive(replies, f"the replies to {[case['name'] for case in waiting.values()]}")
        reply = read_reply_message({"body": message["Body"], "attributes": message["MessageAttributes"]})
        case = waiting.pop(reply["id"])
        if "error" in case:
            found = {"code": reply["status"], "fields": [violation["field"] for violation in reply["violations"]]}
            assert found == case["error"], case["name"]
        else:
            request = case["decodes_to"]["request"]
            bins = request["bins"] and int(request["bins"])
            result = exact([int(value) for value in request["values"]], request["quantiles"], bins)
            expected = {"quantiles": [], "histogram": None} | result
            assert statistics_body(reply["statistics"]) == statistics_body(expected), case["name"]
    system.wait_until_empty(system.requests)


def test_todays_gateway_takes_the_replies_of_an_earlier_worker(system, earlier, connect):
    caller = connect(system.gateway().address)
    for case in cases(earlier, "replies"):
        waiting = caller.start([1, 2])
        request = system.receive(system.requests, "the request")["plain"]

        def send(message, request=request):
            own = {name: attribute("String", request[name]) for name in ("CorrelationId", "Digest")}
            # What a case lacks stays out.
            attributes = message["attributes"] | {n: value for n, value in own.items() if n in message["attributes"]}
            body = {"MessageBody": message["body"], "MessageAttributes": attributes}
            system.aws.sqs.send_message(QueueUrl=request["ReplyTo"], **body)

        send(case["message"])
        if case.get("unanswerable"):
            # Dropped: the call is answered by the next one.
            case = cases(earlier, "replies")[0]
            send(case["message"])
        check(case, waiting)
    for queue in system.reply_queues():
        system.wait_until_empty(queue)


def check(case, waiting):
    """What the caller sees is what the golden file says of the reply."""
    decoded = case.get("decodes_to", {})
    if "statistics" not in decoded:
        expected = int(decoded.get("status", case.get("error", {}).get("code", 0)))
        with pytest.raises(grpc.RpcError) as failed:
            waiting.result(timeout=30)
        assert failed.value.code().value[0] == expected, case["name"]
        if decoded.get("violations"):
            violations = details(failed.value)["google.rpc.BadRequest"].field_violations
            assert [{"field": v.field, "description": v.description} for v in violations] == decoded["violations"]
        return
    found = waiting.result(timeout=30).statistics
    for name, value in decoded["statistics"].items():
        if name == "quantiles":
            assert [{"probability": q.probability, "value": q.value} for q in found.quantiles] == value, case["name"]
        elif name == "histogram":
            histogram = {"edges": list(found.histogram.edges), "counts": plain(list(found.histogram.counts))}
            assert (histogram if found.HasField("histogram") else None) == value, case["name"]
        else:
            assert plain(getattr(found, name)) == value, f"{case['name']}: {name}"
