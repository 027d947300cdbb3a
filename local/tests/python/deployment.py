"""One installation of the system on an AWS endpoint: its queues, its bucket, and the processes started for it."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import boto3
from botocore.config import Config

import recorded_calls
from aws_proxy import Recorder
from processes import binary, wait_until
from uuids import uuid7
from wire import METHOD, digest, record_key

REGION = "us-east-1"


class Aws:
    """An endpoint that speaks SQS and S3."""

    def __init__(self, endpoint):
        self.endpoint = endpoint
        # What our own processes get.
        self.environment = {
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,  # The name that boto3 knows.
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": endpoint,
        }
        settings = {
            "endpoint_url": endpoint,
            "region_name": REGION,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(max_pool_connections=50, s3={"addressing_style": "path"}),
        }
        self._recorder = Recorder(endpoint) if recorded_calls.FILE else None
        self.sqs = boto3.client("sqs", **settings)
        self.s3 = boto3.client("s3", **settings)


    def environment_of(self, role):
        """What a process of ours gets that does the work of a gateway, a worker or an operator. The credentials tell which."""
        endpoint = self._recorder.endpoint if self._recorder else self.endpoint
        return {**self.environment, "AWS_ACCESS_KEY_ID": role, "AWS_ENDPOINT_URL": endpoint}


class Deployment:
    """Queues `<prefix>-requests` and `<prefix>-requests-dlq`, a log bucket `<prefix>-logs`, gateways and workers."""

    # How much the processes log.
    log_level = "info"
    # Folders with binaries of another version, by the name of the binary.
    binaries = {}

    def __init__(self, aws, processes, prefix, max_receive_count=10):
        self.aws, self.processes, self.prefix = aws, processes, prefix
        sqs = aws.sqs
        self.dead_letters = sqs.create_queue(QueueName=f"{prefix}-requests-dlq")["QueueUrl"]
        dead_letters_arn = self.attributes(self.dead_letters)["QueueArn"]
        redrive = {"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": max_receive_count}
        attributes = {"VisibilityTimeout": "10", "RedrivePolicy": json.dumps(redrive)}
        self.requests = sqs.create_queue(QueueName=f"{prefix}-requests", Attributes=attributes)["QueueUrl"]
        self.bucket = f"{prefix}-logs"
        aws.s3.create_bucket(Bucket=self.bucket)

    def gateway(self, *flags, environment=None, listen="127.0.0.1:0"):
        """Starts a gateway and waits until it serves; its address is the attribute `address` of the process."""
        flags = ["--listen", listen, "--admin-listen", "127.0.0.1:0", *self._flags(), *flags]
        gateway = self.processes.start([self._binary("compute-gateway"), *flags], self._environment("gateway", environment))
        gateway.address = gateway.event("ready")["address"]
        if "compute-gateway" not in self.binaries:  # Early ones did not say.
            gateway.admin = gateway.event("the admin port listens")["address"]
        return gateway

    def gateway_that_fails(self, *flags):
        """Starts a gateway that ends by itself; returns what it logged."""
        flags = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *self._flags(), *flags]
        gateway = self.processes.start([binary("compute-gateway"), *flags], self._environment("gateway", None))
        assert gateway.exit_code() == 1
        gateway.stderr.close()
        return gateway.stderr.text()

    def worker(self, worker_id, *flags, environment=None):
        """Starts a worker that ends soon when told to, and waits until it works; its attribute `admin` is its admin port."""
        flags = ["--admin-listen", "127.0.0.1:0", "--worker-id", worker_id, *self._flags(), *flags]
        if "--poll-wait" not in flags:
            flags += ["--poll-wait", "1s"]
        worker = self.processes.start([self._binary("compute-worker"), *flags], self._environment("worker", environment))
        worker.event("ready")
        worker.admin = worker.event("the admin port listens")["address"]
        return worker

    def dead(self, command, *arguments, exit_code=0):
        """Runs `compute-worker dead <command>`; returns what it printed, on standard output and error."""
        flags = ["--request-queue", f"{self.prefix}-requests", "--prefix", self.prefix]
        environment = {"PATH": os.environ["PATH"], **self.aws.environment_of("operator")}
        ended = subprocess.run(
            [binary("compute-worker"), "dead", command, *arguments, *flags],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert ended.returncode == exit_code, ended
        return ended.stdout, ended.stderr

    def python_worker(self, *flags):
        """Starts the example worker in Python."""
        script = Path(__file__).with_name("worker.py")
        command = [sys.executable, script, "--poll-wait", "1", *flags, self.requests, self.bucket]
        worker = self.processes.start(command, self.aws.environment)
        worker.printed("^(working) on ")
        return worker

    def _binary(self, name):
        return str(Path(self.binaries[name]) / name) if name in self.binaries else binary(name)

    def _environment(self, role, changes):
        return {**self.aws.environment_of(role), **(changes or {})}

    def _flags(self):
        logs = ["--log-format", "json", "--log-level", self.log_level]
        return ["--request-queue", f"{self.prefix}-requests", "--log-bucket", self.bucket, "--prefix", self.prefix, *logs]

    # Queues

    def attributes(self, queue_url):
        return self.aws.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]

    def counts(self, queue_url):
        """How many messages of a queue are visible, and how many are being worked."""
        attributes = self.attributes(queue_url)
        return tuple(int(attributes[f"ApproximateNumberOfMessages{suffix}"]) for suffix in ("", "NotVisible"))

    def wait_until_empty(self, queue_url):
        wait_until(lambda: self.counts(queue_url) == (0, 0), f"{queue_url} is empty")

    def reply_queue(self, suffix):
        """Makes a queue that workers may reply to."""
        return self.aws.sqs.create_queue(QueueName=f"{self.prefix}-replies-{suffix}")["QueueUrl"]

    def reply_queues(self):
        """URLs of all reply queues there are."""
        return self.aws.sqs.list_queues(QueueNamePrefix=f"{self.prefix}-replies").get("QueueUrls", [])

    def send_request(self, body, reply_to, group=None, **attributes):
        """Puts a message straight onto the request queue, well-formed but for what is given; None leaves an attribute out.
        Attributes are text (a String) or pairs of data type and value. Returns the correlation id.
        """
        given = {"CorrelationId": str(uuid7()), "ReplyTo": reply_to, "Method": METHOD, "Digest": digest(body)}
        given |= attributes
        self.send(self.requests, body, given, group)
        return given["CorrelationId"]

    def send(self, queue_url, body, attributes, group=None):
        named = {name: attribute(value) for name, value in attributes.items() if value is not None}
        options = {"MessageGroupId": group} if group else {}
        self.aws.sqs.send_message(QueueUrl=queue_url, MessageBody=body, MessageAttributes=named, **options)

    def receive(self, queue_url, what):
        """Waits for a message, takes it off the queue, and returns it with its attributes as a plain dict."""

        def poll():
            received = self.aws.sqs.receive_message(
                QueueUrl=queue_url, WaitTimeSeconds=1, MessageAttributeNames=["All"], MessageSystemAttributeNames=["All"]
            )
            return received.get("Messages")

        [message] = wait_until(poll, what)
        self.aws.sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
        given = message.get("MessageAttributes", {})
        message["plain"] = {name: value.get("StringValue", value.get("BinaryValue")) for name, value in given.items()}
        return message

    # Log

    def log_keys(self):
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="operations/")
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]

    def log_record(self, operation_id, tenant=None):
        """The log record of one operation, if it is there."""
        try:
            found = self.aws.s3.get_object(Bucket=self.bucket, Key=record_key(tenant, operation_id))
        except self.aws.s3.exceptions.NoSuchKey:
            return None
        return json.loads(found["Body"].read())

    def log_records(self):
        """All log records with an object of their own, by operation id."""
        bodies = (self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in self.log_keys())
        return {record["id"]: record for record in map(json.loads, bodies)}

    def batches(self):
        """The records of each batch, in the order they were committed in."""
        pages = self.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="batches/")
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        bodies = (self.aws.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in reversed(sorted(keys)))
        return [[json.loads(line) for line in gzip.decompress(body).splitlines()] for body in bodies]


def metric(process, name):
    """The value of a metric, named with its labels if it has any, from the admin port of a process."""
    with urlopen(f"http://{process.admin}/metrics", timeout=10) as response:
        lines = response.read().decode().splitlines()
    [value] = [line.rpartition(" ")[2] for line in lines if line.startswith(f"{name} ")]
    return float(value)


def traffic(aws):
    """How often each operation was asked for at an embedded endpoint, and what that counts on a bill."""
    with urlopen(f"{aws.endpoint}/_compute/traffic", timeout=10) as answer:
        return json.load(answer)


def attribute(value):
    data_type, value = value if isinstance(value, tuple) else ("String", value)
    kind = "BinaryValue" if data_type.startswith("Binary") else "StringValue"
    return {"DataType": data_type, kind: value}
