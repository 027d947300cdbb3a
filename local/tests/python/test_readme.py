"""What the README shows is run as it stands there, but for addresses."""

import json
import os
import re
import subprocess
import sys
import textwrap
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import start_local
from processes import REPOSITORY, Processes, binary

LOCAL_AWS = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# Makes commands that are meant for AWS speak to the local stack.
AWS_IS_LOCAL = 'aws() { command aws --endpoint-url http://127.0.0.1:4566 "$@"; }\n'
# What tells the block with the first call from others.
ONE_CALL = "grpcurl -plaintext -d '{"


def blocks(language):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.DOTALL | re.MULTILINE)


def block(language, containing):
    found = [block for block in blocks(language) if containing in block]
    assert len(found) == 1, f"one block of {language} with {containing!r}"
    return found[0]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    processes = Processes()
    yield start_local(processes, tmp_path_factory.mktemp("data"))
    processes.end()


def run(local, command, **environment):
    command = command.replace("127.0.0.1:8080", local.address).replace("http://127.0.0.1:4566", local.aws)
    # The tools of this environment, grpcurl and aws among them.
    path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(binary("compute-worker")).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={**os.environ, "PATH": path, "AWS_PAGER": "", **environment},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_grpcurl_line_answers_what_the_readme_shows(local):
    answered = json.loads(run(local, block("sh", ONE_CALL)))
    shown = json.loads(block("json", "operationId"))
    assert answered["statistics"] == shown["statistics"]
    assert answered["worker"] == shown["worker"]
    assert answered["timing"].keys() == shown["timing"].keys()


def test_aws_tools_look_inside_and_see_the_log_object_with_the_summary_shown(local):
    run(local, block("sh", ONE_CALL))
    listing = run(local, block("sh", "s3 ls --recursive"))
    assert "compute-requests" in listing and "operations/tenant=-/dt=" in listing
    (record, *_) = [json.loads(path.read_text(encoding="utf-8")) for path in Path(local.logs).rglob("*.json")]
    assert record["summary"] == block("text", "Liste:").rstrip("\n")


def run_python(local, api, program):
    stubs = str(Path(api.messages.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", program.replace("127.0.0.1:8080", local.address)],
        env={**os.environ, "PYTHONPATH": stubs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_python_snippet_runs(local, api):
    assert run_python(local, api, block("python", "grpc.insecure_channel")).startswith("5.0 499.6 ")


def test_the_python_snippet_for_long_lists_runs(local, api):
    opened = block("python", "grpc.insecure_channel").partition("    answer =")[0]
    program = opened + textwrap.indent(block("python", "ComputeStream"), "    ")
    assert run_python(local, api, program) == "1000000 499999.5\n"


def answers(out):
    """The JSON objects that grpcurl printed, one after the other."""
    decoder, found = json.JSONDecoder(), []
    while out := out.lstrip():
        value, end = decoder.raw_decode(out)
        found.append(value)
        out = out[end:]
    return found


def test_an_operation_is_submitted_waited_for_fetched_and_listed(local):
    waited, fetched, listed = answers(run(local, block("sh", "SubmitOperation")))
    assert waited["done"] and waited["statistics"]["mean"] == 499.6 and waited["summary"].startswith("Liste: [4, 5, 2, 35, 2452]")
    assert fetched == waited
    assert waited["name"] in [operation["name"] for operation in listed["operations"]]


def test_a_call_with_an_id_of_its_own_is_repeated_and_gets_the_first_answer(local):
    define = block("sh", "SubmitOperation").partition("\n")[0] + "\n"
    first, second = answers(run(local, define + block("sh", "secrets.randbits")))
    assert first["statistics"] == second["statistics"] and first["statistics"]["mean"] == 2
    assert first["operationId"] == second["operationId"]


def test_the_log_is_shown_followed_and_made_to_forget(local):
    run(local, block("sh", ONE_CALL))
    record = json.loads(run(local, "compute-worker log ls --log-bucket compute-logs --limit 1 --json", AWS_ENDPOINT_URL=local.aws, **LOCAL_AWS))
    bucket, listed, got, followed, deleted = block("sh", "compute-worker log ls").splitlines()
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    runs = lambda line: run(local, f"{bucket}\n{line}", AWS_ENDPOINT_URL=local.aws, **LOCAL_AWS)  # noqa: E731
    assert record["id"] in runs(re.sub(r"\d{4}-\d\d-\d\d", today, listed))
    assert runs(re.sub(r"\S+$", record["id"], got)).startswith(record["summary"])
    assert record["id"] in runs(f"timeout --signal INT --preserve-status 3 {followed}")
    assert runs(f"{deleted} --yes").startswith("deleted 0 records ")


def test_the_queues_and_the_bucket_for_aws_are_made_as_the_readme_says(tmp_path):
    processes = Processes()
    try:
        local = start_local(processes, tmp_path, workers=0)
        # The local stack has queues of these names: these are other ones.
        commands = block("sh", "aws s3 mb").replace("compute-requests", "made-requests")
        run(local, AWS_IS_LOCAL + commands, **LOCAL_AWS)
        show = "aws sqs get-queue-attributes --attribute-names All --queue-url $(aws sqs get-queue-url --queue-name made-requests --query QueueUrl --output text)"
        made = json.loads(run(local, AWS_IS_LOCAL + show, **LOCAL_AWS))["Attributes"]
        assert made["VisibilityTimeout"] == "10" and made["MessageRetentionPeriod"] == "345600"
        redrive = json.loads(made["RedrivePolicy"])
        assert redrive["deadLetterTargetArn"].endswith(":made-requests-dlq")
        assert int(redrive["maxReceiveCount"]) == 10
        show = "aws s3api get-bucket-lifecycle-configuration --bucket my-compute-logs"
        rules = json.loads(run(local, AWS_IS_LOCAL + show, **LOCAL_AWS))["Rules"]
        assert {rule["Filter"]["Prefix"]: rule.get("Expiration", {}).get("Days") for rule in rules} == {
            "payloads/": 40, "claims/": 40, "": None,
        }  # fmt: skip
        rules += json.loads(f"[{block('json', 'operations-1-year')}]")
        put = f"aws s3api put-bucket-lifecycle-configuration --bucket my-compute-logs --lifecycle-configuration '{json.dumps({'Rules': rules})}'"
        run(local, AWS_IS_LOCAL + put, **LOCAL_AWS)
    finally:
        processes.end()


def test_the_example_of_the_library_shouts(local):
    commands = block("sh", "--example shout").replace("cargo run -p sqs-rpc --example shout --", shout())
    assert "HELLO, QUEUE" in run(local, commands, **LOCAL_AWS)


def shout():
    """The example's binary, where `cargo build --examples` puts it."""
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    return str(Path(target) / "debug" / "examples" / "shout")
