"""Dead letters: where they go, and the tasks that move them back."""

import json

import pytest

from sqs_requests import arn, attributes_of, counts, error_code, receive_all, receive_one

embedded_only = pytest.mark.embedded_only
moto_differs = pytest.mark.moto_differs


def redrive(sqs, graveyard, count=1):
    return json.dumps({"deadLetterTargetArn": arn(sqs, graveyard), "maxReceiveCount": count})


def test_what_is_received_too_often_goes_to_the_dead_letter_queue(sqs, new_queue):
    graveyard = new_queue()
    queue = new_queue(RedrivePolicy=redrive(sqs, graveyard, 2), VisibilityTimeout="0")
    sent = sqs.send_message(QueueUrl=queue, MessageBody="poison")
    assert receive_one(sqs, queue)["Body"] == "poison"
    assert receive_one(sqs, queue)["Body"] == "poison"
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    dead = receive_one(sqs, graveyard, MessageSystemAttributeNames=["All"])
    assert dead["MessageId"] == sent["MessageId"]
    assert dead["Attributes"]["ApproximateReceiveCount"] == "3"
    assert counts(sqs, queue) == (0, 0, 0)


@moto_differs("moto does not say where a dead letter came from")
def test_a_dead_letter_says_where_it_came_from(sqs, new_queue):
    graveyard = new_queue()
    queue = new_queue(RedrivePolicy=redrive(sqs, graveyard), VisibilityTimeout="0")
    sqs.send_message(QueueUrl=queue, MessageBody="poison")
    first = receive_one(sqs, queue, MessageSystemAttributeNames=["All"])["Attributes"]
    assert "DeadLetterQueueSourceArn" not in first
    sqs.receive_message(QueueUrl=queue)
    dead = receive_one(sqs, graveyard, MessageSystemAttributeNames=["All"])["Attributes"]
    assert dead["DeadLetterQueueSourceArn"] == arn(sqs, queue)
    assert dead["SentTimestamp"] == first["SentTimestamp"]
    assert dead["ApproximateFirstReceiveTimestamp"] == first["ApproximateFirstReceiveTimestamp"]


def test_a_count_may_be_a_string_and_is_a_number_when_read(sqs, new_queue):
    graveyard = new_queue()
    queue = new_queue(RedrivePolicy=redrive(sqs, graveyard, "7"))
    policy = json.loads(attributes_of(sqs, queue)["RedrivePolicy"])
    assert policy == {"deadLetterTargetArn": arn(sqs, graveyard), "maxReceiveCount": 7}
    # The same policy, written otherwise, is no difference.
    assert new_queue(queue.rsplit("/", 1)[1], RedrivePolicy=redrive(sqs, graveyard, 7)) == queue


@moto_differs("moto does not check the count and the other end")
@pytest.mark.parametrize("count", [0, 1001, "many", 1.5, None])
def test_a_bad_count_is_refused(sqs, new_queue, count):
    graveyard = new_queue()
    queue = new_queue()
    policy = {"deadLetterTargetArn": arn(sqs, graveyard), "maxReceiveCount": count}
    if count is None:
        policy = {"maxReceiveCount": 3}
    with error_code("InvalidParameterValue"):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": json.dumps(policy)})
    assert "RedrivePolicy" not in attributes_of(sqs, queue)


@moto_differs("moto answers NonExistentQueue for a missing target, and for text that is not JSON an error of its own")
def test_a_policy_needs_a_queue_that_exists(sqs, queue):
    missing = json.dumps({"deadLetterTargetArn": arn(sqs, queue) + "-missing", "maxReceiveCount": 3})
    for policy in (missing, "not json"):
        with error_code("InvalidParameterValue"):
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"RedrivePolicy": policy})


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, new_queue):
    graveyard = new_queue()
    assert sqs.list_dead_letter_source_queues(QueueUrl=graveyard).get("queueUrls", []) == []
    sources = sorted(new_queue(RedrivePolicy=redrive(sqs, graveyard)) for _ in range(3))
    assert sorted(sqs.list_dead_letter_source_queues(QueueUrl=graveyard)["queueUrls"]) == sources
    sqs.set_queue_attributes(QueueUrl=sources[0], Attributes={"RedrivePolicy": ""})
    assert "RedrivePolicy" not in attributes_of(sqs, sources[0])


@moto_differs("moto does not page ListDeadLetterSourceQueues")
def test_the_sources_of_a_dead_letter_queue_come_in_pages(sqs, new_queue):
    graveyard = new_queue()
    sources = sorted(new_queue(RedrivePolicy=redrive(sqs, graveyard)) for _ in range(3))
    first = sqs.list_dead_letter_source_queues(QueueUrl=graveyard, MaxResults=2)
    rest = sqs.list_dead_letter_source_queues(QueueUrl=graveyard, MaxResults=2, NextToken=first["NextToken"])
    assert first["queueUrls"] + rest["queueUrls"] == sources
    assert "NextToken" not in rest


@moto_differs("moto keeps RedriveAllowPolicy without obeying it")
def test_a_dead_letter_queue_decides_whose_letters_it_takes(sqs, new_queue):
    friend, stranger = new_queue(), new_queue()
    allow = {"redrivePermission": "byQueue", "sourceQueueArns": [arn(sqs, friend)]}
    graveyard = new_queue(RedriveAllowPolicy=json.dumps(allow))
    assert json.loads(attributes_of(sqs, graveyard)["RedriveAllowPolicy"]) == allow
    sqs.set_queue_attributes(QueueUrl=friend, Attributes={"RedrivePolicy": redrive(sqs, graveyard)})
    with error_code("InvalidParameterValue"):
        sqs.set_queue_attributes(QueueUrl=stranger, Attributes={"RedrivePolicy": redrive(sqs, graveyard)})
    with error_code("InvalidParameterValue"):
        sqs.set_queue_attributes(
            QueueUrl=graveyard, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "byQueue"})}
        )


