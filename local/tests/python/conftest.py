"""Fixtures of the suites that run the system's binaries from outside."""

import itertools
import sys
from pathlib import Path

import pytest

from callers import Caller, generate_stubs
from deployment import Aws, Deployment
from processes import Processes, binary
from sqs_endpoints import new_queue, queue, sqs, sqs_endpoint  # noqa: F401  (fixtures of the SQS conformance suite)

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    """The Python modules generated from proto/."""
    return generate_stubs(tmp_path_factory.mktemp("stubs"))


@pytest.fixture
def connect(api):
    """Makes callers of a gateway's address; they are closed at the end."""
    callers = []

    def connect(address):
        callers.append(Caller(api, address))
        return callers[-1]

    yield connect
    for caller in callers:
        caller.channel.close()


@pytest.fixture
def processes():
    """Starts processes; they are killed at the end, and a panic of any of them fails the test."""
    processes = Processes()
    yield processes
    processes.end()


@pytest.fixture(scope="session")
def session_processes():
    processes = Processes()
    yield processes
    processes.end()


@pytest.fixture(scope="session")
def moto(session_processes):
    """SQS and S3 that nobody here wrote."""
    return start_moto(session_processes).aws


@pytest.fixture(scope="session")
def local_aws(session_processes, tmp_path_factory):
    """The embedded SQS and S3, with no worker of their own."""
    return Aws(start_local(session_processes, tmp_path_factory.mktemp("data"), workers=0).aws)


@pytest.fixture
def queues(processes):
    """Makes deployments on an AWS endpoint, each with its own queues."""

    def queues(aws, prefix="test", **options):
        return Deployment(aws, processes, f"{prefix}-{next(_numbers)}", **options)

    return queues


def start_moto(processes, port=0):
    """Starts moto; its endpoint is the attribute `aws` of the process."""
    script = Path(__file__).with_name("moto_in_turns.py")
    moto = processes.start([sys.executable, script, "-p", port])
    moto.aws = Aws(moto.stderr.first(lambda line: line.partition("Running on ")[2] or None, "address of moto"))
    return moto


def start_local(processes, data_dir, workers=1, *more_flags, environment=None):
    """Starts compute-local; what it prints are the attributes `page`, `aws` and `logs` of the process."""
    flags = ["--listen", "127.0.0.1:0", "--aws-listen", "127.0.0.1:0", "--data-dir", data_dir, "--workers", workers]
    local = processes.start([binary("compute-local"), *flags, *more_flags], environment)
    for what in ("page", "aws", "logs"):
        setattr(local, what, local.printed(rf"^\s*{what}\s+(\S+)"))
    local.address = local.page.removeprefix("http://").rstrip("/")
    return local


def pytest_configure(config):
    config.addinivalue_line(
        "markers",
        "moto_differs(reason): moto does not do what AWS documents; there the test must fail, so that we notice when it does",
    )
    config.addinivalue_line("markers", "embedded_only(reason): has nothing to say about moto and is skipped there")
    config.addinivalue_line("markers", "heavy: takes minutes, or needs root; run by `make deploy-check`")
