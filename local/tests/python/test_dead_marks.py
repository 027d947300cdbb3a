"""A request that takes every worker with it: the log says so, until somebody has it worked after all."""

import json

from aws_proxy import AwsProxy
from deployment import metric
from processes import wait_until

INTERNAL = 13


def marks(system):
    """The dead marks in the log, by operation id."""
    keys = [key for key in system.log_keys() if key.endswith(".dead.json")]
    bodies = (system.aws.s3.get_object(Bucket=system.bucket, Key=key)["Body"].read() for key in keys)
    return {record["id"]: record for record in map(json.loads, bodies)}


def test_a_request_that_no_worker_survives_is_marked_and_the_mark_gives_way_to_its_record(local_aws, queues):
    system = queues(local_aws, "marks", max_receive_count=1)
    replies = system.reply_queue("test")
    operation = system.send_request('{"values":[4,5,2,35,2452]}', replies, group="acme")
    with AwsProxy(local_aws.endpoint) as proxy:
        reply = proxy.hold_requests("SQS.SendMessageBatch")
        victim = system.worker("victim", environment={"AWS_ENDPOINT_URL": proxy.endpoint})
        reply.wait_until_reached()
        victim.kill()
        reply.drop()

    # What it has left behind is the mark: SQS gives the request up when the next worker asks for it.
    heir = system.worker("heir", "--log-mode", "batch", "--log-flush-interval", "100ms")
    wait_until(lambda: system.counts(system.dead_letters) == (1, 0), "the request is dead")
    [mark] = marks(system).values()
    assert (mark["id"], mark["tenant"], mark["worker"]) == (operation, "acme", "victim")
    assert mark["status"] == mark["error"]["code"] == INTERNAL
    assert mark["error"]["message"].startswith("not finished after 1 delivery")
    assert "result" not in mark and "values" not in mark and "finished" not in mark["times"]
    assert system.batches() == []

    system.dead("redrive")
    wait_until(system.batches, "it is worked after all")
    [[record]] = system.batches()
    assert (record["id"], record["status"], record["result"]["mean"]) == (operation, 0, 499.6)
    assert marks(system).keys() == {operation}, "the mark stays, and does not count"
    counted = lambda: [metric(heir, f"compute_worker_log_{what}_total") for what in ("records", "batches", "puts")]  # noqa: E731
    wait_until(lambda: counted() == [1, 1, 2], "it has written a record in a batch, and tried to mark its own last delivery")
    heir.stop()


def test_a_worker_that_may_not_ask_for_the_redrive_policy_works_without_marks(local_aws, queues):
    system = queues(local_aws, "marks", max_receive_count=1)
    with AwsProxy(local_aws.endpoint) as proxy:
        proxy.refuse("SQS.GetQueueAttributes", 403)
        worker = system.worker("w", environment={"AWS_ENDPOINT_URL": proxy.endpoint})
        operation = system.send_request('{"values":[1]}', system.reply_queue("test"))
        assert wait_until(lambda: system.log_record(operation), "it is logged")["status"] == 0
        assert marks(system) == {}
        worker.stop()