# --- moving dead letters ----------------------------------------------------------------------------------------------------

# moto has no move tasks at all, so these tests say nothing about it.
move_tasks = embedded_only("moto does not implement message move tasks")


def bury(sqs, queue, bodies):
    """Sends messages and receives them until they are dead."""
    for body in bodies:
        sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert len(receive_all(sqs, queue, len(bodies), VisibilityTimeout=0)) == len(bodies)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)


def finished_task(sqs, source):
    """The latest task of a source, once it has ended. Each look is a request, so this does not spin."""
    for _ in range(10_000):
        task = sqs.list_message_move_tasks(SourceArn=arn(sqs, source))["Results"][0]
        if task["Status"] != "RUNNING":
            return task
    pytest.fail(f"task does not end: {task}")


@move_tasks
def test_dead_letters_move_back_to_where_they_came_from(sqs, new_queue):
    graveyard = new_queue()
    queues = [new_queue(RedrivePolicy=redrive(sqs, graveyard)) for _ in range(2)]
    for queue in queues:
        bury(sqs, queue, [queue + "-a", queue + "-b"])
    assert counts(sqs, graveyard) == (4, 0, 0)
    sqs.start_message_move_task(SourceArn=arn(sqs, graveyard))
    task = finished_task(sqs, graveyard)
    assert (task["Status"], task["SourceArn"]) == ("COMPLETED", arn(sqs, graveyard))
    assert task["ApproximateNumberOfMessagesMoved"] == task["ApproximateNumberOfMessagesToMove"] == 4
    assert "TaskHandle" not in task and "DestinationArn" not in task
    for queue in queues:
        moved = receive_all(sqs, queue, 2, MessageSystemAttributeNames=["All"])
        assert sorted(message["Body"] for message in moved) == [queue + "-a", queue + "-b"]
        # A moved message is a new one.
        assert {message["Attributes"]["ApproximateReceiveCount"] for message in moved} == {"1"}


@move_tasks
def test_dead_letters_move_to_a_queue_of_ones_choice(sqs, new_queue):
    graveyard, other = new_queue(), new_queue()
    queue = new_queue(RedrivePolicy=redrive(sqs, graveyard))
    bury(sqs, queue, ["dead"])
    sqs.send_message(QueueUrl=graveyard, MessageBody="sent here")
    sqs.start_message_move_task(SourceArn=arn(sqs, graveyard), DestinationArn=arn(sqs, other))
    task = finished_task(sqs, graveyard)
    assert (task["Status"], task["DestinationArn"]) == ("COMPLETED", arn(sqs, other))
    assert sorted(message["Body"] for message in receive_all(sqs, other, 2)) == ["dead", "sent here"]


@move_tasks
def test_a_message_of_unknown_origin_fails_the_task_and_stays(sqs, new_queue):
    graveyard = new_queue()
    new_queue(RedrivePolicy=redrive(sqs, graveyard))
    sqs.send_message(QueueUrl=graveyard, MessageBody="sent here")
    sqs.start_message_move_task(SourceArn=arn(sqs, graveyard))
    task = finished_task(sqs, graveyard)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert counts(sqs, graveyard) == (1, 0, 0)


@move_tasks
def test_a_running_task_is_the_only_one_and_can_be_cancelled(sqs, new_queue):
    graveyard = new_queue()
    queue = new_queue(RedrivePolicy=redrive(sqs, graveyard))
    bury(sqs, queue, [str(i) for i in range(10)])
    # One a second: it is still running when we look.
    task = sqs.start_message_move_task(SourceArn=arn(sqs, graveyard), MaxNumberOfMessagesPerSecond=1)
    with error_code("AWS.SimpleQueueService.UnsupportedOperation"):
        sqs.start_message_move_task(SourceArn=arn(sqs, graveyard))
    running = sqs.list_message_move_tasks(SourceArn=arn(sqs, graveyard))["Results"][0]
    assert (running["Status"], running["TaskHandle"]) == ("RUNNING", task["TaskHandle"])
    assert running["MaxNumberOfMessagesPerSecond"] == 1
    sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])
    assert finished_task(sqs, graveyard)["Status"] in ("CANCELLING", "CANCELLED")
    assert counts(sqs, graveyard)[0] > 0
    with error_code("ResourceNotFoundException"):
        sqs.cancel_message_move_task(TaskHandle=task["TaskHandle"])


@move_tasks
def test_a_bad_move_is_refused(sqs, new_queue):
    graveyard, plain = new_queue(), new_queue()
    new_queue(RedrivePolicy=redrive(sqs, graveyard))
    source = arn(sqs, graveyard)
    with error_code("InvalidParameterValue", "Dead Letter Queue"):
        sqs.start_message_move_task(SourceArn=arn(sqs, plain))
    with error_code("ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=source + "-missing")
    with error_code("ResourceNotFoundException"):
        sqs.start_message_move_task(SourceArn=source, DestinationArn=source + "-missing")
    with error_code("InvalidParameterValue"):
        sqs.start_message_move_task(SourceArn=source, DestinationArn=source)
    for rate in (0, 501):
        with error_code("InvalidParameterValue"):
            sqs.start_message_move_task(SourceArn=source, MaxNumberOfMessagesPerSecond=rate)
    with error_code("ResourceNotFoundException"):
        sqs.cancel_message_move_task(TaskHandle="bogus")
    assert sqs.list_message_move_tasks(SourceArn=source)["Results"] == []
