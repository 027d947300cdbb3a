"""A gateway of this version with a worker of an earlier one, and the reverse. `make compat` builds the earlier ones and names
the folders of their binaries in COMPUTE_EARLIER, separated by colons."""

import hashlib
import os
from pathlib import Path

import grpc
import pytest

from callers import details
from processes import wait_until

EARLIER = [Path(folder) for folder in os.environ.get("COMPUTE_EARLIER", "").split(":") if folder]
# It knows neither payloads nor tenants.
OLDEST = "abe1ce6"
pytestmark = [pytest.mark.heavy, pytest.mark.skipif(not EARLIER, reason="`make compat` builds the earlier versions")]

# Larger than what goes through the queue, 448 KiB.
LARGE = [10**12 + n for n in range(60_000)]


@pytest.fixture(params=EARLIER, ids=lambda folder: folder.name)
def earlier(request):
    return request.param


@pytest.fixture(params=["gateway", "worker"])
def earlier_role(request):
    return request.param


@pytest.fixture
def system(queues, local_aws, earlier, earlier_role):
    system = queues(local_aws, f"compat-{earlier_role}")
    system.binaries = {f"compute-{earlier_role}": earlier}
    return system


@pytest.fixture
def caller(system, connect):
    system.worker("the-worker")
    return connect(system.gateway().address)


def test_calls_are_answered_and_logged(system, caller, api):
    answer = caller.compute([4, 5, 2, 35, 2452], quantiles=[0.25], histogram=api.messages.HistogramOptions(bins=2))
    found = answer.statistics
    assert (found.count, found.min, found.max, found.sum, found.median, found.mean) == (5, 2, 2452, "2498", 5, 499.6)
    assert [(q.probability, q.value) for q in found.quantiles] == [(0.25, 4)]
    assert list(found.histogram.counts) == [4, 1]
    assert answer.worker == "the-worker" and answer.timing.HasField("work")
    wide = caller.compute([2**63 - 1, -(2**63), 2**53 + 1]).statistics
    assert (wide.min, wide.max, wide.sum) == (-(2**63), 2**63 - 1, str(2**53))
    record = wait_until(lambda: system.log_record(answer.operation_id) or in_batches(system, answer), "the call is logged")
    assert record["summary"] == "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6"
    system.wait_until_empty(system.requests)


def in_batches(system, answer):
    return next((record for batch in system.batches() for record in batch if record["id"] == answer.operation_id), None)


def test_a_large_list_goes_through_or_is_refused_with_a_typed_error(system, caller, earlier, earlier_role):
    try:
        answer = caller.compute(LARGE)
    except grpc.RpcError as error:
        # Its gateway took no such list, its worker found no list in a pointer.
        assert earlier.name == OLDEST
        expected = {"gateway": grpc.StatusCode.RESOURCE_EXHAUSTED, "worker": grpc.StatusCode.INVALID_ARGUMENT}[earlier_role]
        assert error.code() is expected, error
    else:
        assert (answer.statistics.count, answer.statistics.median) == (60_000, 10**12 + 29_999.5)
    assert caller.compute([1, 3]).statistics.mean == 2


def test_a_wrong_request_is_refused_with_its_field(caller):
    with pytest.raises(grpc.RpcError) as failed:
        caller.compute([1], quantiles=[1.5])
    assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = details(failed.value)["google.rpc.BadRequest"].field_violations
    assert [violation.field for violation in violations] == ["quantiles[0]"]


def test_a_deadline_holds_without_a_worker_and_nothing_is_left(system, connect):
    caller = connect(system.gateway().address)
    with pytest.raises(grpc.RpcError) as failed:
        caller.compute([1, 2], timeout=2)
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    system.worker("late")
    system.wait_until_empty(system.requests)
    assert caller.compute([1, 3]).statistics.mean == 2


def test_a_tenant_is_that_of_its_calls_in_the_log(system, connect, earlier, earlier_role, tmp_path):
    if earlier_role == "gateway":
        if earlier.name == OLDEST:
            pytest.skip("this gateway knew no tenants")
        gateway, metadata = system.gateway("--tenant-metadata", "x-tenant"), [("x-tenant", "acme")]
    else:
        token = "a-token-of-acme"
        (tmp_path / "tokens").write_text(f"{hashlib.sha256(token.encode()).hexdigest()} acme\n", encoding="utf-8")
        gateway, metadata = system.gateway("--tokens", tmp_path / "tokens"), [("authorization", f"Bearer {token}")]
    system.worker("the-worker")
    caller = connect(gateway.address)
    answer = caller.stub.Compute(caller.request([1, 2]), timeout=60, metadata=metadata)
    record = wait_until(lambda: system.log_record(answer.operation_id, "acme") or in_batches(system, answer), "it is logged")
    assert record["tenant"] == "acme"
