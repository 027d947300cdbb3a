"""What becomes of work that nobody waits for any more."""

import grpc
import pytest

from callers import details, operation_id
from processes import wait_until


@pytest.fixture
def system(local_aws, queues):
    return queues(local_aws, "deadlines")


def missed(call):
    """Waits until the call's deadline passes; the operation's id."""
    error = call.exception(30)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    return operation_id(error), details(error)["google.rpc.ErrorInfo"].metadata["finish_late"]


def test_work_that_is_to_finish_late_is_logged_and_other_late_work_is_dropped(system, connect):
    caller = connect(system.gateway().address)
    dropped, kept = caller.start([1], timeout=1), caller.start([2], timeout=1, finish_late=True)
    (dropped, said_of_dropped), (kept, said_of_kept) = missed(dropped), missed(kept)
    assert (said_of_dropped, said_of_kept) == ("false", "true")

    system.worker("late")

    record = wait_until(lambda: system.log_record(kept), "the late work is logged")
    assert record["result"]["sum"] == "2"
    system.wait_until_empty(system.requests)
    assert system.log_records().keys() == {kept}
    [reply_queue] = system.reply_queues()
    system.wait_until_empty(reply_queue)


def test_late_work_that_was_received_before_is_worked_since_it_may_have_been_answered(system, connect):
    caller = connect(system.gateway().address)
    call = caller.start([3], timeout=2)
    received = {}

    def receive():
        received.update(system.aws.sqs.receive_message(QueueUrl=system.requests, VisibilityTimeout=3, WaitTimeSeconds=1))
        return received.get("Messages")

    # A worker that takes the message and dies.
    wait_until(receive, "the request is on the queue")
    operation, _ = missed(call)

    system.worker("second")

    assert wait_until(lambda: system.log_record(operation), "it is logged")["result"]["sum"] == "3"
    system.wait_until_empty(system.requests)
