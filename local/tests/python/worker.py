"""A compute worker in Python: takes requests from the queue, replies, logs to S3. proto/wire/v1/README.md is what it follows.

    python worker.py [--prefix compute] [--worker-id ID] [--poll-wait SECONDS] REQUEST_QUEUE_URL LOG_BUCKET

Region, credentials and endpoint come from boto3's own environment. It works one message at a time, which takes much less than
the queue's visibility timeout, and sheds nothing. SIGTERM ends it after the poll under way.
"""

import argparse
import json
import signal
import time
import uuid
from datetime import datetime, timezone
from urllib.parse import urlsplit

import boto3

from exact import Refused, compute, digest, read_request, summary

METHOD = "compute.v1.ComputeService/Compute"
sqs, s3 = boto3.client("sqs"), boto3.client("s3")


def now():
    return time.time_ns() // 1_000_000


def handle(message, options):
    attributes = {name: value.get("StringValue") for name, value in message.get("MessageAttributes", {}).items()}
    try:
        operation, reply_to = str(uuid.UUID(attributes["CorrelationId"])), attributes.get("ReplyTo")
        if reply_to is not None and not urlsplit(reply_to).path.startswith(options.replies_start):
            raise ValueError(f"no replies go to {reply_to}")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        return defer(message, options, error)
    system = message["Attributes"]
    times = {"sent": int(system["SentTimestamp"]), "first_received": int(system["ApproximateFirstReceiveTimestamp"])}
    times["started"] = now()
    record = {"id": operation, "method": attributes.get("Method"), "times": times, "worker": options.worker_id}
    record |= {"status": 0, "digest": attributes.get("Digest") or digest(message["Body"])}
    if "MessageGroupId" in system:
        record["tenant"] = system["MessageGroupId"]
    try:
        if record["digest"] != digest(message["Body"]):
            raise Refused(3, "message attribute Digest is not the SHA-256 of the body")
        if record["method"] != METHOD:
            raise Refused(12, f"unknown method {record['method']}")
        request = read_request(message["Body"])
        reply = compute(request)
        values = request["values"]
        record |= {"count": len(values), "values": values[:1000], "result": reply, "summary": summary(values, reply)}
    except Refused as refused:
        reply = {"code": refused.code, "message": refused.message, "details": refused.details}
        record |= {"status": refused.code, "error": {"code": refused.code, "message": refused.message}}
    times["finished"] = now()
    if reply_to:
        timing = json.dumps({**times, "slots": 1, "busy": 1})
        answer = {"CorrelationId": operation, "Digest": record["digest"], "Worker": options.worker_id, "Timing": timing}
        answer = {name: {"DataType": "String", "StringValue": value} for name, value in answer.items()}
        answer["Status"] = {"DataType": "Number", "StringValue": str(record["status"])}
        try:
            sqs.send_message(QueueUrl=reply_to, MessageBody=json.dumps(reply), MessageAttributes=answer)
        except sqs.exceptions.QueueDoesNotExist:
            pass  # Nobody waits any more.
    log(operation, record, options)
    sqs.delete_message(QueueUrl=options.queue, ReceiptHandle=message["ReceiptHandle"])


def log(operation, record, options):
    created = uuid.UUID(operation).int >> 80  # A UUIDv7 starts with its time.
    day = datetime.fromtimestamp(created / 1000, timezone.utc).date()
    tenant = record.get("tenant", "-")
    key = f"operations/tenant={tenant}/dt={day}/{9_999_999_999_999 - created:013}-{operation}.json"
    try:
        s3.put_object(Bucket=options.bucket, Key=key, Body=json.dumps(record), IfNoneMatch="*")
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":  # It was logged at an earlier delivery.
            raise


def defer(message, options, error):
    """Leaves a message that cannot be answered to the dead-letter queue."""
    print("cannot be answered:", error, flush=True)
    pause = min(2 ** (int(message["Attributes"]["ApproximateReceiveCount"]) - 1), 900)
    receipt = message["ReceiptHandle"]
    sqs.change_message_visibility(QueueUrl=options.queue, ReceiptHandle=receipt, VisibilityTimeout=pause)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--prefix", default="compute")
    parser.add_argument("--worker-id", default=f"python-{uuid.uuid4()}")
    parser.add_argument("--poll-wait", type=int, default=20)
    parser.add_argument("queue")
    parser.add_argument("bucket")
    options = parser.parse_args()
    account = urlsplit(options.queue).path.split("/")[1]
    options.replies_start = f"/{account}/{options.prefix}-replies"
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    print("working on", options.queue, flush=True)
    while not stopping:
        received = sqs.receive_message(
            QueueUrl=options.queue,
            WaitTimeSeconds=options.poll_wait,
            MessageAttributeNames=["All"],
            MessageSystemAttributeNames=["All"],
        )
        for message in received.get("Messages", []):
            handle(message, options)


if __name__ == "__main__":
    main()
