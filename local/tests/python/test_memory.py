"""What requests take of the gateway's memory: counted, bounded, and given back."""

import grpc
import pytest

from aws_proxy import AwsProxy
from callers import OpenStream, details, parts
from deployment import metric
from processes import wait_until

MIB = 1 << 20

# A byte each on the wire, two in the message on the queue.
SMALL = [1] * 200_000


@pytest.fixture
def system(queues, local_aws):
    return queues(local_aws, "memory")


def taken(gateway):
    return metric(gateway, "compute_gateway_memory_taken_bytes")


def test_calls_for_which_there_is_no_memory_are_refused_until_there_is(api, connect, system):
    system.worker("only")
    gateway = system.gateway("--memory-budget", "64MiB")
    # Three times its size for the message, and 25 MiB for its way to S3: most of the budget.
    stream = OpenStream(connect(gateway.address), parts(api, [-(2**63)] * 1_270_000, 1_270_000))
    wait_until(lambda: taken(gateway) > 60 * MIB, "the stream has its memory")

    caller = connect(gateway.address)
    with pytest.raises(grpc.RpcError) as failed:
        caller.compute(SMALL)
    found = details(failed.value)
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert found["google.rpc.ErrorInfo"].reason == "MEMORY_EXHAUSTED"
    assert found["google.rpc.RetryInfo"].retry_delay.seconds == 1
    assert caller.compute([1, 2, 3]).statistics.mean == 2, "a small message finds room"

    stream.call.cancel()
    wait_until(lambda: taken(gateway) == 0, "the memory is given back")
    assert caller.compute(SMALL).statistics.count == len(SMALL)

    with pytest.raises(grpc.RpcError) as failed:
        caller.compute([1] * 2_400_000)
    info = details(failed.value)["google.rpc.ErrorInfo"]
    assert (info.reason, info.metadata["limit"]) == ("MESSAGE_TOO_LARGE", str(64 * MIB // 29)), "never room for it"


def test_a_request_takes_memory_until_sqs_has_it_and_not_while_it_waits(api, connect, system):
    with AwsProxy(system.aws.endpoint) as proxy:
        hold = proxy.hold_requests("SQS.SendMessageBatch")
        gateway = system.gateway(environment={"AWS_ENDPOINT_URL": proxy.endpoint})
        call = connect(gateway.address).start(SMALL)
        hold.wait_until_reached()
        wait_until(lambda: taken(gateway) == len('{"values":[]}') + 2 * len(SMALL) - 1, "the text of the message counts")
        hold.release()
        wait_until(lambda: taken(gateway) == 0, "it is sent")
        assert metric(gateway, "compute_gateway_waiters") == 1
        call.cancel()
