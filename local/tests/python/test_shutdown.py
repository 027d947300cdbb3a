"""SIGTERM in the middle of load: what was begun is finished or told so, and nothing stays behind."""

import grpc
import pytest

from callers import Load, details, operation_id
from processes import wait_until


@pytest.fixture
def system(local_aws, queues):
    return queues(local_aws, "shutdown")


def in_the_queue(system, calls):
    wait_until(lambda: system.counts(system.requests)[0] == calls, f"{calls} calls are in the queue")


def test_a_gateway_that_is_told_to_end_waits_for_the_calls_in_flight(system, connect):
    gateway = system.gateway()
    caller = connect(gateway.address)
    calls = [caller.start([n, n + 2]) for n in range(20)]
    in_the_queue(system, 20)

    gateway.terminate()
    gateway.event("draining")
    system.worker("late")

    assert [call.result(30).statistics.mean for call in calls] == [n + 1 for n in range(20)]
    assert gateway.exit_code() == 0
    assert system.reply_queues() == []


def test_calls_that_the_drain_limit_cuts_off_are_told_so(system, connect):
    gateway = system.gateway("--drain-limit", "1s")
    caller = connect(gateway.address)
    calls = [caller.start([n]) for n in range(20)]
    in_the_queue(system, 20)

    gateway.terminate()

    for call in calls:
        error = call.exception(30)
        assert error.code() is grpc.StatusCode.UNAVAILABLE, error
        found = details(error)
        info = found["google.rpc.ErrorInfo"]
        assert (info.reason, info.metadata["operation_id"]) == ("SHUTTING_DOWN", operation_id(error))
        assert found["google.rpc.RetryInfo"].retry_delay.ToMilliseconds() > 0
    assert gateway.exit_code(10) == 0
    assert system.reply_queues() == []


def test_a_gateway_ends_in_the_middle_of_load(system, api):
    gateway = system.gateway()
    system.worker("a")
    system.worker("b")
    with Load(api, gateway.address) as load:
        load.goes_on()
        gateway.terminate()
        load.join()

    assert gateway.exit_code() == 0
    assert system.reply_queues() == []
    assert not load.wrong
    assert len(load.errors) == 8, "each thread calls until it meets the end"
    for error in load.errors:
        assert error.code() is grpc.StatusCode.UNAVAILABLE, error
        # A call that reached the gateway is told why; one that did not found nobody there.
        if operation_id(error):
            assert details(error)["google.rpc.ErrorInfo"].reason == "SHUTTING_DOWN"
        else:
            assert not details(error)
    system.wait_until_empty(system.requests)


def test_a_worker_ends_in_the_middle_of_load_and_no_call_notices(system, api):
    gateway = system.gateway()
    leaving = system.worker("leaving")
    system.worker("staying")
    with Load(api, gateway.address) as load:
        wait_until(lambda: load.workers == {"leaving", "staying"}, "both workers work")
        leaving.stop()
        load.goes_on()

    assert not load.errors and not load.wrong
    system.wait_until_empty(system.requests)
    assert system.counts(system.dead_letters) == (0, 0)
    wait_until(lambda: len(system.log_keys()) >= len(load.answers), "every call is logged")
    assert system.log_records().keys() == {answer.operation_id for answer in load.answers}


def test_a_second_sigterm_ends_a_draining_gateway_at_once(system, connect):
    gateway = system.gateway()
    call = connect(gateway.address).start([1])
    in_the_queue(system, 1)

    gateway.terminate()
    gateway.event("draining")
    gateway.terminate()

    assert gateway.exit_code(10) == 143
    assert call.exception(30).code() is grpc.StatusCode.UNAVAILABLE


def test_a_second_sigterm_ends_a_draining_worker_at_once(system):
    # It would else wait for its poll to come home.
    worker = system.worker("hurried", "--poll-wait", "20s")
    worker.terminate()
    worker.event("shutting down; a second signal does not wait")
    worker.terminate()
    assert worker.exit_code(10) == 143
