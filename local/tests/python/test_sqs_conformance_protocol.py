"""The wire: requests and errors of AWS JSON 1.0 as bytes, which no SDK would send or show."""

import http.client
import json

import pytest

pytestmark = pytest.mark.embedded_only("errors of the protocol are each server's own; moto answers most with a page of HTML")


@pytest.fixture
def post(sqs, sqs_endpoint):
    """Sends a request as it is and returns status, headers and JSON of the answer."""

    def post(target, body, method="POST"):
        connection = http.client.HTTPConnection(*sqs_endpoint.address, timeout=10)
        try:
            connection.request(method, "/", body, {"Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": target})
            with connection.getresponse() as response:
                return response.status, response.headers, json.load(response)
        finally:
            connection.close()

    return post


def test_an_answer_has_the_type_of_the_protocol_and_a_request_id(post):
    status, headers, body = post("AmazonSQS.ListQueues", "{}")
    assert status == 200
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert len(headers["x-amzn-requestid"]) == 36
    assert "x-amzn-query-error" not in headers


def test_an_error_has_both_of_its_names(post):
    status, headers, body = post("AmazonSQS.GetQueueUrl", '{"QueueName": "no-such-queue"}')
    assert status == 400
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.NonExistentQueue;Sender"
    assert body == {"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "The specified queue does not exist."}


@pytest.mark.parametrize("target", ["AmazonSQS.Frobnicate", "AmazonSQS.", "AmazonSQS.sendmessage", "AmazonSQS.AddPermission"])
def test_an_action_that_is_not_offered_is_named(post, target):
    status, _, body = post(target, "{}")
    assert status == 400
    assert body["__type"].endswith(("#UnknownOperationException", "#UnsupportedOperation"))
    assert target.removeprefix("AmazonSQS.") in body["message"]


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '"text"',
        '{"QueueUrl": 7, "MessageBody": "m"}',
        '{"QueueUrl": "q", "MessageBody": ["m"]}',
        '{"QueueUrl": "q", "MessageBody": "m", "DelaySeconds": "soon"}',
        '{"QueueUrl": "q", "MessageBody": "m", "DelaySeconds": 1.5}',
        '{"QueueUrl": "q", "MessageBody": "\\ud800"}',
        '{"QueueUrl": "q", "MessageBody": "m", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": "%"}}}',
        '{"QueueUrl": "q", "MessageBody": "m"',
        b'{"QueueUrl": "q", "MessageBody": "\xff"}',
    ],
)
def test_what_is_not_json_of_the_right_shape_is_refused(post, body):
    status, headers, answer = post("AmazonSQS.SendMessage", body)
    assert status == 400
    assert answer["__type"] == "com.amazon.coral.service#SerializationException"
    assert headers["x-amzn-query-error"].endswith(";Sender")


@pytest.mark.parametrize(
    ("action", "body", "missing"),
    [
        ("SendMessage", "{}", "QueueUrl"),
        ("SendMessage", "", "QueueUrl"),
        ("SendMessage", '{"QueueUrl": null, "MessageBody": "m"}', "QueueUrl"),
        ("CreateQueue", "{}", "QueueName"),
        ("GetQueueUrl", "{}", "QueueName"),
        ("StartMessageMoveTask", "{}", "SourceArn"),
        ("CancelMessageMoveTask", "{}", "TaskHandle"),
    ],
)
def test_a_missing_parameter_is_named(post, action, body, missing):
    status, headers, answer = post("AmazonSQS." + action, body)
    assert status == 400
    assert headers["x-amzn-query-error"] == "MissingParameter;Sender"
    assert answer["message"] == f"The request must contain the parameter {missing}."


def test_missing_parameters_beside_the_queue_are_named(post, queue):
    for action, missing in [
        ("SendMessage", "MessageBody"),
        ("DeleteMessage", "ReceiptHandle"),
        ("ChangeMessageVisibility", "ReceiptHandle"),
        ("SetQueueAttributes", "Attributes"),
        ("TagQueue", "Tags"),
        ("UntagQueue", "TagKeys"),
    ]:
        _, headers, answer = post("AmazonSQS." + action, json.dumps({"QueueUrl": queue}))
        assert headers["x-amzn-query-error"] == "MissingParameter;Sender", action
        assert missing in answer["message"]


def test_a_queue_url_without_a_name_is_refused(post):
    for url in ("", "http://127.0.0.1/000000000000/"):
        _, headers, answer = post("AmazonSQS.ReceiveMessage", json.dumps({"QueueUrl": url}))
        assert answer["__type"] == "com.amazonaws.sqs#InvalidAddress"


def test_unknown_members_and_nulls_are_ignored(post, queue):
    body = {"QueueUrl": queue, "MessageBody": "m", "DelaySeconds": None, "MessageAttributes": None, "Novelty": {"a": [1]}}
    status, _, answer = post("AmazonSQS.SendMessage", json.dumps(body))
    assert status == 200 and answer["MessageId"]
    attribute = {"DataType": "String", "StringValue": "v", "BinaryValue": None, "StringListValues": None, "BinaryListValues": []}
    body = {"QueueUrl": queue, "MessageBody": "m", "MessageAttributes": {"a": attribute}}
    status, _, answer = post("AmazonSQS.SendMessage", json.dumps(body))
    assert status == 200 and answer["MD5OfMessageAttributes"]


@pytest.mark.parametrize("entries", [{}, {"Entries": None}, {"Entries": []}])
def test_a_batch_without_entries_is_refused(post, queue, entries):
    for action in ("SendMessageBatch", "DeleteMessageBatch", "ChangeMessageVisibilityBatch"):
        _, headers, answer = post("AmazonSQS." + action, json.dumps({"QueueUrl": queue, **entries}))
        assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.EmptyBatchRequest;Sender"


def test_an_entry_without_an_id_or_a_body_is_refused(post, queue):
    send = "AmazonSQS.SendMessageBatch"
    _, _, answer = post(send, json.dumps({"QueueUrl": queue, "Entries": [{"MessageBody": "m"}]}))
    assert answer["__type"] == "com.amazonaws.sqs#InvalidBatchEntryId"
    status, _, answer = post(send, json.dumps({"QueueUrl": queue, "Entries": [{"Id": "0"}]}))
    assert status == 200 and [failure["Code"] for failure in answer["Failed"]] == ["MissingParameter"]


def test_lists_as_values_of_attributes_are_refused(post, queue):
    attribute = {"DataType": "String", "StringValue": "v", "StringListValues": ["v"]}
    body = {"QueueUrl": queue, "MessageBody": "m", "MessageAttributes": {"a": attribute}}
    _, headers, _ = post("AmazonSQS.SendMessage", json.dumps(body))
    assert headers["x-amzn-query-error"] == "AWS.SimpleQueueService.UnsupportedOperation;Sender"


def test_another_method_than_post_is_refused(post):
    status, _, body = post("AmazonSQS.ListQueues", None, method="GET")
    assert status == 400
    assert body["__type"].endswith("#UnknownOperationException")


def test_a_request_beyond_all_limits_is_refused(post):
    status, _, body = post("AmazonSQS.SendMessage", b" " * (16 * 1024 * 1024 + 1))
    assert status == 413
    assert body["__type"].endswith("#RequestEntityTooLargeException")


def test_queue_urls_begin_with_the_host_of_the_request(sqs_endpoint, post, queue):
    name = queue.rsplit("/", 1)[1]
    _, _, answer = post("AmazonSQS.GetQueueUrl", json.dumps({"QueueName": name}))
    host, port = sqs_endpoint.address
    assert answer["QueueUrl"] == f"http://{host}:{port}/000000000000/{name}"
