"""Lists that come as a stream, from a client that is not ours."""

import time
from pathlib import Path

import grpc
import pytest

from aws_proxy import AwsProxy
from callers import OpenStream, details, operation_id, parts
from deployment import metric
from processes import wait_until

MIB = 1 << 20

# Ten bytes each, in a message of about a megabyte.
LARGE = [-(2**63)] * 100_000


@pytest.fixture
def system(queues, local_aws):
    return queues(local_aws, "stream")


def unfinished_uploads(system):
    return system.aws.s3.list_multipart_uploads(Bucket=system.bucket).get("Uploads", [])


def payloads(system):
    return system.aws.s3.list_objects_v2(Bucket=system.bucket, Prefix="payloads/").get("Contents", [])


def peak_memory(process):
    """The most memory that a process has had so far, in bytes."""
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    [peak] = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(peak) * 1024


def test_a_generator_of_messages_is_answered(api, connect, system):
    system.worker("only")
    caller = connect(system.gateway().address)
    values = list(range(-500, 1500))
    answer = caller.stub.ComputeStream(parts(api, values, 300, quantiles=[0.25]), timeout=60)
    statistics = answer.statistics
    assert (statistics.count, statistics.min, statistics.max, statistics.median) == (2000, -500, 1499, 499.5)
    assert statistics.quantiles[0].value == -0.25
    record = wait_until(lambda: system.log_record(answer.operation_id), "it is logged")
    assert record["method"] == "compute.v1.ComputeService/Compute"


def test_an_error_in_the_middle_reaches_a_caller_that_goes_on_sending(api, connect, system):
    gateway = system.gateway()
    caller = connect(gateway.address)

    def messages():
        yield from parts(api, LARGE, len(LARGE))
        yield api.messages.ComputeStreamRequest(values=[1], finish_late=True)
        while True:
            yield from parts(api, LARGE, len(LARGE))

    with pytest.raises(grpc.RpcError) as failed:
        caller.stub.ComputeStream(messages(), timeout=60)
    error = failed.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT, error
    [violation] = details(error)["google.rpc.BadRequest"].field_violations
    assert (violation.field, violation.description[:9]) == ("finish_late", "message 2")
    assert details(error)["google.rpc.ErrorInfo"].metadata["operation_id"] == operation_id(error)


def test_a_caller_that_leaves_leaves_nothing_behind(api, connect, system):
    gateway = system.gateway()
    stream = OpenStream(connect(gateway.address), parts(api, LARGE * 12, len(LARGE)))
    wait_until(lambda: unfinished_uploads(system), "a part is on its way")
    stream.call.cancel()
    wait_until(lambda: not unfinished_uploads(system), "the upload is aborted")
    wait_until(lambda: metric(gateway, "compute_gateway_calls_in_flight") == 0, "the call has ended")
    assert payloads(system) == []
    assert system.counts(system.requests) == (0, 0)
    assert metric(gateway, "compute_gateway_memory_taken_bytes") == 0


def test_what_a_caller_had_sent_when_it_left_is_no_list(api, connect, system):
    system.worker("only")
    gateway = system.gateway()
    for _ in range(10):
        # gRPC resets the stream with CANCEL, which tonic takes for its end.
        stream = OpenStream(connect(gateway.address), parts(api, [1, 2, 3], 3))
        wait_until(lambda: metric(gateway, "compute_gateway_memory_taken_bytes") > 0, "the message has come")
        stream.call.cancel()
        wait_until(lambda: metric(gateway, "compute_gateway_calls_in_flight") == 0, "the call has ended")
    answer = connect(gateway.address).stub.ComputeStream(parts(api, [4], 1), timeout=60)
    wait_until(lambda: system.log_record(answer.operation_id), "it is logged")
    system.wait_until_empty(system.requests)
    assert len(system.log_keys()) == 1, "and nothing else"


def test_an_s3_that_stands_still_stops_the_sender_and_not_the_memory(api, connect, system):
    with AwsProxy(system.aws.endpoint) as proxy:
        hold = proxy.hold_requests("S3.PUT")
        gateway = system.gateway("--default-deadline", "120s", environment={"AWS_ENDPOINT_URL": proxy.endpoint})
        before, total = peak_memory(gateway), 80 * MIB
        stream = OpenStream(connect(gateway.address), parts(api, LARGE * 84, len(LARGE)))
        hold.wait_until_reached()
        wait_until(lambda: stands_still(stream), "the sender waits")
        # Three parts of 8 MiB, a message, and what is on its way: the stream's window and what the client keeps.
        assert stream.taken < 40 * MIB < total
        hold.release()
        stream.end()
        wait_until(lambda: system.counts(system.requests) == (1, 0), "the request is sent when S3 goes on", timeout=100)
        [payload] = payloads(system)
        assert payload["Size"] > total
        assert peak_memory(gateway) - before < 100 * MIB
        stream.call.cancel()


def stands_still(stream):
    """Whether nothing has been taken of a stream for a second."""
    before = stream.taken
    time.sleep(1)
    return stream.taken == before


def test_a_list_that_lies_in_s3_is_answered(api, connect, system):
    system.worker("only")
    caller = connect(system.gateway().address)
    values = list(range(-100_000, 400_001))
    answer = caller.stub.ComputeStream(parts(api, values, 70_000, quantiles=[0.1]), timeout=120)
    statistics = answer.statistics
    assert (statistics.count, statistics.min, statistics.max, statistics.median) == (500_001, -100_000, 400_000, 150_000)
    assert statistics.quantiles[0].value == -50_000
