"""Receiving: what is shown, visibility, receipt handles, long polls."""

import http.client
import json
import threading
import time

import pytest

from sqs_requests import counts, error_code, receive_all, receive_one

embedded_only = pytest.mark.embedded_only
moto_differs = pytest.mark.moto_differs


def text(value):
    return {"DataType": "String", "StringValue": value}


# --- what is shown ----------------------------------------------------------------------------------------------------------


def test_a_receive_takes_as_many_as_it_asks_for(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(10)])
    assert len(sqs.receive_message(QueueUrl=queue)["Messages"]) == 1
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=4)["Messages"]) == 4
    assert len(sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]) == 5
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MaxNumberOfMessages", (0, 11)),
        ("WaitTimeSeconds", (-1, 21)),
        pytest.param("VisibilityTimeout", (-1, 43_201), marks=moto_differs("moto checks no VisibilityTimeout of a receive")),
    ],
)
def test_a_parameter_out_of_range_is_refused(sqs, queue, name, values):
    for value in values:
        with error_code("InvalidParameterValue", name):
            sqs.receive_message(QueueUrl=queue, **{name: value})


def test_nothing_more_is_shown_than_asked_for(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={"a": text("v")})
    message = receive_one(sqs, queue)
    assert set(message) == {"MessageId", "ReceiptHandle", "MD5OfBody", "Body"}


def test_all_system_attributes_are_shown_by_either_parameter(sqs, queue):
    header = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793")}
    before = int(time.time() * 1000) - 5
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageSystemAttributes=header)
    first = receive_one(sqs, queue, AttributeNames=["All"], VisibilityTimeout=0)["Attributes"]
    second = receive_one(sqs, queue, MessageSystemAttributeNames=["All"])["Attributes"]
    expected = {"SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp", "AWSTraceHeader"}
    assert set(first) == set(second) == expected
    assert (first["ApproximateReceiveCount"], second["ApproximateReceiveCount"]) == ("1", "2")
    assert first["AWSTraceHeader"] == header["AWSTraceHeader"]["StringValue"]
    assert first["SentTimestamp"] == second["SentTimestamp"]
    assert first["ApproximateFirstReceiveTimestamp"] == second["ApproximateFirstReceiveTimestamp"]
    times = int(first["SentTimestamp"]), int(first["ApproximateFirstReceiveTimestamp"])
    assert before <= times[0] <= times[1] <= time.time() * 1000 + 5


def test_only_the_system_attributes_asked_for_are_shown(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    message = receive_one(sqs, queue, MessageSystemAttributeNames=["ApproximateReceiveCount", "SequenceNumber"])
    assert message["Attributes"] == {"ApproximateReceiveCount": "1"}


@moto_differs("moto takes any name")
def test_an_unknown_system_attribute_is_refused(sqs, queue):
    with error_code("InvalidAttributeName", "Colour"):
        sqs.receive_message(QueueUrl=queue, MessageSystemAttributeNames=["Colour"])


ATTRIBUTES = {name: text(name) for name in ("foo.a", "foo.b", "foobar", "other")}


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        (["All"], ATTRIBUTES),
        ([".*"], ATTRIBUTES),
        (["foo.*"], ["foo.a", "foo.b", "foobar"]),
        (["foo.a", "other", "unknown"], ["foo.a", "other"]),
        (["foo.*", "other"], ATTRIBUTES),
        (["unknown"], []),
        (["FOOBAR"], []),
    ],
)
def test_message_attributes_are_shown_by_name_or_prefix(sqs, queue, asked, shown):
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=ATTRIBUTES)
    message = receive_one(sqs, queue, MessageAttributeNames=asked)
    assert message.get("MessageAttributes", {}) == {name: ATTRIBUTES[name] for name in shown}
    # The checksum is of what is shown: SDKs compare it with that.
    assert ("MD5OfMessageAttributes" in message) == bool(shown)


def test_the_checksum_is_of_the_attributes_shown(sqs, new_queue):
    parts, whole = new_queue(), new_queue()
    sqs.send_message(QueueUrl=parts, MessageBody="m", MessageAttributes=ATTRIBUTES)
    sent = sqs.send_message(QueueUrl=whole, MessageBody="m", MessageAttributes={"other": ATTRIBUTES["other"]})
    message = receive_one(sqs, parts, MessageAttributeNames=["other"])
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


# --- visibility -------------------------------------------------------------------------------------------------------------


def test_a_message_in_flight_is_hidden_and_comes_back(sqs, new_queue):
    queue = new_queue(VisibilityTimeout="2")
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    first = receive_one(sqs, queue)
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    second = receive_one(sqs, queue)
    assert second["MessageId"] == first["MessageId"]
    assert second["ReceiptHandle"] != first["ReceiptHandle"]


def test_a_message_is_given_back_by_a_timeout_of_zero(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=0)
    assert counts(sqs, queue) == (1, 0, 0)
    assert receive_one(sqs, queue)["Body"] == "m"


