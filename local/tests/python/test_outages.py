"""Processes that die and services that go away: nothing is lost, and nobody is left without an answer."""

import urllib.error
import urllib.request

import grpc

from callers import Load, details, operation_id
from conftest import start_local, start_moto
from deployment import Aws
from processes import wait_until


def test_a_worker_that_is_killed_in_the_middle_of_load_costs_no_call_its_answer(local_aws, queues, api):
    system = queues(local_aws, "killed")
    gateway = system.gateway()
    victim = system.worker("victim")
    system.worker("survivor")
    with Load(api, gateway.address) as load:
        wait_until(lambda: load.workers == {"victim", "survivor"}, "both workers work")
        victim.kill()
        load.goes_on()
    # What the victim held came back at its visibility timeout.
    assert not load.errors and not load.wrong
    system.wait_until_empty(system.requests)
    assert system.log_records().keys() >= {answer.operation_id for answer in load.answers}


def test_a_gateway_that_is_killed_takes_only_its_own_calls_along(local_aws, queues, api, connect):
    system = queues(local_aws, "killed-gateway")
    victim, other = system.gateway(), system.gateway()
    calls = [connect(victim.address).start([n]) for n in range(5)]
    wait_until(lambda: system.counts(system.requests)[0] == 5, "the calls are queued")
    victim.kill()
    for call in calls:
        assert call.exception(30).code() is grpc.StatusCode.UNAVAILABLE

    worker = system.worker("a")
    assert connect(other.address).compute([4, 6]).statistics.mean == 5
    wait_until(lambda: len(system.log_keys()) == 6, "the work of the dead gateway's calls is logged too")
    system.wait_until_empty(system.requests)
    worker.stop()
    other.stop()


def test_when_aws_is_gone_callers_are_told_and_processes_still_end(processes, tmp_path, queues, connect):
    local = start_local(processes, tmp_path, workers=0)
    system = queues(Aws(local.aws), "gone")
    gateway, worker = system.gateway("--drain-limit", "5s"), system.worker("a", "--drain-limit", "5s")
    caller = connect(gateway.address)
    assert caller.compute([1]).statistics.sum == "1"

    local.kill()

    error = caller.start([2]).exception(60)
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    found = details(error)
    info = found["google.rpc.ErrorInfo"]
    assert (info.reason, info.metadata["operation_id"]) == ("QUEUE_UNAVAILABLE", operation_id(error))
    assert found["google.rpc.RetryInfo"].retry_delay.ToMilliseconds() > 0
    # An outage of AWS must not take the processes out of a load balancer, let alone have them restarted.
    assert (ready(gateway), ready(worker)) == (200, 200)
    worker.stop()
    gateway.stop()


def test_calls_are_answered_while_s3_is_gone_and_logged_when_it_is_back(local_aws, processes, queues, connect):
    system = queues(local_aws, "no-log")
    moto = start_moto(processes)
    endpoint, bucket = moto.aws.endpoint, {"Bucket": system.bucket}
    moto.aws.s3.create_bucket(**bucket)
    gateway = system.gateway()
    worker = system.worker("a", environment={"AWS_ENDPOINT_URL_S3": endpoint})
    caller = connect(gateway.address)

    moto.kill()
    operations = {caller.compute([n, n + 2]).operation_id for n in range(5)}
    worker.event("cannot record the operation, trying again")
    assert system.counts(system.requests) == (0, 5), "the worker keeps what it cannot log"

    s3 = start_moto(processes, port=endpoint.rpartition(":")[2]).aws.s3
    s3.create_bucket(**bucket)
    system.wait_until_empty(system.requests)
    keys = [entry["Key"] for entry in s3.list_objects_v2(**bucket)["Contents"]]
    assert {key[-41:-5] for key in keys} == operations
    worker.stop()


def ready(process):
    return fetch(process, "/readyz")[0]


def fetch(process, path):
    """Status and body of a page of the process's admin port."""
    try:
        with urllib.request.urlopen(f"http://{process.admin}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_admin_ports_say_that_a_process_drains_and_count_what_it_did(local_aws, queues, connect):
    system = queues(local_aws, "admin")
    gateway, worker = system.gateway(), system.worker("a")
    connect(gateway.address).compute([1])
    for process in (gateway, worker):
        assert fetch(process, "/livez")[0] == 200
        assert fetch(process, "/readyz") == (200, "ready\n")
        status, metrics = fetch(process, "/metrics")
        assert status == 200
        samples = [line for line in metrics.splitlines() if not line.startswith("#")]
        assert samples and all(line.startswith(("compute_", "process_")) for line in samples)
    worker.stop()

    call = connect(gateway.address).start([2])
    wait_until(lambda: system.counts(system.requests)[0] == 1, "the call is queued")
    gateway.terminate()
    gateway.event("draining")
    assert fetch(gateway, "/readyz") == (503, "draining\n")
    assert fetch(gateway, "/livez")[0] == 200
    system.worker("b")
    assert call.result(30).statistics.sum == "2"
    assert gateway.exit_code() == 0
