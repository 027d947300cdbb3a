"""A Python client generated from the .proto, and grpcurl, as a user runs them against the local stack."""

import json
import subprocess
import time
from pathlib import Path

import grpc
import pytest

from callers import details, operation_id
from conftest import start_local
from deployment import Aws
from processes import Processes, wait_until

README_LIST = [4, 5, 2, 35, 2452]
README_SUMMARY = "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6"
SERVICE = "compute.v1.ComputeService"


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """The local stack as `cargo run` starts it."""
    processes = Processes()
    yield start_local(processes, tmp_path_factory.mktemp("data"))
    processes.end()


@pytest.fixture(scope="module")
def workerless(tmp_path_factory):
    processes = Processes()
    yield start_local(processes, tmp_path_factory.mktemp("data"), workers=0)
    processes.end()


def test_the_call_of_the_readme(local, connect):
    answer, call = connect(local.address).stub.Compute.with_call(connect(local.address).request(README_LIST))
    statistics = answer.statistics
    assert (statistics.count, statistics.min, statistics.max, statistics.sum) == (5, 2, 2452, "2498")
    assert (statistics.median, statistics.mean) == (5, 499.6)
    assert (statistics.variance, statistics.std_dev) == (953114.64, 976.2759036256093)
    assert not statistics.quantiles and not statistics.HasField("histogram")
    assert answer.operation_id == operation_id(call)
    assert answer.worker


def test_the_parts_of_the_time_add_up(local, connect):
    timing = connect(local.address).compute(README_LIST).timing
    parts = (timing.gateway, timing.request_queue, timing.work, timing.reply_queue)
    assert sum(part.ToNanoseconds() for part in parts) == timing.total.ToNanoseconds() > 0
    assert all(part.ToNanoseconds() >= 0 for part in parts)


def test_the_ends_of_the_64_bit_range(local, connect):
    low, high = -(2**63), 2**63 - 1
    statistics = connect(local.address).compute([high, low, high]).statistics
    assert (statistics.min, statistics.max, statistics.sum) == (low, high, str(high + low + high))
    assert statistics.median == float(high)


def test_quantiles_and_histogram_are_computed_on_request(local, connect, api):
    histogram = api.messages.HistogramOptions(bins=4)
    statistics = connect(local.address).compute(range(101), quantiles=[0.5, 0, 0.999], histogram=histogram).statistics
    assert [(q.probability, q.value) for q in statistics.quantiles] == [(0.5, 50), (0, 0), (0.999, 99.9)]
    assert list(statistics.histogram.edges) == [0, 25, 50, 75, 100]
    assert list(statistics.histogram.counts) == [25, 25, 25, 26]


@pytest.mark.parametrize(
    ("values", "fields", "violated"),
    [
        ([], {}, ["values"]),
        ([1], {"quantiles": [0.5, 1.5]}, ["quantiles[1]"]),
        ([], {"quantiles": [float("nan")], "histogram": {"bins": 0}}, ["values", "quantiles[0]", "histogram.bins"]),
    ],
)
def test_every_field_out_of_its_range_is_named(local, connect, values, fields, violated):
    with pytest.raises(grpc.RpcError) as raised:
        connect(local.address).compute(values, **fields)
    error = raised.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    found = details(error)
    assert [violation.field for violation in found["google.rpc.BadRequest"].field_violations] == violated
    info = found["google.rpc.ErrorInfo"]
    assert (info.domain, info.reason) == ("compute.v1", "INVALID_REQUEST")
    assert info.metadata["operation_id"] == operation_id(error)


def test_a_deadline_that_passes_is_answered_as_such_and_names_the_operation(workerless, connect):
    caller = connect(workerless.address)
    grpc.channel_ready_future(caller.channel).result(10)
    started = time.monotonic()
    with pytest.raises(grpc.RpcError) as raised:
        caller.compute([1], timeout=1)
    took = time.monotonic() - started
    error = raised.value
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    # The client's own timer says the same code, but knows no operation: these come from the gateway.
    info = details(error)["google.rpc.ErrorInfo"]
    assert (info.domain, info.reason) == ("compute.v1", "DEADLINE_EXCEEDED")
    assert info.metadata["operation_id"] == operation_id(error)
    assert info.metadata["finish_late"] == "false"
    # A promise of the API, not a measurement.
    assert took < 1.2


