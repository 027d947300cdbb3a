"""What the conformance suite of SQS runs on: each test on the embedded endpoint and on moto.

The suite asks of both what the API reference promises of standard queues. Where they differ AWS's documentation decides, and the
test says so in its `moto_differs`. boto3 itself checks the MD5 of every body that it receives.

With COMPUTE_AWS_ENDPOINT, a base URL, the suite runs on what is there instead of starting the embedded endpoint.
"""

import os
import uuid
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config


class Endpoint:
    def __init__(self, name, url):
        self.name = name
        self.url = url

    @property
    def address(self):
        parts = urlsplit(self.url)
        return parts.hostname, parts.port

    def client(self):
        # Without retries, so that a test sees each answer; more patient than the longest poll.
        return boto3.client(
            "sqs",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=40),
        )


@pytest.fixture(scope="session", params=["embedded", "moto"])
def sqs_endpoint(request):
    url = os.environ.get("COMPUTE_AWS_ENDPOINT") if request.param == "embedded" else None
    fixture = {"embedded": "local_aws", "moto": "moto"}[request.param]
    return Endpoint(request.param, url or request.getfixturevalue(fixture).endpoint)


@pytest.fixture
def sqs(sqs_endpoint, request):
    """A boto3 client of the endpoint."""
    if sqs_endpoint.name == "moto":
        if marker := request.node.get_closest_marker("embedded_only"):
            pytest.skip(marker.args[0])
        if marker := request.node.get_closest_marker("moto_differs"):
            request.applymarker(pytest.mark.xfail(reason=marker.args[0], strict=True))
    return sqs_endpoint.client()


@pytest.fixture
def new_queue(sqs):
    """Makes queues of its own for one test, by their attributes, and deletes them afterwards."""
    urls = []

    def make(name=None, **attributes):
        name = name or f"q-{uuid.uuid4()}"
        urls.append(sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        return urls[-1]

    yield make
    for url in urls:
        try:
            sqs.delete_queue(QueueUrl=url)
        except sqs.exceptions.QueueDoesNotExist:
            pass


@pytest.fixture
def queue(new_queue):
    return new_queue()
