"""Workers under an SQS and S3 that misbehave on purpose, judged by the bench that local/CHAOS.md offers for any worker."""

import re
import sys
from pathlib import Path

import pytest

from chaos_bench import BUCKET, QUEUES, differences, judge
from conftest import start_local
from deployment import Aws
from processes import REPOSITORY, binary
from wire import record_key
from uuids import uuid7

# The line in local/CHAOS.md and in the help of compute-local.
[FAULTS] = set(re.findall(r"--chaos '(.*)'", (REPOSITORY / "local" / "CHAOS.md").read_text(encoding="utf-8")))

# boto3's own default gives up after few attempts, and does not know that `RequestThrottled` means to try again.
PERSEVERING = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10"}


@pytest.fixture
def chaotic(processes, tmp_path):
    return start_local(processes, tmp_path, 0, "--chaos", FAULTS)


def test_workers_in_python_keep_every_promise(chaotic, processes, api):
    aws = Aws(chaotic.aws)
    script = Path(__file__).with_name("worker.py")
    command = [sys.executable, script, "--poll-wait", "1", f"{aws.endpoint}/000000000000/{QUEUES[0]}", BUCKET]
    workers = [processes.start(command, aws.environment | PERSEVERING) for _ in range(2)]
    verdict = judge(api, chaotic.address, aws.endpoint, calls=60)
    assert verdict.complaints == []
    assert verdict.answered >= 50, verdict
    for worker in workers:
        worker.stop()
        assert "Traceback" not in worker.stderr.text()


def test_our_own_worker_keeps_every_promise_and_the_faults_are_told_at_the_end(chaotic, processes, api):
    aws = Aws(chaotic.aws)
    flags = ["--request-queue", QUEUES[0], "--log-bucket", BUCKET, "--poll-wait", "1s", "--admin-listen", "127.0.0.1:0"]
    worker = processes.start([binary("compute-worker"), *flags], aws.environment)
    verdict = judge(api, chaotic.address, aws.endpoint, calls=100)
    assert verdict.complaints == []
    assert verdict.answered >= 90, verdict
    worker.stop()
    chaotic.stop()
    chaotic.stdout.close()
    report = chaotic.stdout.text()
    assert f"chaos  {FAULTS}" in report
    assert re.search(r"^sqs:SendMessageBatch +\d+ +\d+ +\d+ +\d+$", report, re.MULTILINE), report
    assert re.search(r"^throttle +\d+$", report, re.MULTILINE), report


def test_a_log_with_an_operation_twice_or_not_at_all_is_complained_about():
    first, second = str(uuid7()), str(uuid7())
    assert differences([first, second], [second, first]) == []
    assert differences([first, second], [second]) == [f"{first} was answered and is not logged"]
    assert differences([first], [first, first]) == [f"{first} is logged 2 times"]
    # What the ids of the log are cut out of.
    assert record_key(None, first).endswith(f"-{first}.json")


@pytest.mark.parametrize("faults", ["throttle=5", "throttle=101%", "thrott1e=5%", "seed=1,seed=2", ""])
def test_a_chaos_that_is_none_stops_the_start_and_says_why(processes, tmp_path, faults):
    process = processes.start([binary("compute-local"), "--data-dir", tmp_path, "--chaos", faults])
    assert process.exit_code() == 2
    process.stderr.close()
    assert f"'{faults}' for '--chaos <FAULTS>'" in process.stderr.text()
