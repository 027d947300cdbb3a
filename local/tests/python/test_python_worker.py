"""The contract of the queues holds in another language: our gateway, and a worker in Python that nobody compiled."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from processes import wait_until
from wire import digest


@pytest.fixture
def system(local_aws, queues):
    return queues(local_aws, "python")


@pytest.fixture
def worker(system):
    worker = system.python_worker("--prefix", system.prefix, "--worker-id", "in-python")
    yield worker
    worker.stop()
    assert "Traceback" not in worker.stderr.text()


def test_a_gateways_calls_are_answered_and_logged(system, worker, connect, api):
    caller = connect(system.gateway().address)
    histogram = api.messages.HistogramOptions(bins=2)

    answer = caller.compute([4, 5, 2, 35, 2452], quantiles=[0.25, 1], histogram=histogram)

    statistics = answer.statistics
    assert (statistics.count, statistics.min, statistics.max, statistics.sum) == (5, 2, 2452, "2498")
    assert (statistics.median, statistics.mean, statistics.variance) == (5, 499.6, 953114.64)
    assert [(q.probability, q.value) for q in statistics.quantiles] == [(0.25, 4), (1, 2452)]
    assert (list(statistics.histogram.edges), list(statistics.histogram.counts)) == ([2, 1227, 2452], [4, 1])
    assert answer.worker == "in-python"
    assert answer.timing.HasField("work") and answer.timing.HasField("request_queue")

    record = wait_until(system.log_records, "the call is logged")[answer.operation_id]
    assert record["summary"] == "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6"
    system.wait_until_empty(system.requests)


def test_integers_that_no_double_holds_come_through(system, worker, connect):
    caller = connect(system.gateway().address)
    statistics = caller.compute([2**63 - 1, -(2**63), 2**53 + 1]).statistics
    assert (statistics.min, statistics.max, statistics.sum) == (-(2**63), 2**63 - 1, str(2**53))


def test_concurrent_calls_each_get_their_own_answer(system, worker, connect):
    caller = connect(system.gateway().address)
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: caller.compute([n, n + 2]), range(50)))
    assert [answer.statistics.mean for answer in answers] == [n + 1 for n in range(50)]
    wait_until(lambda: len(system.log_keys()) == 50, "every call is logged")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"values":[]}', "values"),
        ('{"values":[1],"quantiles":[0.5,1.5]}', "quantiles[1]"),
        ('{"values":[1],"histogram":{"bins":1001}}', "histogram.bins"),
    ],
)
def test_the_worker_itself_refuses_a_field_out_of_its_range(system, worker, body, field):
    reply = exchange(system, body)
    assert reply["plain"]["Status"] == "3"
    [detail] = reply["json"]["details"]
    assert detail["@type"] == "type.googleapis.com/google.rpc.BadRequest"
    assert [violation["field"] for violation in detail["field_violations"]] == [field]


def test_an_unknown_method_is_answered_with_code_12_and_logged(system, worker):
    reply = exchange(system, '{"values":[1]}', Method="compute.v1.ComputeService/Guess")
    assert reply["plain"]["Status"] == "12"
    assert reply["json"]["code"] == 12
    operation = reply["plain"]["CorrelationId"]
    record = wait_until(system.log_records, "the call is logged")[operation]
    assert record["status"] == 12


def exchange(system, body, **attributes):
    """Sends a request past the gateway; checks that the reply is as the contract has it, whatever it says."""
    reply_queue = system.reply_queue("test")
    operation = system.send_request(body, reply_queue, **attributes)
    reply = system.receive(reply_queue, "a reply")
    types = {name: value["DataType"] for name, value in reply["MessageAttributes"].items()}
    strings = ("CorrelationId", "Digest", "Worker", "Timing")
    assert types == {**dict.fromkeys(strings, "String"), "Status": "Number"}
    assert reply["plain"]["CorrelationId"] == operation
    assert reply["plain"]["Digest"] == digest(body)
    assert {"sent", "first_received", "started", "finished"} <= json.loads(reply["plain"]["Timing"]).keys()
    reply["json"] = json.loads(reply["Body"])
    system.wait_until_empty(system.requests)
    return reply
