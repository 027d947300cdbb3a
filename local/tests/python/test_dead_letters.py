"""`compute-worker dead`: what operators see of the requests that nobody finished, and how these come back."""

import json

import grpc
import pytest

from callers import operation_id
from deployment import metric
from processes import wait_until
from uuids import uuid7

MAX_RECEIVE_COUNT = 2


@pytest.fixture
def system(local_aws, queues):
    return queues(local_aws, "dead", max_receive_count=MAX_RECEIVE_COUNT)


def bury(system, letters):
    """Receives and gives back what is on the request queue, as workers do that do not get to the end of it."""

    def received_too_often():
        system.aws.sqs.receive_message(QueueUrl=system.requests, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return system.counts(system.dead_letters) == (letters, 0)

    wait_until(received_too_often, f"{letters} messages are dead")


def listed(system, *flags):
    out, _ = system.dead("list", "--json", *flags)
    return [json.loads(line) for line in out.splitlines()]


def unfinished_call(system, connect):
    """A call whose deadline has passed before any worker came; returns its operation id."""
    with pytest.raises(grpc.RpcError) as error:
        connect(system.gateway("--poll-wait", "1s").address).compute([4, 5, 2, 35, 2452], timeout=1)
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    return operation_id(error.value)


def test_dead_letters_are_listed_shown_and_moved_back_and_a_call_among_them_is_computed_and_logged(system, connect):
    operation = unfinished_call(system, connect)
    system.send(system.requests, "a \x85 b", {"Other": "1"}, group="tenant-a")
    bury(system, 2)

    # List.
    call, poison = sorted(listed(system), key=lambda letter: letter["id"] is None)
    assert (call["id"], call["method"], call["tenant"]) == (operation, "compute.v1.ComputeService/Compute", None)
    assert call["why"] == f"received {MAX_RECEIVE_COUNT} times without being finished"
    assert (poison["id"], poison["method"], poison["tenant"]) == (None, None, "tenant-a")
    assert poison["why"] == "cannot be answered: message attribute CorrelationId is missing"
    assert call["source"] == poison["source"] == f"{system.prefix}-requests"
    assert call["body_bytes"] > 0 and "body" not in call
    assert system.counts(system.dead_letters) == (2, 0), "they were given back at once"

    out, notes = system.dead("list")
    header, *lines = out.splitlines()
    assert header.split() == ["ID", "TENANT", "METHOD", "SENT", "RECEIVED", "WHY"]
    assert {line.split()[0] for line in lines} == {operation, poison["message_id"]}
    assert {line[header.index("WHY") :] for line in lines} == {call["why"], poison["why"]}
    assert notes.startswith("2 dead letters in ") and notes.endswith("Looking has raised their receive counts.\n")
    assert {letter["receive_count"] for letter in listed(system)} == {call["receive_count"] + 2}

    # Show.
    [shown] = map(json.loads, system.dead("show", operation, "--json")[0].splitlines())
    assert json.loads(shown["body"]) == {"values": [4, 5, 2, 35, 2452]}
    given = {attribute["name"]: attribute["value"] for attribute in shown["attributes"]}
    assert given["CorrelationId"] == operation and given["ReplyTo"] == system.reply_queues()[0]
    out, _ = system.dead("show", poison["message_id"], "--body", "4")
    assert "body (6 bytes, the first 4 of them):\na \\u{85}\n" in out and "  Other (String) = 1\n" in out
    _, notes = system.dead("show", str(uuid7()), exit_code=1)
    assert "there is no dead letter with the id" in notes

    # Move back.
    out, _ = system.dead("redrive", "--json")
    assert json.loads(out) == {"status": "COMPLETED", "moved": 2, "to_move": 2}
    assert system.counts(system.dead_letters) == (0, 0) and system.counts(system.requests) == (2, 0)
    worker = system.worker("late")
    record = wait_until(lambda: system.log_record(operation), "the call is logged")
    assert (record["status"], record["result"]["mean"]) == (0, 499.6)
    assert metric(worker, "compute_worker_shed_total") == 0
    wait_until(lambda: system.counts(system.dead_letters) == (1, 0), "what cannot be answered is dead again")
    system.wait_until_empty(system.requests)
    assert len(system.log_keys()) == 1


def test_a_list_shows_each_letter_once_and_says_whether_there_are_more(system):
    operations = {system.send_request('{"values":[1]}', None) for _ in range(25)}
    bury(system, 25)

    letters = listed(system)
    assert len(letters) == 25 and {letter["id"] for letter in letters} == operations
    out, notes = system.dead("list", "--json", "--limit", "12")
    assert len(out.splitlines()) == 12
    assert "12 dead letters in " in notes and "and there are more" in notes
    assert system.counts(system.dead_letters) == (25, 0)


def test_a_move_can_be_slow_says_how_far_it_is_and_is_the_only_one(system):
    for _ in range(3):
        system.send_request('{"values":[1]}', None)
    bury(system, 3)
    arn = system.attributes(system.dead_letters)["QueueArn"]
    system.aws.sqs.start_message_move_task(SourceArn=arn, MaxNumberOfMessagesPerSecond=1)
    _, notes = system.dead("redrive", exit_code=1)
    assert "There is already a task running" in notes
    status = lambda: system.aws.sqs.list_message_move_tasks(SourceArn=arn)["Results"][0]["Status"]  # noqa: E731
    wait_until(lambda: status() == "COMPLETED", "the move has ended")
    bury(system, 3)

    out, notes = system.dead("redrive", "--max-per-second", "1")
    assert out == "moved 3 dead letters back to the queues that they came from\n"
    assert "moved 1 of about 3\n" in notes and "moved 2 of about 3\n" in notes


def test_what_was_sent_to_the_dead_letter_queue_itself_is_told_apart_and_cannot_be_moved_back(system):
    system.send(system.dead_letters, "lost", {})
    [letter] = listed(system)
    assert letter["why"] == "sent to the dead-letter queue, not moved there by SQS"
    _, notes = system.dead("redrive", exit_code=1)
    assert "CouldNotDetermineMessageSource" in notes


def test_a_queue_without_a_dead_letter_queue_is_named(system):
    system.aws.sqs.set_queue_attributes(QueueUrl=system.requests, Attributes={"RedrivePolicy": ""})
    _, notes = system.dead("list", exit_code=1)
    assert f"{system.prefix}-requests has no dead-letter queue: it has no RedrivePolicy" in notes
