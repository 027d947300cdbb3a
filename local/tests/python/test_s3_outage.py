"""S3 is away for longer than two visibility timeouts: replies go on up to the bound, and nothing is lost, dead or logged twice.

The worker computes and replies first and logs then. What it cannot log it keeps, invisible to other workers by its heartbeat,
until as many are kept as may be; then it takes no more. Five minutes instead of half a minute: COMPUTE_OUTAGE_HEARTBEATS=60.
"""

import json
import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_proxy import AwsProxy
from callers import Caller
from deployment import Deployment, metric
from processes import wait_until

# How often each message is kept from becoming visible again before S3 is back. That is every 5 to 7.5 s.
HEARTBEATS = int(os.environ.get("COMPUTE_OUTAGE_HEARTBEATS", "4"))
CONCURRENCY, MAX_UNSETTLED = 4, 60
BOUND = CONCURRENCY + MAX_UNSETTLED
CALLS = BOUND + 40
# Seconds; enough for the outage and a slow machine.
DEADLINE = 60 + 20 * HEARTBEATS


def refused(proxy):
    """S3 answers that it is not available."""
    proxy.refuse("S3.*", 503)
    return lambda: proxy.accept("S3.*")


def silent(proxy):
    """S3 takes requests and never answers them, not even when it is back: only new ones are."""
    is_back = threading.Event()
    proxy.hold_requests("S3.*", lambda exchange: not is_back.is_set())
    return is_back.set


OUTAGES = {"refuses every request": refused, "answers no request": silent}


class Outage:
    """What was seen before, in and after an outage."""

    def __init__(self, api, system, begin):
        self.system = system
        gateway = system.gateway("--poll-wait", "1s")
        with AwsProxy(system.aws.endpoint) as proxy, Caller(api, gateway.address) as caller:
            flags = ["--concurrency", CONCURRENCY, "--max-unsettled", MAX_UNSETTLED]
            worker = system.worker("only", *flags, environment={"AWS_ENDPOINT_URL": proxy.endpoint})
            end = begin(proxy)

            calls = [caller.start([n, n + 2], timeout=DEADLINE) for n in range(CALLS)]
            answered = lambda: sum(call.done() for call in calls)  # noqa: E731
            wait_until(lambda: answered() >= BOUND, "replies flow up to the bound")
            wait_until(lambda: heartbeats(proxy) >= HEARTBEATS, "every message is kept", timeout=20 * HEARTBEATS)
            self.answered, self.logged = answered(), len(system.log_keys())
            self.waiting, self.dead = system.counts(system.requests), system.counts(system.dead_letters)
            self.failures = metric(worker, "compute_worker_log_failures_total")

            end()
            self.means = [call.result(DEADLINE).statistics.mean for call in calls]
            system.wait_until_empty(system.requests)
            self.operations = {call.result().operation_id for call in calls}
            self.received = [message for receive in proxy.passed("SQS.ReceiveMessage") for message in receive.messages]


def heartbeats(proxy):
    """How often the message was kept that was kept least often."""
    kept = Counter()
    for exchange in proxy.passed("SQS.ChangeMessageVisibilityBatch"):
        kept.update(entry["ReceiptHandle"] for entry in json.loads(exchange.body)["Entries"])
    return min(kept.values()) if len(kept) == BOUND else 0


@pytest.fixture(scope="module")
def outages(api, local_aws, session_processes):
    """The outages by name, as futures: all are under way."""
    with ThreadPoolExecutor(len(OUTAGES)) as threads:
        yield {
            name: threads.submit(Outage, api, Deployment(local_aws, session_processes, f"outage-{number}"), begin)
            for number, (name, begin) in enumerate(OUTAGES.items())
        }


@pytest.mark.timeout(180 + 20 * HEARTBEATS)
@pytest.mark.parametrize("name", OUTAGES)
def test_s3(outages, name):
    outage = outages[name].result()
    system = outage.system

    assert (outage.answered, outage.logged) == (BOUND, 0), "replies flow, up to the bound"
    assert outage.waiting == (CALLS - BOUND, BOUND), "the rest is left to other workers"
    assert outage.dead == (0, 0)
    assert outage.means == [n + 1 for n in range(CALLS)]

    assert len(system.log_keys()) == CALLS, "each is logged once"
    assert system.log_records().keys() == outage.operations
    assert system.counts(system.dead_letters) == (0, 0)
    assert len(outage.received) == CALLS, "no message came twice"
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in outage.received} == {"1"}
    if name == "refuses every request":
        assert outage.failures >= BOUND
