"""Messages that no worker can do anything with: they go to the dead-letter queue, and no call notices."""

from callers import Load
from deployment import metric
from processes import wait_until
from uuids import uuid7
from wire import METHOD

MAX_RECEIVE_COUNT = 3
POISON = 20


def test_poison_is_dead_after_as_many_receipts_as_the_queue_allows_and_delays_no_call(local_aws, queues, api):
    system = queues(local_aws, "poison", max_receive_count=MAX_RECEIVE_COUNT)
    gateway = system.gateway()
    # One at a time, so that a poisonous message that kept its slot would stop everything.
    workers = [system.worker(name, "--concurrency", "1") for name in ("a", "b")]
    with Load(api, gateway.address) as load:
        load.goes_on()
        for number in range(POISON):
            system.send(system.requests, f"poison {number}", {"Method": METHOD, "CorrelationId": None if number % 2 else "17"})
        load.goes_on(50)
        assert system.counts(system.dead_letters) == (0, 0), "the poison is still being taken while these were answered"
        wait_until(lambda: system.counts(system.dead_letters) == (POISON, 0), "all poison is dead")
        load.goes_on()

    assert not load.errors and not load.wrong
    assert load.workers == {"a", "b"}, "no worker has died of it"
    assert all(worker.is_running for worker in workers)
    assert sum(metric(worker, "compute_worker_deferred_total") for worker in workers) == POISON * MAX_RECEIVE_COUNT
    system.wait_until_empty(system.requests)
    assert system.log_records().keys() == {answer.operation_id for answer in load.answers}


def test_a_request_that_nobody_may_answer_is_not_worked_and_not_logged(local_aws, queues):
    system = queues(local_aws, "poison", max_receive_count=1)
    system.worker("a")
    operation = str(uuid7())
    elsewhere = system.requests  # A queue that replies may not be sent to.
    system.send_request('{"values":[1]}', elsewhere, CorrelationId=operation)
    wait_until(lambda: system.counts(system.dead_letters) == (1, 0), "it is dead")
    assert system.counts(system.requests) == (0, 0) and system.log_keys() == []
