"""The bill in the README is what `bench/bill.py` computes, and what it assumes is what a local stack is seen to do."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from deployment import traffic
from logged import id_of, log, logged_system, record
from processes import REPOSITORY, binary, wait_until
from uuids import uuid7

sys.path.insert(0, str(REPOSITORY / "bench"))

import bill  # noqa: E402

VALUES = [4, 5, 2, 35, 2452]
CALLS = 100


@pytest.mark.parametrize("name", bill.TABLES)
def test_the_tables_in_the_readme_are_computed(name):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- bill: {name} -->\n(.*?)\n<!-- /bill -->", readme, re.DOTALL)
    assert found == [bill.TABLES[name]()], "python bench/bill.py"


def deletes(counted):
    return counted.get("sqs:DeleteMessageBatch", {"billed": 0})["billed"]


def difference(before, after):
    billed = {name: counted["billed"] - before.get(name, {"billed": 0})["billed"] for name, counted in after.items()}
    return {name: {"billed": count} for name, count in billed.items() if count}


def test_one_call_at_a_time_makes_the_requests_that_the_bill_assumes(queues, local_aws, connect):
    system = queues(local_aws, "bill")
    system.worker("worker-1", "--poll-wait", f"{bill.POLL_WAIT}s")
    caller = connect(system.gateway().address)
    caller.compute(VALUES)
    settle(local_aws)
    before = traffic(local_aws)
    for call in range(1, CALLS + 1):
        caller.compute(VALUES)
        # Deletes wait a moment for others: those of this call go alone.
        wait_until(lambda: deletes(traffic(local_aws)) >= deletes(before) + 2 * call, "its messages are deleted", interval=0.01)
    settle(local_aws)
    each = bill.measured(difference(before, traffic(local_aws)), CALLS)
    # Some polls end with nothing in that time.
    assert each.sqs == pytest.approx(bill.STEPS, abs=0.5), each
    assert (each.put, each.list, each.get) == (1, 0, 0)


def test_the_bill_of_a_local_stack_is_printed_and_a_wrong_address_is_named(queues, local_aws):
    queues(local_aws, "bill")
    printed = compute_bill("--traffic", f"{local_aws.endpoint}/_compute/traffic", "--operations", "1")
    assert re.fullmatch(r"an operation: .* SQS, .*\na million operations: \$[\d,.]+\n", printed.stdout), printed
    wrong = compute_bill("--traffic", f"{local_aws.endpoint}/nothing", "--operations", "1")
    assert wrong.returncode == 1 and wrong.stderr.startswith(f"{local_aws.endpoint}/nothing does not tell its traffic: ")


def compute_bill(*arguments):
    script = REPOSITORY / "bench" / "bill.py"
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("mode", ["object", "batch"])
def test_looking_operations_up_makes_the_requests_that_the_bill_assumes(queues, local_aws, mode):
    system = logged_system(queues, local_aws, mode)
    made = [record(id_of(seconds)) for seconds in range(600, 0, -2)]
    # Committed when the last of each part was made: within the first 100 seconds in which a lookup looks.
    for start in range(0, len(made), 40):
        log(system, *made[start : start + 40], ago=max(0, 600 - 2 * (start + 40)))

    def requests(*arguments, exit_code=0):
        before = traffic(local_aws)
        flags = ["--log-bucket", system.bucket, "--json"]
        environment = {"PATH": os.environ["PATH"], **local_aws.environment}
        ended = subprocess.run([binary("compute-worker"), "log", *arguments, *flags], env=environment, timeout=60, capture_output=True)
        assert ended.returncode == exit_code, ended
        asked = difference(before, traffic(local_aws))
        # The command asks first whether there is a bucket.
        return bill.measured({name: count for name, count in asked.items() if name.startswith("s3:") and name != "s3:HeadBucket"})

    more = further_days()
    assert requests("get", made[20]["id"]) in [days(bill.LOOKUP[mode], extra) for extra in range(more + 1)]
    assert requests("get", str(uuid7()), exit_code=1) in [days(bill.MISS, extra) for extra in range(more + 1)]
    page = requests("ls", "--limit", "50")
    assert page.get <= bill.PAGE[mode].get and page.list <= bill.PAGE[mode].list + more, page


def further_days():
    """Whether operations of the last minutes may be looked for on two days, as the bill does not assume: clocks may be two hours apart."""
    now = datetime.now(UTC)
    return int((now - timedelta(minutes=15)).date() != (now + timedelta(hours=2, minutes=15)).date())


def days(requests, extra):
    """The requests of a lookup that lists so many days more."""
    return replace(requests, list=requests.list + extra)


def settle(aws):
    """Waits until the last call is logged and its messages are deleted: what is to be counted then is."""
    last = None

    def same_twice():
        nonlocal last
        now = traffic(aws)
        steady, last = now == last, now
        return steady

    wait_until(same_twice, "no more requests are made", interval=0.5)
