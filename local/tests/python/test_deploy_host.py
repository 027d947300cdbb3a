"""The user data of the template, and `deploy/install` in it, make a clean Debian, booted with its own systemd, a gateway and a
worker. SQS and S3 are the embedded ones, with which a doctor finds nothing wrong; what else a host asks of AWS, moto answers."""

import hashlib
import json
import subprocess
from datetime import UTC, datetime, timedelta

import boto3
import pytest

import debian_root
from callers import Caller
from conftest import start_local, start_moto
from deployment import REGION, Aws
from emulators import free_port
from processes import REPOSITORY, binary, wait_until
from templates import user_data

MISSING = debian_root.missing()
pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600), pytest.mark.skipif(MISSING is not None, reason=str(MISSING))]

BUCKET = "compute-logs"
SERVICES = ["compute-gateway", "compute-worker", "compute-edge", "compute-cloudwatch"]


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A release as `deploy` packs it; unpacked beside it, as `compute`."""
    folder = tmp_path_factory.mktemp("release")
    binaries = binary("compute-gateway").rpartition("/")[0]
    pack = [REPOSITORY / "deploy" / "deploy", "--binaries", binaries, "--release-only", folder / "release.tar.gz"]
    subprocess.run(pack, check=True, timeout=120)
    subprocess.run(["tar", "-xzf", "release.tar.gz"], cwd=folder, check=True, timeout=60)
    return folder


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return debian_root.build(tmp_path_factory.mktemp("debian"))


@pytest.fixture(scope="module")
def aws(session_processes):
    """CloudWatch and Secrets Manager."""
    return start_moto(session_processes).aws


@pytest.fixture(scope="module")
def storage(session_processes, tmp_path_factory):
    """SQS and S3, with the queues and the bucket of an installation."""
    return Aws(start_local(session_processes, tmp_path_factory.mktemp("data"), workers=0).aws)


@pytest.fixture(scope="module")
def host(root, release, aws, storage, tmp_path_factory):
    """A booted host that has run the user data of a gateway and of a worker, as an instance does."""
    container = debian_root.Container(root, release / "compute", tmp_path_factory.mktemp("container"))
    packed = (release / "release.tar.gz").read_bytes()
    digest = hashlib.sha256(packed).hexdigest()
    storage.s3.put_object(Bucket=BUCKET, Key=f"releases/{digest}.tar.gz", Body=packed)
    container.ports = {name: free_port() for name in ("call", "gateway", "worker")}
    variables = {
        "AWS::Region": REGION, "AWS::StackName": "compute", "Prefix": "compute", "LogBucket": BUCKET, "Release": digest,
        "AllowAnonymous": "true", "Secret": "",
    }  # fmt: skip
    container.write("/var/lib/cloud/data/instance-id", "i-0123456789abcdef0")
    container.said = {}
    for role, drain_limit in (("gateway", "120"), ("worker", "25")):
        script = user_data(f"{role.capitalize()}Template", DrainLimit=drain_limit, **variables)
        container.write(f"/opt/{role}", elsewhere(script, aws, storage, container.ports, role))
        container.said[role] = container.run(f"{exports(storage)} sh /opt/{role}", timeout=170).stdout
    yield container
    container.end()


def elsewhere(script, aws, storage, ports, role):
    """User data with AWS elsewhere, and ports that are free on this machine, whose network the container shares."""
    of_process = f"{lines(storage)}COMPUTE_POLL_WAIT=1s\nCOMPUTE_ADMIN_LISTEN=127.0.0.1:{ports[role]}\n"
    of_host = lines(aws) + "".join(f"{name.upper()}_ADMIN=127.0.0.1:{ports[name]}\n" for name in ("gateway", "worker"))
    assert script.count("COMPUTE_LOG_FORMAT=json\n") == script.count("INSTALLATION=") == 1
    script = script.replace("COMPUTE_LOG_FORMAT=json\n", f"COMPUTE_LOG_FORMAT=json\n{of_process}")
    script = script.replace("INSTALLATION=", f"{of_host}INSTALLATION=")
    return script.replace("COMPUTE_LISTEN=0.0.0.0:8443", f"COMPUTE_LISTEN=127.0.0.1:{ports['call']}")


def lines(aws):
    return "".join(f"{name}={value}\n" for name, value in aws.environment.items())


def exports(aws):
    return " ".join(f"{name}={value}" for name, value in aws.environment.items())


def client(aws, service):
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=aws.endpoint, region_name=REGION, **keys)


def call(host, api):
    with Caller(api, f"127.0.0.1:{host.ports['call']}") as caller:
        return caller.compute([4, 5, 2, 35, 2452])


def test_user_data_makes_a_gateway_and_a_worker_and_a_call_goes_through(host, api):
    for role, said in host.said.items():
        assert said.splitlines()[0] == f"compute-{role} is ready"
        assert " checks: 0 failed" in said.splitlines()[-1], "its doctor has looked"
    answer = call(host, api)
    assert (answer.statistics.median, answer.worker) == (5, "i-0123456789abcdef0")


def test_a_release_that_is_not_the_one_that_was_named_is_not_run(host, storage):
    script = host.run("cat /opt/worker").stdout
    assert script.count("\necho '") == 1
    host.write("/opt/damaged", script.replace("\necho '", "\necho damaged >> release.tar.gz\necho '"))
    refused = host.run(f"{exports(storage)} sh /opt/damaged", check=False)
    assert refused.returncode != 0 and "release.tar.gz: FAILED" in refused.stdout and "is ready" not in refused.stdout


def test_the_units_verify(host):
    checked = host.run("systemd-analyze verify /etc/systemd/system/compute-*.service /etc/systemd/system/compute-*.timer")
    assert "compute" not in checked.stdout + checked.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_a_unit_is_exposed_no_more_than_it_must_be(host, service):
    listed = host.run(f"systemd-analyze security --offline=true --threshold=20 --no-pager {service}.service")
    [exposure] = [float(line.split(": ")[1].split()[0]) for line in listed.stdout.splitlines() if "Overall exposure" in line]
    assert exposure <= 2.0


def test_systemd_waits_for_a_stop_longer_than_calls_may_go_on(host):
    assert host.shows("compute-gateway", "TimeoutStopUSec") == "2min 10s"
    assert host.shows("compute-worker", "TimeoutStopUSec") == "35s"


def test_processes_run_as_users_without_rights(host):
    status = host.run(f"cat /proc/{host.shows('compute-gateway', 'MainPID')}/status").stdout
    assert "CapBnd:\t0000000000000000" in status and "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status
    for service in ("compute-gateway", "compute-worker"):
        uid = host.run(f"stat --format %u /proc/{host.shows(service, 'MainPID')}").stdout.strip()
        assert uid != "0"


def test_a_process_that_dies_is_started_again(host, api):
    before = host.shows("compute-worker", "MainPID")
    host.run(f"kill -KILL {before}")
    wait_until(lambda: host.shows("compute-worker", "MainPID") not in ("0", before), "there is another one")
    assert call(host, api).statistics.median == 5


def test_the_journal_and_the_metrics_are_in_cloudwatch(host, api, aws):
    logs = client(aws, "logs")
    logs.create_log_group(logGroupName="/compute/compute")
    assert host.run("systemctl is-active compute-cloudwatch.timer").stdout.strip() == "active"
    answer = call(host, api)
    host.run("systemctl start compute-cloudwatch.service")
    listed = logs.describe_log_streams(logGroupName="/compute/compute")["logStreams"]
    streams = {stream["logStreamName"].partition("/")[0]: stream["logStreamName"] for stream in listed}
    assert streams.keys() >= {"compute-gateway", "compute-worker"}

    def events(unit):
        stream = {"logGroupName": "/compute/compute", "logStreamName": streams[unit], "startFromHead": True}
        return [event["message"] for event in logs.get_log_events(**stream)["events"]]

    messages = [json.loads(m)["message"] for m in events("compute-gateway") if m.startswith("{")]
    assert "ready" in messages
    before = len(events("compute-gateway"))
    host.run("systemctl start compute-cloudwatch.service")
    again = [m for m in events("compute-gateway")[before:] if m in events("compute-gateway")[:before]]
    assert again == [], "nothing is shipped twice"
    assert answer.operation_id

    assert published(aws, "HealthyWorkers", "Maximum") == 1
    assert published(aws, "RefusedCalls", "Maximum") == 0
    assert 0 <= published(aws, "BusySlots", "Maximum") <= 100


def published(aws, name, statistic):
    """That statistic of a metric in the last hour."""
    now = datetime.now(UTC)
    dimensions = [{"Name": "Installation", "Value": "compute"}]
    hour = {"StartTime": now - timedelta(hours=1), "EndTime": now + timedelta(minutes=1), "Period": 7200}
    which = {"Namespace": "Compute", "MetricName": name, "Dimensions": dimensions, "Statistics": [statistic], **hour}
    [point] = client(aws, "cloudwatch").get_metric_statistics(**which)["Datapoints"]
    return point[statistic]


def test_a_worker_that_is_not_ready_is_not_healthy(host, aws):
    host.run("systemctl stop compute-worker; systemctl start compute-cloudwatch; systemctl start compute-worker")
    assert published(aws, "HealthyWorkers", "Minimum") == 0


def test_certificate_and_tokens_are_fetched_for_the_gateway_alone(host, aws):
    secrets = client(aws, "secretsmanager")
    secrets.create_secret(Name="compute/compute/edge", SecretString=json.dumps({"certificate": "C", "key": "K", "tokens": "T"}))
    host.run("echo EDGE_SECRET=compute/compute/edge >> /etc/compute/host.env; systemctl start compute-edge.service")
    listed = host.run("stat --format '%n %U %G %a' /etc/compute/tls /etc/compute/tls/* /etc/compute/edge.env").stdout.split("\n")
    assert listed == [
        "/etc/compute/tls root compute 750",
        "/etc/compute/tls/certificate.pem root compute 640",
        "/etc/compute/tls/key.pem root compute 640",
        "/etc/compute/tls/tokens root compute 640",
        "/etc/compute/edge.env root compute 640",
        "",
    ]
    settings = host.run("cat /etc/compute/edge.env").stdout.splitlines()
    assert settings == [
        "COMPUTE_TLS_CERTIFICATE=/etc/compute/tls/certificate.pem",
        "COMPUTE_TLS_KEY=/etc/compute/tls/key.pem",
        "COMPUTE_TOKENS=/etc/compute/tls/tokens",
    ]
    secrets.put_secret_value(SecretId="compute/compute/edge", SecretString=json.dumps({"certificate": "C2", "key": "K2"}))
    host.run("systemctl start compute-edge.service")
    assert host.run("cat /etc/compute/tls/*.pem").stdout == "C2K2"
    secrets.put_secret_value(SecretId="compute/compute/edge", SecretString="no JSON with a secret in it")
    refused = host.run("systemctl start compute-edge.service", check=False)
    assert refused.returncode != 0
    said = host.run("journalctl --no-pager -u compute-edge.service").stdout
    assert "must be a JSON object" in said and "with a secret in it" not in said
    assert host.run("cat /etc/compute/tls/*.pem").stdout == "C2K2", "what was there stays"
    secrets.put_secret_value(SecretId="compute/compute/edge", SecretString="{}")
    host.run("systemctl start compute-edge.service")
    assert host.run("cat /etc/compute/edge.env").stdout == ""


def test_a_stop_answers_calls_in_flight_and_ends_well(host, api):
    host.run("systemctl stop compute-worker.service")
    with Caller(api, f"127.0.0.1:{host.ports['call']}") as caller:
        waiting = caller.start([1, 2, 3])
        wait_until(lambda: in_flight(host) == 1, "the call is in flight")
        host.run("systemctl stop --no-block compute-gateway.service")
        wait_until(lambda: host.shows("compute-gateway", "ActiveState") == "deactivating", "it drains")
        host.run("systemctl start compute-worker.service")
        assert waiting.result(timeout=60).statistics.median == 2
    wait_until(lambda: host.shows("compute-gateway", "ActiveState") == "inactive", "it has ended")
    assert host.shows("compute-gateway", "Result") == "success"


def in_flight(host):
    metrics = host.run(f"curl -s http://127.0.0.1:{host.ports['gateway']}/metrics").stdout
    return next(int(line.split()[1]) for line in metrics.splitlines() if line.startswith("compute_gateway_calls_in_flight "))


def test_installing_again_takes_new_settings_and_what_is_wrong_is_said(host, api):
    host.run("sed -i s/DRAIN_LIMIT=120s/DRAIN_LIMIT=1m/ /etc/compute/gateway.env")
    host.run("/release/install gateway", timeout=170)
    assert host.shows("compute-gateway", "TimeoutStopUSec") == "1min 10s"
    assert call(host, api).statistics.median == 5
    wrong = host.run("/release/install gatway", check=False)
    assert (wrong.returncode, wrong.stderr) == (1, "install: 'gatway' is neither gateway nor worker\n")
    host.run("sed -i s/DRAIN_LIMIT=1m/DRAIN_LIMIT=soon/ /etc/compute/gateway.env")
    wrong = host.run("/release/install gateway", check=False)
    assert wrong.returncode == 1 and "COMPUTE_DRAIN_LIMIT is 'soon'" in wrong.stderr
    host.run("mv /etc/compute/gateway.env /tmp; systemctl stop compute-gateway")
    first = host.run("/release/install gateway")
    assert "Edit /etc/compute/gateway.env" in first.stdout and host.shows("compute-gateway", "ActiveState") == "inactive"
    host.run("mv /tmp/gateway.env /etc/compute; sed -i s/DRAIN_LIMIT=soon/DRAIN_LIMIT=25s/ /etc/compute/gateway.env")


def test_a_doctor_reads_files_as_the_gateway_does_and_not_as_root(host):
    digest = hashlib.sha256(b"token").hexdigest()
    host.write("/etc/compute/tls/tokens", f"{digest} acme\n")
    host.run("chmod 600 /etc/compute/tls/tokens; chown root:root /etc/compute/tls/tokens")
    # By hand, as without AWS's secrets.
    host.run("systemctl stop compute-edge.timer; sed -i /^EDGE_SECRET=/d /etc/compute/host.env")
    host.run("echo COMPUTE_TOKENS=/etc/compute/tls/tokens > /etc/compute/edge.env")
    refused = host.run("/release/install gateway", check=False, timeout=170)
    assert refused.returncode == 1 and "compute-gateway is not ready after a minute" in refused.stderr
    [line] = [line for line in refused.stdout.splitlines() if line.startswith("fail  ")]
    assert line.split()[1] == "tokens" and "Permission denied" in line
    host.run("chgrp compute /etc/compute/tls/tokens; chmod 640 /etc/compute/tls/tokens")
    taken = host.run("/release/install gateway", timeout=170).stdout
    assert "1 in all, every line is well-formed" in taken and " 0 failed" in taken.splitlines()[-1]
