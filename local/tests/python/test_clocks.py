"""Hosts whose clocks are an hour apart: gateways and workers in every combination, on an SQS that has the right time.

Debian's libfaketime moves the wall clock of a process and leaves its monotonic one alone, as a wrongly set host does.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from glob import glob
from itertools import product

import grpc
import pytest

from callers import Caller, operation_id
from deployment import Deployment, metric
from processes import wait_until

# Seconds that a clock is ahead.
CLOCKS = {"ahead": 3600, "right": 0, "behind": -3600}
COMBINATIONS = [combination for combination in product(CLOCKS, CLOCKS) if combination != ("right", "right")]


def with_clock(clock):
    """The environment of a process whose clock is that."""
    ahead = CLOCKS[clock]
    if not ahead:
        return {}
    libraries = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    assert libraries, "libfaketime is missing: `make install`"
    return {"LD_PRELOAD": libraries[0], "FAKETIME": f"{ahead:+}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


def check_clock(process, clock):
    shown = datetime.fromisoformat(process.event("ready")["timestamp"]).timestamp() - time.time()
    assert abs(shown - CLOCKS[clock]) < 600, f"the clock of {process.name} is not {clock}"


class Run:
    """What becomes of calls with a gateway and a worker whose clocks are these."""

    def __init__(self, api, system, gateway_clock, worker_clock):
        self.system = system
        # No worker is there for a while, on purpose.
        flags = ["--poll-wait", "1s", "--no-worker-after", "1h"]
        gateway = system.gateway(*flags, environment=with_clock(gateway_clock))
        check_clock(gateway, gateway_clock)
        with Caller(api, gateway.address) as caller:
            # Another worker has received this one and ended.
            again = caller.start([1, 3], timeout=60)
            receipt = wait_until(lambda: self.receive(30), "the call is in the queue")
            # Nobody waits for this one any more; it dies and is moved back, a second later.
            self.redriven = self.expired(caller)
            wait_until(lambda: self.receive(0) is None and system.counts(system.dead_letters)[0] == 1, "it is dead")
            # Nor for these, which no worker has seen. With the second, the time of the first is up also counted from its return.
            self.shed = {self.expired(caller)}
            system.dead("redrive")
            self.shed.add(self.expired(caller))

            system.aws.sqs.change_message_visibility(QueueUrl=system.requests, ReceiptHandle=receipt, VisibilityTimeout=0)
            worker = system.worker("only", environment=with_clock(worker_clock))
            check_clock(worker, worker_clock)
            live = [caller.start([n, n + 2], timeout=60) for n in range(20)]
            self.live = [call.result(60).statistics.mean for call in live]
            system.wait_until_empty(system.requests)
            self.again = again.exception(60) or again.result().statistics.mean
            self.shed_count = metric(worker, "compute_worker_shed_total")
            self.log = system.log_records()

    def receive(self, visibility):
        received = self.system.aws.sqs.receive_message(QueueUrl=self.system.requests, VisibilityTimeout=visibility)
        return next((message["ReceiptHandle"] for message in received.get("Messages", [])), None)

    def expired(self, caller):
        call = caller.start([5, 7], timeout=1)
        error = call.exception(30)
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error
        return operation_id(error)


@pytest.fixture(scope="module")
def runs(api, local_aws, session_processes):
    """The combinations, as futures: all are under way."""
    with ThreadPoolExecutor(len(COMBINATIONS)) as threads:
        yield {
            clocks: threads.submit(Run, api, deployment(local_aws, session_processes, number), *clocks)
            for number, clocks in enumerate(COMBINATIONS)
        }


def deployment(aws, processes, number):
    return Deployment(aws, processes, f"clocks-{number}", max_receive_count=2)


@pytest.mark.parametrize("clocks", COMBINATIONS, ids=lambda clocks: "gateway {}, worker {}".format(*clocks))
class TestClocksAnHourApart:
    def test_live_calls_are_answered_and_logged(self, runs, clocks):
        run = runs[clocks].result()
        assert run.live == [n + 1 for n in range(20)]
        assert len(run.log.keys() - {run.redriven, *run.shed}) == 21

    def test_a_call_that_is_delivered_again_is_answered(self, runs, clocks):
        assert runs[clocks].result().again == 2

    def test_an_expired_call_is_shed_at_its_first_delivery_and_nothing_else_is(self, runs, clocks):
        run = runs[clocks].result()
        assert not run.shed & run.log.keys()
        assert run.shed_count == len(run.shed)

    def test_an_expired_call_that_was_moved_back_is_computed_and_logged(self, runs, clocks):
        run = runs[clocks].result()
        assert run.log[run.redriven]["result"]["mean"] == 6