def test_the_log_object_holds_the_summary_in_the_bucket_and_as_a_file(local, connect):
    operation = connect(local.address).compute(README_LIST).operation_id
    record, path = logged(local, operation)
    assert record["summary"] == README_SUMMARY
    assert (record["id"], record["status"], record["values"]) == (operation, 0, README_LIST)
    assert (record["result"]["mean"], record["result"]["sum"]) == (499.6, "2498")
    assert json.loads(path.read_text(encoding="utf-8")) == record


def test_log_objects_are_still_there_after_a_restart(processes, tmp_path, connect):
    first = start_local(processes, tmp_path)
    operation = connect(first.address).compute(README_LIST).operation_id
    before, _path = logged(first, operation)
    first.stop()

    second = start_local(processes, tmp_path)
    assert logged(second, operation)[0] == before
    connect(second.address).compute(README_LIST)
    second.stop()


def logged(local, operation):
    """The log record of an operation as it lies in the bucket, and the file that it is."""
    s3 = Aws(local.aws).s3

    def find():
        contents = s3.list_objects_v2(Bucket="compute-logs", Prefix="operations/").get("Contents", [])
        return next((entry["Key"] for entry in contents if entry["Key"].endswith(f"{operation}.json")), None)

    key = wait_until(find, f"{operation} is logged")
    created = int(operation.replace("-", "")[:12], 16)
    assert key.rpartition("/")[2] == f"{9_999_999_999_999 - created:013}-{operation}.json"
    [path] = Path(local.logs).rglob(f"*{operation}.json")
    record = json.loads(s3.get_object(Bucket="compute-logs", Key=key)["Body"].read())
    return record, path


def grpcurl(*arguments):
    """Runs grpcurl, which learns the API by reflection (v1alpha)."""
    return subprocess.run(["grpcurl", "-plaintext", *arguments], capture_output=True, text=True, timeout=60)


def test_grpcurl_lists_and_describes_the_services(local):
    listed = grpcurl(local.address, "list")
    assert listed.returncode == 0, listed.stderr
    assert {SERVICE, "grpc.health.v1.Health"} <= set(listed.stdout.split())
    described = grpcurl(local.address, "describe", f"{SERVICE}.Compute")
    assert described.returncode == 0, described.stderr
    assert "rpc Compute ( .compute.v1.ComputeRequest ) returns ( .compute.v1.ComputeResponse )" in described.stdout


def test_grpcurl_makes_the_call_of_the_readme(local):
    call = grpcurl("-d", '{"values":[4,5,2,35,2452]}', local.address, f"{SERVICE}/Compute")
    assert call.returncode == 0, call.stderr
    statistics = json.loads(call.stdout)["statistics"]
    assert (statistics["min"], statistics["max"], statistics["sum"]) == ("2", "2452", "2498")
    assert (statistics["median"], statistics["mean"]) == (5, 499.6)


def test_grpcurl_shows_an_error_with_its_details(local):
    call = grpcurl("-d", '{"values":[]}', local.address, f"{SERVICE}/Compute")
    assert call.returncode != 0
    for part in ("InvalidArgument", "google.rpc.BadRequest", '"field":"values"'):
        assert part in call.stderr.replace('": "', '":"')


@pytest.mark.parametrize("service", ["", SERVICE])
def test_grpcurl_finds_the_system_healthy(local, service):
    call = grpcurl("-d", json.dumps({"service": service}), local.address, "grpc.health.v1.Health/Check")
    assert call.returncode == 0, call.stderr
    assert json.loads(call.stdout) == {"status": "SERVING"}
