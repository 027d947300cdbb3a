"""Amazon's own library for large messages reads what we write, and we read what it writes.

https://pypi.org/project/amazon-sqs-extended-client/, the Python twin of the Extended Client Library for Java.
"""

import json
import uuid

import boto3
import pytest

import wire
from deployment import REGION, attribute
from exact import exact
from processes import wait_until
from uuids import uuid7

# To import the library puts its session in place of boto3's, for the whole process. The other tests want boto3's.
OURS = boto3.Session
from sqs_extended_client import SQSExtendedClientSession  # noqa: E402

boto3.Session = boto3.session.Session = OURS
if boto3.DEFAULT_SESSION:
    boto3.setup_default_session()

# Some 900 KB as JSON: more than our gateway and the library put into a message.
VALUES = [3 * n - 10**6 for n in range(120_000)]


@pytest.fixture(params=["local_aws", "moto"])
def system(request, queues):
    return queues(request.getfixturevalue(request.param), "extended")


@pytest.fixture
def extended(system):
    """An SQS client of the library, which keeps payloads in the bucket of the system."""
    environment = system.aws.environment
    keys = {"aws_access_key_id": environment["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"]}
    session = SQSExtendedClientSession(region_name=REGION, **keys)
    client = session.client("sqs", endpoint_url=system.aws.endpoint)
    client.s3_client = system.aws.s3
    client.large_payload_support = system.bucket
    return client


def receive(client, queue_url, what):
    def poll():
        attributes = {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
        return client.receive_message(QueueUrl=queue_url, WaitTimeSeconds=1, **attributes).get("Messages")

    [message] = wait_until(poll, what)
    client.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    message["plain"] = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    return message


def send(client, queue_url, body, attributes):
    """Sends under a key of the contract: the library takes it from an attribute, and makes one up otherwise."""
    attributes = {**attributes, "S3Key": f"payloads/{uuid.uuid4()}"}
    attributes = {name: attribute(value) for name, value in attributes.items()}
    client.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=attributes)


def test_a_worker_with_the_library_reads_our_large_requests_and_its_large_replies_are_read(system, extended, connect):
    call = connect(system.gateway().address).start(VALUES, quantiles=[0.5])
    extended.always_through_s3 = True

    request = receive(extended, system.requests, "the request")
    body = wire.read_request(request["Body"])
    assert (body["values"], body["quantiles"]) == (VALUES, [0.5])
    given = request["plain"]
    assert wire.digest(request["Body"]) == given["Digest"]

    reply = wire.write(wire.statistics_body({"quantiles": [], "histogram": None} | exact(VALUES, [0.5], None)))
    answer = {"CorrelationId": given["CorrelationId"], "Digest": given["Digest"], "Status": ("Number", "0"), "Worker": "library"}
    send(extended, given["ReplyTo"], reply, answer)

    answer = call.result(60)
    assert (answer.statistics.count, answer.statistics.sum, answer.worker) == (len(VALUES), str(sum(VALUES)), "library")
    assert answer.statistics.quantiles[0].value == answer.statistics.median
    assert len(payloads(system)) == 2, "both went through S3"


def test_our_worker_works_large_requests_of_the_library_and_the_library_reads_its_large_replies(system, extended):
    worker = system.worker("ours", "--max-inline-size", "1KiB")
    reply_queue, operation = system.reply_queue("library"), str(uuid7())
    body = json.dumps({"values": VALUES, "histogram": {"bins": 500}})
    attributes = {"CorrelationId": operation, "ReplyTo": reply_queue, "Method": wire.METHOD, "Digest": wire.digest(body)}
    send(extended, system.requests, body, attributes)

    reply = receive(extended, reply_queue, "the reply")
    statistics = wire.read_statistics(wire.parse(reply["Body"]))
    assert (statistics["count"], statistics["sum"]) == (len(VALUES), str(sum(VALUES)))
    assert sum(statistics["histogram"]["counts"]) == len(VALUES)
    assert (reply["plain"]["CorrelationId"], reply["plain"]["Digest"]) == (operation, wire.digest(body))
    record = wait_until(lambda: system.log_record(operation), "it is logged")
    assert (record["count"], record["values"]) == (len(VALUES), VALUES[:1000])
    assert len(payloads(system)) == 2, "both went through S3"
    system.wait_until_empty(system.requests)
    worker.stop()


def test_without_a_digest_a_payload_is_worked_and_the_reply_names_that_of_the_pointer(system, extended):
    system.worker("ours")
    reply_queue, operation = system.reply_queue("library"), str(uuid7())
    attributes = {"CorrelationId": operation, "ReplyTo": reply_queue, "Method": wire.METHOD}
    send(extended, system.requests, json.dumps({"values": VALUES}), attributes)
    reply = receive(extended, reply_queue, "the reply")
    assert wire.read_statistics(wire.parse(reply["Body"]))["count"] == len(VALUES)


# moto answers CompleteMultipartUpload with a document whose root has another name than that of S3, which the SDK refuses.
@pytest.mark.parametrize("system", ["local_aws"], indirect=True)
def test_a_list_that_takes_an_upload_in_parts_goes_from_our_gateway_to_our_worker(system, connect):
    # 8.8 MB as JSON, of which a part is 8 MiB.
    values = [10**9 + n for n in range(800_000)]
    gateway, worker = system.gateway(), system.worker("ours")
    answer = connect(gateway.address).compute(values, timeout=120)
    assert (answer.statistics.count, answer.statistics.sum) == (len(values), str(sum(values)))
    [key] = payloads(system)
    assert system.aws.s3.head_object(Bucket=system.bucket, Key=key)["ETag"].endswith('-2"')
    gateway.stop()
    worker.stop()


def payloads(system):
    listed = system.aws.s3.list_objects_v2(Bucket=system.bucket, Prefix="payloads/")
    return [entry["Key"] for entry in listed.get("Contents", [])]
