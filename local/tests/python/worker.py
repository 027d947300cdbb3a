"""A compute worker in Python: takes requests from the queue, replies, logs to S3, as proto/wire/v1/README.md says.

    python worker.py [--prefix compute] [--worker-id ID] [--poll-wait SECONDS] REQUEST_QUEUE_URL LOG_BUCKET

It works one message at a time, in much less than the queue's visibility timeout, and it drops nothing that is late. SIGTERM
ends it after the poll under way. Region, credentials and endpoint come from boto3's own environment. It joins
`compute-local --workers 0` so:

    export AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local
    export AWS_ENDPOINT_URL=http://127.0.0.1:4566
    python local/tests/python/worker.py $AWS_ENDPOINT_URL/000000000000/compute-requests compute-logs
"""

import argparse
import signal
import time
import uuid
from urllib.parse import urlsplit

import boto3
import wire
from exact import exact


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", default="compute")
    parser.add_argument("--worker-id", default=f"python-{uuid.uuid4()}")
    parser.add_argument("--poll-wait", type=int, default=20)
    parser.add_argument("queue")
    parser.add_argument("bucket")
    options = parser.parse_args()
    options.sqs, options.s3 = boto3.client("sqs"), boto3.client("s3")
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    poll = {"QueueUrl": options.queue, "WaitTimeSeconds": options.poll_wait}
    poll |= {"MessageAttributeNames": ["All"], "MessageSystemAttributeNames": ["All"]}
    print("working on", options.queue, flush=True)
    while not stopping:
        for received in options.sqs.receive_message(**poll).get("Messages", []):
            handle(received, options)


def handle(received, options):
    sqs = options.sqs
    system, receipt = received["Attributes"], {"QueueUrl": options.queue, "ReceiptHandle": received["ReceiptHandle"]}
    message = {"body": received["Body"], "attributes": received.get("MessageAttributes", {})}
    message["MessageGroupId"] = system.get("MessageGroupId")
    allowed = (urlsplit(options.queue).path.split("/")[1], f"{options.prefix}-replies")
    try:
        address = wire.read_address(message, *allowed)
    except wire.Unanswerable:  # Left to the dead-letter queue, with less and less haste.
        pause = min(2 ** (int(system["ApproximateReceiveCount"]) - 1), 900)
        return sqs.change_message_visibility(**receipt, VisibilityTimeout=pause)
    times = {"sent": system["SentTimestamp"], "first_received": system["ApproximateFirstReceiveTimestamp"]}
    times = {name: int(ms) for name, ms in times.items()} | {"started": now()}
    record, reply = work(message, allowed)
    times["finished"] = now()
    if address["reply_to"]:
        answer = {"CorrelationId": address["id"], "Digest": record["digest"], "Worker": options.worker_id}
        answer["Timing"] = wire.write(times | {"slots": 1, "busy": 1})
        answer = {name: {"DataType": "String", "StringValue": text} for name, text in answer.items()}
        answer["Status"] = {"DataType": "Number", "StringValue": str(record["status"])}
        try:
            sqs.send_message(QueueUrl=address["reply_to"], MessageBody=wire.write(reply), MessageAttributes=answer)
        except sqs.exceptions.QueueDoesNotExist:
            pass  # Nobody waits any more.
    log(record | {"id": address["id"], "times": times, "worker": options.worker_id}, options)
    sqs.delete_message(**receipt)


def work(message, allowed):
    """The log record, as far as the request and its result go, and the body of the reply."""
    given = {name: attribute.get("StringValue") for name, attribute in message["attributes"].items()}
    record = dict.fromkeys(("count", "values", "result", "error", "summary"))
    record |= {"tenant": message["MessageGroupId"], "method": given.get("Method") or "", "status": 0}
    record["digest"] = given.get("Digest") or wire.digest(message["body"])
    try:
        decoded = wire.read_request_message(message, *allowed)
        wire.record_key(record["tenant"], decoded["id"])
        request = decoded["request"]
        values, wanted = request["values"], (request["quantiles"], request["bins"])
        result = {"quantiles": [], "histogram": None} | exact(values, *wanted)
        record |= {"count": len(values), "values": values[:1000], "result": result}
        record["summary"] = wire.summary(values, result)
        return record, wire.statistics_body(result)
    except wire.Refused as refused:
        code, fields = refused.error["code"], refused.error["fields"]
        record |= {"status": code, "error": {"code": code, "message": "the request is refused"}}
        violations = [{"field": field, "description": "not what it must be"} for field in fields]
        details = [{"@type": wire.BAD_REQUEST, "field_violations": violations}] if violations else []
        return record, record["error"] | {"details": details}


def log(record, options):
    s3 = options.s3
    try:
        key = wire.record_key(record["tenant"], record["id"])
        s3.put_object(Bucket=options.bucket, Key=key, Body=wire.write(wire.record_body(record)), IfNoneMatch="*")
    except wire.Refused:
        pass  # The log has no place for it, so it was refused.
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":  # An earlier delivery has logged the same.
            raise


def now():
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    main()
