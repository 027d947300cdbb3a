"""What SQS tests ask again and again."""

from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError


@contextmanager
def error_code(code, message=""):
    """Expects an error with this code, the one that SDKs report, and this text in its message."""
    with pytest.raises(ClientError) as raised:
        yield raised
    error = raised.value.response["Error"]
    assert error["Code"] == code, error
    assert message in error["Message"]


def attributes_of(sqs, queue, *names):
    return sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names or ["All"])["Attributes"]


def arn(sqs, queue):
    return attributes_of(sqs, queue, "QueueArn")["QueueArn"]


def counts(sqs, queue):
    """Messages that are visible, in flight, delayed."""
    attributes = attributes_of(sqs, queue)
    names = ("", "NotVisible", "Delayed")
    return tuple(int(attributes["ApproximateNumberOfMessages" + name]) for name in names)


def receive_one(sqs, queue, **parameters):
    """The next message. One that is not there within the wait is an error."""
    messages = sqs.receive_message(QueueUrl=queue, **{"WaitTimeSeconds": 10, **parameters}).get("Messages", [])
    assert len(messages) == 1
    return messages[0]


def receive_all(sqs, queue, count, **parameters):
    """So many messages, in as few receives as it takes."""
    messages = []
    while len(messages) < count:
        limit = min(10, count - len(messages))
        parameters = {"WaitTimeSeconds": 10, **parameters, "MaxNumberOfMessages": limit}
        received = sqs.receive_message(QueueUrl=queue, **parameters).get("Messages", [])
        assert received, f"only {len(messages)} of {count} messages"
        messages += received
    return messages
