"""What keeps a process from starting is told: the flag, the value, what is allowed."""

import socket
import subprocess

import pytest

from processes import binary

NEEDED = ["--request-queue", "compute-requests", "--log-bucket", "compute-logs"]

BAD_FLAGS = [
    ("compute-gateway", "--listen", "8080"),
    ("compute-gateway", "--request-queue", "a b"),
    ("compute-gateway", "--request-queue", "requests.fifo"),
    ("compute-gateway", "--log-bucket", "Logs"),
    ("compute-gateway", "--prefix", "x" * 36),
    ("compute-gateway", "--max-in-flight", "0"),
    ("compute-gateway", "--default-deadline", "soon"),
    ("compute-gateway", "--max-deadline", "30"),
    ("compute-gateway", "--drain-limit", "-1s"),
    ("compute-worker", "--concurrency", "0"),
    ("compute-worker", "--concurrency", "many"),
    ("compute-worker", "--log-values", "some"),
    ("compute-worker", "--worker-id", "a b"),
    ("compute-worker", "--poll-wait", "21s"),
    ("compute-worker", "--log-level", "loud?"),
    ("compute-local", "--workers", "65"),
    ("compute-local", "--listen", "localhost"),
]


def start(name, flags, environment=None):
    """Runs a binary that does not get far."""
    command = [binary(name), *flags]
    return subprocess.run(command, env=environment or {}, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(("name", "flag", "value"), BAD_FLAGS)
def test_a_bad_value_is_named_with_its_flag(name, flag, value):
    needed = [] if name == "compute-local" or flag in NEEDED else NEEDED
    if flag in NEEDED:
        needed = NEEDED[2:] if flag == NEEDED[0] else NEEDED[:2]
    ended = start(name, [*needed, f"{flag}={value}"])
    assert ended.returncode == 2
    assert flag in ended.stderr and value in ended.stderr


@pytest.mark.parametrize("name", ["compute-gateway", "compute-worker"])
def test_a_bad_value_in_the_environment_is_named_too(name):
    ended = start(name, NEEDED, {"COMPUTE_DRAIN_LIMIT": "never"})
    assert ended.returncode == 2
    assert "--drain-limit" in ended.stderr and "never" in ended.stderr


@pytest.mark.parametrize("name", ["compute-gateway", "compute-worker"])
def test_what_is_required_is_named(name):
    ended = start(name, [])
    assert ended.returncode == 2
    assert "--request-queue" in ended.stderr and "--log-bucket" in ended.stderr


@pytest.mark.parametrize("name", ["compute-gateway", "compute-worker"])
def test_a_queue_that_is_not_there_is_named(local_aws, queues, name):
    system = queues(local_aws, "start")
    flags = ["--request-queue", "no-such-queue", "--log-bucket", system.bucket, "--admin-listen", "127.0.0.1:0"]
    ended = start(name, flags + ["--listen", "127.0.0.1:0"] * (name == "compute-gateway"), local_aws.environment)
    assert ended.returncode == 1
    assert "no-such-queue" in ended.stderr


def test_a_bucket_that_is_not_there_is_named(local_aws, queues):
    system = queues(local_aws, "start")
    flags = ["--request-queue", f"{system.prefix}-requests", "--log-bucket", "no-such-bucket"]
    ended = start("compute-worker", [*flags, "--admin-listen", "127.0.0.1:0"], local_aws.environment)
    assert ended.returncode == 1
    assert "no-such-bucket" in ended.stderr


@pytest.mark.parametrize(
    ("name", "flag"),
    [
        ("compute-gateway", "--listen"),
        ("compute-gateway", "--admin-listen"),
        ("compute-worker", "--admin-listen"),
        ("compute-local", "--listen"),
        ("compute-local", "--aws-listen"),
    ],
)
def test_a_port_that_is_taken_is_named_with_its_flag(name, flag, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ports = {
            "compute-gateway": ["--listen", "--admin-listen"],
            "compute-worker": ["--admin-listen"],
            "compute-local": ["--listen", "--aws-listen"],
        }
        flags = ["--data-dir", tmp_path] if name == "compute-local" else NEEDED
        free = [f"{port}=127.0.0.1:0" for port in ports[name] if port != flag]
        ended = start(name, [*flags, *free, f"{flag}={address}"])
    assert ended.returncode == 1
    assert flag in ended.stderr and address in ended.stderr
