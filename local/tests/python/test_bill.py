"""The bill in the README is what `bench/bill.py` computes, and what it assumes is what a local stack is seen to do."""

import json
import re
import sys
from urllib.request import urlopen

import pytest

from conftest import start_local
from processes import REPOSITORY, wait_until

sys.path.insert(0, str(REPOSITORY / "bench"))

import bill  # noqa: E402

VALUES = [4, 5, 2, 35, 2452]
CALLS = 100


@pytest.mark.parametrize("name", bill.TABLES)
def test_the_tables_in_the_readme_are_computed(name):
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    found = re.findall(rf"<!-- bill: {name} -->\n(.*?)\n<!-- /bill -->", readme, re.DOTALL)
    assert found == [bill.TABLES[name]()], "python bench/bill.py"


def traffic(local):
    with urlopen(f"{local.aws}/_compute/traffic", timeout=10) as answer:
        return json.load(answer)


def difference(before, after):
    billed = {name: counted["billed"] - before.get(name, {"billed": 0})["billed"] for name, counted in after.items()}
    return {name: {"billed": count} for name, count in billed.items() if count}


def test_one_call_at_a_time_makes_the_requests_that_the_bill_assumes(processes, connect, tmp_path):
    local = start_local(processes, tmp_path)
    caller = connect(local.address)
    caller.compute(VALUES)
    settle(local)
    before = traffic(local)
    for _ in range(CALLS):
        caller.compute(VALUES)
    settle(local)
    each = bill.measured(difference(before, traffic(local)), CALLS)
    # Some polls end with nothing in that time, and now and then one request deletes the messages of two calls.
    assert each.sqs == pytest.approx(bill.STEPS, abs=0.5), each
    assert (each.put, each.list, each.get) == (1, 0, 0)


def settle(local):
    """Waits until the last call is logged and its messages are deleted: what is to be counted then is."""
    last = None

    def same_twice():
        nonlocal last
        now = traffic(local)
        steady, last = now == last, now
        return steady

    wait_until(same_twice, "no more requests are made", interval=0.5)
