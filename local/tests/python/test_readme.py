"""What the README shows is run as it stands there, but for addresses."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import start_local
from processes import REPOSITORY, Processes

LOCAL_AWS = {"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
# Makes commands that are meant for AWS speak to the local stack.
AWS_IS_LOCAL = 'aws() { command aws --endpoint-url http://127.0.0.1:4566 "$@"; }\n'


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
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        env={**os.environ, "PATH": path, "AWS_PAGER": "", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_the_grpcurl_line_answers_what_the_readme_shows(local):
    answered = json.loads(run(local, block("sh", "grpcurl -plaintext")))
    shown = json.loads(block("json", "operationId"))
    assert answered["statistics"] == shown["statistics"]
    assert answered["worker"] == shown["worker"]
    assert answered["timing"].keys() == shown["timing"].keys()


def test_aws_tools_look_inside_and_see_the_log_object_with_the_summary_shown(local):
    run(local, block("sh", "grpcurl -plaintext"))
    listing = run(local, block("sh", "s3 ls --recursive"))
    assert "compute-requests" in listing and "operations/tenant=-/dt=" in listing
    (record, *_) = [json.loads(path.read_text(encoding="utf-8")) for path in Path(local.logs).rglob("*.json")]
    assert record["summary"] == block("text", "Liste:").rstrip("\n")


def test_the_python_snippet_runs(local, api):
    stubs = str(Path(api.messages.__file__).parents[2])
    program = block("python", "grpc.insecure_channel").replace("127.0.0.1:8080", local.address)
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": stubs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.startswith("5.0 499.6 "), done.stderr


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
    finally:
        processes.end()


def test_the_example_of_the_library_shouts(local):
    commands = block("sh", "--example shout").replace("cargo run -p sqs-rpc --example shout --", shout())
    assert "HELLO, QUEUE" in run(local, commands, **LOCAL_AWS)


def shout():
    """The example's binary, where `cargo build --examples` puts it."""
    target = os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target")
    return str(Path(target) / "debug" / "examples" / "shout")
