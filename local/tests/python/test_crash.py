"""A worker killed between any two steps of a delivery: its caller still gets the right answer, and nothing is left behind.

Each case has queues, a gateway and a proxy of its own. The proxy holds the worker's request or its response, so that the kill
falls where the case says; the worker knows nothing of it. All cases run at the same time, since each waits for a visibility
timeout.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aws_proxy import AwsProxy
from callers import Caller
from deployment import Deployment
from exact import exact
from processes import wait_until

VISIBILITY = 10.0
"""Seconds; that of the request queue, and of the worker's heartbeat."""

DEADLINE = 60
SMALL = {"values": [4, 5, 2, 35, 2452], "quantiles": [0.9]}
# As many values as a message holds.
LARGE = {"values": [n * n % 10 for n in range(480_000)], "quantiles": [n / 100 for n in range(100)]}


def brought_something(exchange):
    return bool(exchange.messages)


def kill(worker):
    assert worker.is_running, "it has not ended by itself"
    worker.kill()


def held(kind, operation, where=lambda exchange: True):
    """Kills the worker when the proxy holds this; what it holds never arrives."""

    def arrange(proxy, _work):
        hold = getattr(proxy, f"hold_{kind}")(operation, where)

        def strike(worker):
            hold.wait_until_reached()
            kill(worker)
            hold.drop()

        return strike

    return arrange


def received(proxy, _work):
    """Kills the worker as soon as it has the message."""
    barrier = proxy.hold_requests("SQS.SendMessageBatch")

    def strike(worker):
        proxy.wait_until_passed("SQS.ReceiveMessage", brought_something)
        kill(worker)
        barrier.drop()

    return strike


def working(part):
    """Kills the worker when it has done this part of its work on the message, measured in processor time."""

    def arrange(proxy, work):
        barrier = proxy.hold_requests("SQS.SendMessageBatch")

        def strike(worker):
            proxy.wait_until_passed("SQS.ReceiveMessage", brought_something)
            goal = processor_time(worker) + part * work
            wait_until(lambda: processor_time(worker) >= goal, "the worker works", interval=0.001)
            kill(worker)
            assert not barrier.is_reached, "it was killed before it replied"
            barrier.drop()

        return strike

    return arrange


CASES = {
    "the messages are on their way to it": (SMALL, held("responses", "SQS.ReceiveMessage", brought_something)),
    "it has just received": (SMALL, received),
    "it begins to decode": (LARGE, working(0.05)),
    "it computes": (LARGE, working(0.3)),
    "it has computed more than half": (LARGE, working(0.6)),
    "it is about to reply": (SMALL, held("requests", "SQS.SendMessageBatch")),
    "it has replied and does not know yet": (SMALL, held("responses", "SQS.SendMessageBatch")),
    "it is about to log": (SMALL, held("requests", "S3.PUT")),
    "it has logged and does not know yet": (SMALL, held("responses", "S3.PUT")),
    "it is about to delete": (SMALL, held("requests", "SQS.DeleteMessageBatch")),
    "it has deleted and does not know yet": (SMALL, held("responses", "SQS.DeleteMessageBatch")),
}

MODES = {"object": [], "batch": ["--log-mode", "batch", "--log-flush-interval", "100ms"]}


def processor_time(process):
    """Seconds that all threads of a process have run."""
    total = 0
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            pass  # The thread has ended.
    return total / 1e9


class Crash:
    """One case from start to end."""

    def __init__(self, api, system, flags, body, arrange, work):
        self.system, self.body = system, body
        self.gateway = system.gateway("--poll-wait", "1s")
        with AwsProxy(system.aws.endpoint) as proxy, Caller(api, self.gateway.address) as caller:
            victim = system.worker("victim", *flags, environment={"AWS_ENDPOINT_URL": proxy.endpoint})
            strike = arrange(proxy, work)
            call = caller.start(timeout=DEADLINE, **body)
            strike(victim)
            self.killed = time.monotonic()
            system.worker("heir", *flags)
            self.answer = call.result(DEADLINE)
            self.answered = time.monotonic()
            for queue in (system.requests, *system.reply_queues()):
                system.wait_until_empty(queue)
            self.settled = time.monotonic()


def measure_work(api, system):
    """The processor time, in seconds, that a worker takes from the receipt of the large list to its reply."""
    gateway = system.gateway()
    with AwsProxy(system.aws.endpoint) as proxy, Caller(api, gateway.address) as caller:
        worker = system.worker("measured", environment={"AWS_ENDPOINT_URL": proxy.endpoint})
        reply = proxy.hold_requests("SQS.SendMessageBatch")
        call = caller.start(timeout=DEADLINE, **LARGE)
        proxy.wait_until_passed("SQS.ReceiveMessage", brought_something)
        start = processor_time(worker)
        reply.wait_until_reached()
        work = processor_time(worker) - start
        reply.release()
        call.result(DEADLINE)
        worker.stop()
        gateway.stop()
    print(f"the work on the large list takes {work:.3f} s of a processor")
    return work


@pytest.fixture(scope="module", params=MODES)
def crashes(request, api, local_aws, session_processes):
    """The mode, and its cases by name, as futures: all are under way."""
    mode = request.param
    new = lambda name: Deployment(local_aws, session_processes, f"crash-{mode}-{name}")  # noqa: E731
    work = measure_work(api, new("measured"))
    with ThreadPoolExecutor(len(CASES)) as threads:
        crash = lambda number, case: threads.submit(Crash, api, new(number), MODES[mode], *case, work)  # noqa: E731
        yield mode, {name: crash(number, case) for number, (name, case) in enumerate(CASES.items())}


@pytest.mark.parametrize("name", CASES)
def test_a_worker_killed_when(crashes, name):
    mode, started = crashes
    crash = started[name].result()
    system, answer = crash.system, crash.answer

    expected = exact(**crash.body)
    quantiles = expected.pop("quantiles")
    assert {field: getattr(answer.statistics, field) for field in expected} == expected
    assert [quantile.value for quantile in answer.statistics.quantiles] == [quantile["value"] for quantile in quantiles]
    assert crash.answered - crash.killed < 3 * VISIBILITY, "answered within three visibility timeouts"

    for record in logged(system, mode):
        assert record["id"] == answer.operation_id
        assert (record["status"], int(record["result"]["sum"])) == (0, int(expected["sum"]))
    assert system.counts(system.requests) == system.counts(system.dead_letters) == (0, 0)
    [reply_queue] = system.reply_queues()
    assert system.counts(reply_queue) == (0, 0)


def logged(system, mode):
    """The records of the only operation, of which there is at least one; as many as it was logged times, in batches."""
    records = [record for batch in system.batches() for record in batch]
    if mode == "object":
        assert not records
        assert len(system.log_keys()) == 1
        return system.log_records().values()
    assert system.log_keys() == []
    assert 1 <= len(records) <= 2, "once by each worker"
    return records
