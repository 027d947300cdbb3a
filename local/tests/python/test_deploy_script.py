"""`deploy/deploy` on MiniStack in place of AWS: it comes, comes again, goes, and comes back to the bucket that it left."""

import json

import pytest

from emulators import certify, start_ministack
from processes import REPOSITORY, binary

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(600)]

DEPLOY = REPOSITORY / "deploy" / "deploy"
BUCKET = "compute-logs-000000000000-us-east-1"


@pytest.fixture(scope="module")
def emulator(session_processes, tmp_path_factory):
    return start_ministack(session_processes, tmp_path_factory.mktemp("ministack"))


@pytest.fixture(scope="module")
def binaries():
    return binary("compute-gateway").rpartition("/")[0]


def deploy(emulator, binaries, *arguments, check=True):
    return emulator.run(DEPLOY, "--binaries", binaries, *arguments, check=check)


def stacks(emulator):
    return {s["StackName"] for s in emulator.aws("cloudformation", "describe-stacks")["Stacks"] if "DELETE" not in s["StackStatus"]}


def parameter(emulator, name):
    [stack] = emulator.aws("cloudformation", "describe-stacks", "--stack-name", "compute")["Stacks"]
    return next(p["ParameterValue"] for p in stack["Parameters"] if p["ParameterKey"] == name)


def releases(emulator):
    return [o["Key"] for o in emulator.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="releases/").get("Contents", [])]


def test_an_installation_comes_stays_as_it_is_changes_goes_and_comes_back(emulator, binaries, tmp_path):
    refused = deploy(emulator, binaries, check=False)
    assert refused.returncode == 1 and "--allow-anonymous" in refused.stderr and stacks(emulator) == set()

    address = deploy(emulator, binaries, "--allow-anonymous", "--max-workers", "3")
    assert address.strip().endswith(":80")
    assert stacks(emulator) == {"compute", "compute-storage"}
    [release] = releases(emulator)
    assert release == f"releases/{parameter(emulator, 'Release')}.tar.gz"
    assert parameter(emulator, "MaxWorkers") == "3"
    before = emulator.resources("compute")

    # The same again: nothing changes, also not what was said the first time only.
    assert deploy(emulator, binaries) == address
    assert (emulator.resources("compute"), releases(emulator)) == (before, [release])
    assert parameter(emulator, "MaxWorkers") == "3"

    # With a certificate it is no longer for everybody, and the key is in the secret alone.
    certificate, key = certify(tmp_path)
    (tmp_path / "tokens").write_text("# nobody yet\n", encoding="utf-8")
    out = deploy(emulator, binaries, "--certificate", certificate, "--key", key, "--tokens", tmp_path / "tokens")
    assert out.strip().endswith(":443") and parameter(emulator, "AllowAnonymous") == "false"
    secret = json.loads(emulator.client("secretsmanager").get_secret_value(SecretId="compute/compute/edge")["SecretString"])
    assert secret["key"].startswith("-----BEGIN") and secret.keys() == {"certificate", "key", "tokens"}
    [stack] = emulator.aws("cloudformation", "describe-stacks", "--stack-name", "compute")["Stacks"]
    assert "BEGIN" not in json.dumps(stack)

    # It goes, with the reply queue of a gateway that died; the log of operations stays.
    sqs, s3 = emulator.client("sqs"), emulator.client("s3")
    sqs.create_queue(QueueName="compute-replies-left")
    sqs.create_queue(QueueName="somebody-elses")
    s3.put_object(Bucket=BUCKET, Key="operations/tenant=-/dt=2026-11-24/kept.json", Body=b"{}")
    asked = emulator.run(DEPLOY, "--destroy", check=False, input="n\n")
    assert asked.returncode == 1 and "compute" in stacks(emulator), "who does not say y keeps it"
    deploy(emulator, binaries, "--destroy", "--yes")
    assert stacks(emulator) == {"compute-storage"}
    assert [url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]] == ["somebody-elses"]
    assert releases(emulator) == []

    # And comes back to it.
    deploy(emulator, binaries, "--allow-anonymous")
    kept = s3.list_objects_v2(Bucket=BUCKET, Prefix="operations/")["Contents"]
    # Beside what a doctor has tried.
    keys = {entry["Key"] for entry in kept} - {"operations/_doctor"}
    assert keys == {"operations/tenant=-/dt=2026-11-24/kept.json"}
    assert parameter(emulator, "LogBucket") == BUCKET


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--colour", "red"], "there is no --colour"),
        (["--key", "/dev/null"], "--certificate and --key go together"),
        (["--tokens", "/dev/null"], "go with --certificate and --key"),
        (["--certificate", "/nowhere", "--key", "/nowhere"], "/nowhere cannot be read"),
        (["--name"], "--name wants a value"),
        (["now"], "what is 'now'?"),
    ],
)
def test_a_wrong_word_is_told_before_anything_is_done(emulator, arguments, said):
    refused = emulator.run(DEPLOY, *arguments, check=False)
    assert refused.returncode == 1 and said in refused.stderr


def test_a_release_is_the_same_byte_for_byte_from_the_same_files(emulator, binaries, tmp_path):
    for name in ("one", "two"):
        emulator.run(DEPLOY, "--binaries", binaries, "--release-only", tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
