"""Judges the workers of a local stack that misbehaves on purpose, whatever language they are written in.

    compute-local --workers 0 --chaos 'seed=7,duplicate=5%,…'     # and workers of your own, then:
    python local/tests/python/chaos_bench.py [--calls 300] [--concurrency 16] GATEWAY_ADDRESS AWS_ENDPOINT

Makes calls and checks what local/CHAOS.md promises: every answer is right, every failed call got a status that may be retried,
every answered call is logged exactly once, and nothing is left on the request queue or the dead-letter queue.
"""

import argparse
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import boto3
import grpc
from botocore.config import Config

from callers import Caller, generate_stubs
from processes import wait_until

QUEUES, BUCKET = ("compute-requests", "compute-requests-dlq"), "compute-logs"

# What a caller may be told when AWS fails.
TYPED = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.RESOURCE_EXHAUSTED}


@dataclass
class Verdict:
    answered: int = 0
    errors: Counter = field(default_factory=Counter)
    complaints: list = field(default_factory=list)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=300)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("address", help="of the gateway, such as 127.0.0.1:8080")
    parser.add_argument("endpoint", help="of SQS and S3, such as http://127.0.0.1:4566")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as stubs:
        api = generate_stubs(stubs)
        verdict = judge(api, options.address, options.endpoint, options.calls, options.concurrency)
    print(f"{verdict.answered} answered, failed: {dict(verdict.errors) or 0}")
    for complaint in verdict.complaints:
        print(complaint)
    sys.exit(bool(verdict.complaints))


def judge(api, address, endpoint, calls, concurrency=16, patience=120):
    """Makes the calls, waits until the queues are empty, and compares what was answered with the log."""
    verdict, answered = Verdict(), []
    with Caller(api, address) as caller, ThreadPoolExecutor(concurrency) as threads:
        for values, outcome in threads.map(lambda number: call(caller, number), range(calls)):
            if isinstance(outcome, grpc.RpcError):
                verdict.errors[outcome.code().name] += 1
                if outcome.code() not in TYPED:
                    verdict.complaints.append(f"{values}: {outcome.code().name}, {outcome.details()}")
            else:
                answered.append(outcome.operation_id)
                verdict.complaints += wrong(values, outcome.statistics)
    verdict.answered = len(answered)
    if calls and not answered:
        verdict.complaints.append("no call was answered: does a worker run?")
    sqs, s3 = clients(endpoint)
    for queue in QUEUES:
        try:
            wait_until(lambda: left(sqs, queue) == 0, queue, patience, interval=0.5)
        except AssertionError:
            verdict.complaints.append(f"{left(sqs, queue)} messages are left on {queue}")
    verdict.complaints += differences(answered, logged_operations(s3))
    return verdict


def call(caller, number):
    values = [number, -number, 3 * number + 1]
    try:
        return values, caller.compute(values)
    except grpc.RpcError as error:
        return values, error


def wrong(values, statistics):
    expected = (3, min(values), max(values), str(sum(values)), sorted(values)[1])
    given = (statistics.count, statistics.min, statistics.max, statistics.sum, statistics.median)
    return [] if given == expected else [f"{values}: answered {given}, right is {expected}"]


def differences(answered, logged):
    """What is wrong with the log: it must have each answered operation, and none twice, whether answered or not."""
    times = Counter(logged)
    twice = [f"{operation} is logged {count} times" for operation, count in times.items() if count > 1]
    return twice + [f"{operation} was answered and is not logged" for operation in answered if operation not in times]


def left(sqs, queue):
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def logged_operations(s3):
    """The operation ids of all log objects: a key ends with `-<id>.json`."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="operations/")
    return [entry["Key"].removesuffix(".json")[-36:] for page in pages for entry in page.get("Contents", [])]


def clients(endpoint):
    """They meet the same faults as everybody, so they repeat what fails."""
    retries = Config(retries={"mode": "standard", "max_attempts": 20}, s3={"addressing_style": "path"})
    settings = {"endpoint_url": endpoint, "region_name": "us-east-1", "config": retries}
    settings |= {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return boto3.client("sqs", **settings), boto3.client("s3", **settings)


if __name__ == "__main__":
    main()