def test_a_timeout_is_extended(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="long work")
    sqs.send_message(QueueUrl=queue, MessageBody="clock")
    long_work = receive_one(sqs, queue, VisibilityTimeout=3)
    sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=long_work["ReceiptHandle"], VisibilityTimeout=100)
    clock = receive_one(sqs, queue, VisibilityTimeout=4)
    # When the one comes back, which was hidden later and for longer, the other is still hidden.
    assert receive_one(sqs, queue)["MessageId"] == clock["MessageId"]
    assert counts(sqs, queue) == (0, 2, 0)


@moto_differs("moto takes a negative timeout")
def test_a_message_is_hidden_for_twelve_hours_at_most(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    for timeout in (-1, 43_201):
        with error_code("InvalidParameterValue", "VisibilityTimeout"):
            sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=timeout)


@moto_differs("moto changes the timeout of a message that is not in flight")
def test_a_timeout_cannot_be_changed_once_the_message_is_visible(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    with pytest.raises(sqs.exceptions.MessageNotInflight) as raised:
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=5)
    assert raised.value.response["Error"]["Code"] == "AWS.SimpleQueueService.MessageNotInflight"


@moto_differs("moto answers ReceiptHandleIsInvalid for a handle that was valid once")
def test_a_timeout_cannot_be_changed_once_the_message_is_deleted(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    with error_code("InvalidParameterValue", "Message does not exist"):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle=handle, VisibilityTimeout=5)


# --- receipt handles --------------------------------------------------------------------------------------------------------


def test_deleting_twice_is_no_error(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue)["ReceiptHandle"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(sqs, queue) == (0, 0, 0)


@moto_differs("moto deletes by any handle that a message ever had")
def test_an_old_handle_deletes_nothing_and_is_no_error(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    old = receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    latest = receive_one(sqs, queue)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=old)
    assert counts(sqs, queue) == (0, 1, 0)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=latest)
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_message_can_be_deleted_after_its_timeout(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue, VisibilityTimeout=0)["ReceiptHandle"]
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=handle)
    assert counts(sqs, queue) == (0, 0, 0)


def test_a_bogus_handle_is_refused(sqs, queue):
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle="bogus")
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.change_message_visibility(QueueUrl=queue, ReceiptHandle="bogus", VisibilityTimeout=1)


def test_a_handle_of_another_queue_is_refused(sqs, new_queue):
    one, other = new_queue(), new_queue()
    sqs.send_message(QueueUrl=one, MessageBody="m")
    sqs.send_message(QueueUrl=other, MessageBody="m")
    handle = receive_one(sqs, one)["ReceiptHandle"]
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=other, ReceiptHandle=handle)


# --- batches ----------------------------------------------------------------------------------------------------------------


def test_a_batch_is_deleted_with_an_outcome_for_each(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(3)])
    handles = [message["ReceiptHandle"] for message in receive_all(sqs, queue, 3)]
    entries = [{"Id": f"e{i}", "ReceiptHandle": handle} for i, handle in enumerate([*handles[:2], "bogus"])]
    answer = sqs.delete_message_batch(QueueUrl=queue, Entries=entries)
    assert [success["Id"] for success in answer["Successful"]] == ["e0", "e1"]
    failures = [(failure["Id"], failure["Code"], failure["SenderFault"]) for failure in answer["Failed"]]
    assert failures == [("e2", "ReceiptHandleIsInvalid", True)]
    assert counts(sqs, queue) == (0, 1, 0)


def test_timeouts_of_a_batch_are_changed_with_an_outcome_for_each(sqs, queue):
    sqs.send_message_batch(QueueUrl=queue, Entries=[{"Id": str(i), "MessageBody": str(i)} for i in range(3)])
    handles = [message["ReceiptHandle"] for message in receive_all(sqs, queue, 3)]
    timeouts = [0, 100, 43_201]
    entries = [
        {"Id": f"e{i}", "ReceiptHandle": handle, "VisibilityTimeout": timeout}
        for i, (handle, timeout) in enumerate(zip(handles, timeouts, strict=True))
    ]
    answer = sqs.change_message_visibility_batch(QueueUrl=queue, Entries=entries)
    assert [success["Id"] for success in answer["Successful"]] == ["e0", "e1"]
    assert [(failure["Id"], failure["Code"]) for failure in answer["Failed"]] == [("e2", "InvalidParameterValue")]
    assert counts(sqs, queue) == (1, 2, 0)


