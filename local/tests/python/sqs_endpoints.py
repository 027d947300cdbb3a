"""What the conformance suite of SQS runs on: each test on the embedded endpoint and on moto.

The suite asks of both what the API reference promises of standard queues. Where they differ AWS's documentation decides, and the
test says so in its `moto_differs`. boto3 itself checks the MD5 of every body that it receives.

The embedded one is found by COMPUTE_AWS_ENDPOINT (a base URL) if that is set; else the binary COMPUTE_LOCAL_BIN (default: the
debug build of compute-local) is started on ports of the system's choice.
"""

import os
import re
import socket
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import boto3
import pytest
from botocore.config import Config

REPOSITORY = Path(__file__).resolve().parents[3]
START_LIMIT_SECONDS = 30


class Endpoint:
    def __init__(self, name, url):
        self.name = name
        self.url = url

    @property
    def address(self):
        host, port = re.fullmatch(r"http://([^:/]+):(\d+)/?", self.url).groups()
        return host, int(port)

    def client(self):
        return boto3.client(
            "sqs",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, read_timeout=40),
        )


def _stop(process):
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _line_matching(process, pattern):
    """First match of the pattern in the output of a process, which is drained from then on."""
    seen = []
    timer = threading.Timer(START_LIMIT_SECONDS, process.kill)
    timer.start()
    try:
        for line in process.stdout:
            seen.append(line)
            if match := re.search(pattern, line):
                threading.Thread(target=process.stdout.read, daemon=True).start()
                return match
    finally:
        timer.cancel()
    pytest.fail(f"no line that matches {pattern!r} from {process.args}:\n{''.join(seen)}")


def _embedded(data_dir):
    if url := os.environ.get("COMPUTE_AWS_ENDPOINT"):
        yield Endpoint("embedded", url)
        return
    target = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))
    binary = os.environ.get("COMPUTE_LOCAL_BIN", target / "debug" / "compute-local")
    command = [binary, "--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", "--workers", "0", "--data-dir", data_dir]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Endpoint("embedded", _line_matching(process, r"aws\s+(http://\S+)")[1])
    finally:
        _stop(process)


def _free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _moto():
    # moto_server prints its address in a form that depends on werkzeug's version, so the port is chosen here.
    port = _free_port()
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _line_matching(process, r"Running on ")
        yield Endpoint("moto", f"http://127.0.0.1:{port}")
    finally:
        _stop(process)


@pytest.fixture(scope="session", params=["embedded", "moto"])
def sqs_endpoint(request, tmp_path_factory):
    yield from _embedded(tmp_path_factory.mktemp("data")) if request.param == "embedded" else _moto()


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