@moto_differs("moto has no rules for batches other than those of sending")
@pytest.mark.parametrize("action", ["delete_message_batch", "change_message_visibility_batch"])
def test_a_batch_that_breaks_the_rules_is_refused_whole(sqs, queue, action):
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    handle = receive_one(sqs, queue)["ReceiptHandle"]

    def entry(name):
        entry = {"Id": str(name), "ReceiptHandle": handle, "VisibilityTimeout": 0}
        return entry if action.startswith("change") else {key: entry[key] for key in ("Id", "ReceiptHandle")}

    cases = [
        ("EmptyBatchRequest", []),
        ("TooManyEntriesInBatchRequest", [entry(i) for i in range(11)]),
        ("BatchEntryIdsNotDistinct", [entry(1), entry(1)]),
        ("InvalidBatchEntryId", [entry("a b")]),
    ]
    for name, entries in cases:
        with pytest.raises(getattr(sqs.exceptions, name)):
            getattr(sqs, action)(QueueUrl=queue, Entries=entries)
    assert counts(sqs, queue) == (0, 1, 0)


# --- long polls -------------------------------------------------------------------------------------------------------------


class OpenPoll:
    """A long poll whose request is sent and whose answer is not read yet."""

    def __init__(self, endpoint, queue, **parameters):
        self.connection = http.client.HTTPConnection(*endpoint.address, timeout=40)
        body = json.dumps({"QueueUrl": queue, "WaitTimeSeconds": 20, **parameters})
        # moto takes the region from the signature.
        scope = "any/20260101/us-east-1/sqs/aws4_request"
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": "AmazonSQS.ReceiveMessage",
            "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0",
        }
        self.connection.request("POST", "/", body, headers)

    def messages(self):
        with self.connection.getresponse() as response:
            return json.load(response).get("Messages", [])

    def close(self):
        self.connection.close()


def test_a_poll_comes_home_empty_after_its_wait(sqs, new_queue):
    assert "Messages" not in sqs.receive_message(QueueUrl=new_queue(), WaitTimeSeconds=1)
    assert "Messages" not in sqs.receive_message(QueueUrl=new_queue(ReceiveMessageWaitTimeSeconds="1"))


def test_a_poll_is_answered_as_soon_as_a_message_is_sent(sqs, sqs_endpoint, queue):
    poll = OpenPoll(sqs_endpoint, queue)
    # The clock of this test: the poll is answered while this one is still delayed, long before the wait would end.
    sqs.send_message(QueueUrl=queue, MessageBody="clock", DelaySeconds=10)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    assert [message["Body"] for message in poll.messages()] == ["m"]
    assert counts(sqs, queue) == (0, 1, 1)


def test_a_poll_is_answered_as_soon_as_a_delay_or_a_timeout_ends(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="in flight")
    receive_one(sqs, queue, VisibilityTimeout=4)
    sqs.send_message(QueueUrl=queue, MessageBody="delayed", DelaySeconds=1)
    sqs.send_message(QueueUrl=queue, MessageBody="clock", DelaySeconds=12)
    assert receive_one(sqs, queue, WaitTimeSeconds=20)["Body"] == "delayed"
    assert receive_one(sqs, queue, WaitTimeSeconds=20)["Body"] == "in flight"
    assert counts(sqs, queue) == (0, 2, 1)


@embedded_only("moto looks at the queue once a second, in no order of pollers")
def test_every_poller_gets_its_message(sqs, sqs_endpoint, queue):
    polls = [OpenPoll(sqs_endpoint, queue) for _ in range(20)]
    sqs.send_message(QueueUrl=queue, MessageBody="clock", DelaySeconds=10)
    for first in range(0, 20, 10):
        entries = [{"Id": str(i), "MessageBody": str(i)} for i in range(first, first + 10)]
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    bodies = [message["Body"] for poll in polls for message in poll.messages()]
    assert sorted(bodies, key=int) == [str(i) for i in range(20)]
    assert counts(sqs, queue) == (0, 20, 1)


@embedded_only("moto goes on polling for a client that has gone")
def test_a_poller_that_has_gone_takes_nothing(sqs, sqs_endpoint, queue):
    polls = [OpenPoll(sqs_endpoint, queue) for _ in range(5)]
    # Each of these requests goes through the same server after the polls came in, and after they went.
    counts(sqs, queue)
    for poll in polls:
        poll.close()
    counts(sqs, queue)
    sqs.send_message(QueueUrl=queue, MessageBody="m")
    message = receive_one(sqs, queue, MessageSystemAttributeNames=["ApproximateReceiveCount"])
    assert message["Attributes"] == {"ApproximateReceiveCount": "1"}


@embedded_only("moto hands a message to two receivers at once now and then")
def test_senders_and_receivers_in_parallel_lose_and_double_nothing(sqs, sqs_endpoint, queue):
    total = 200
    received, lock = [], threading.Lock()

    def send(first):
        client = sqs_endpoint.client()
        for i in range(first, total, 4):
            client.send_message(QueueUrl=queue, MessageBody=str(i))

    def receive():
        client = sqs_endpoint.client()
        while len(received) < total:
            answer = client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
                with lock:
                    received.append(message["Body"])

    threads = [threading.Thread(target=send, args=(i,), daemon=True) for i in range(4)]
    threads += [threading.Thread(target=receive, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(received, key=int) == [str(i) for i in range(total)]
    assert counts(sqs, queue) == (0, 0, 0)
