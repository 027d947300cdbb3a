"""`compute-worker log`: what people see of the log of operations, and how it is made to forget."""

import json
import os
import pty
import re
import select
import signal
import subprocess
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from aws_proxy import AwsProxy
from deployment import Aws
from logged import failed, id_of, log, log_object, logged_system, now, put, record
from processes import PATIENCE, binary, wait_until
from uuids import uuid7
from wire import batch_key, claim_key, record_body, record_key, write

SUMMARY = "Liste: [4, 5, 2, 35, 2452]\nMin:2\nMax:2452\nMedian:5\nMean:499.6"
NONE_OF_TENANT = "of callers without a tenant"


@pytest.fixture(params=["object", "batch"])
def system(request, local_aws, queues):
    """A bucket whose log is written in either mode."""
    return logged_system(queues, local_aws, request.param)


# For what has to do with objects of one operation each.
object_mode = pytest.mark.parametrize("system", ["object"], indirect=True)


def command(system, *arguments):
    return [binary("compute-worker"), "log", *arguments, "--log-bucket", system.bucket]


def environment(aws):
    return {"PATH": os.environ["PATH"], **aws.environment_of("operator")}


def run(system, *arguments, exit_code=0):
    """Runs `compute-worker log …` without a terminal; returns what it printed, on standard output and error."""
    ended = subprocess.run(
        command(system, *arguments), env=environment(system.aws), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == exit_code, ended
    return ended.stdout, ended.stderr


def run_on_terminal(system, *arguments, answers=(), exit_code=0):
    """Runs it with a terminal for standard input and error, and types an answer at each question; returns what it printed."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command(system, *arguments), env={**environment(system.aws), "TERM": "xterm"}, stdin=theirs, stderr=theirs,
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    os.close(theirs)
    seen, left = b"", list(answers)
    with process, ThreadPoolExecutor(1) as pool:
        output = pool.submit(process.stdout.read)
        try:
            while chunk := read_terminal(ours):
                seen += chunk
                if left and seen.endswith(b"[y/N] "):
                    os.write(ours, f"{left.pop(0)}\n".encode())
        except BaseException:
            process.kill()
            raise
        finally:
            os.close(ours)
        assert process.wait(PATIENCE) == exit_code, seen
        return output.result(PATIENCE), seen.decode()


def read_terminal(terminal):
    """What the other side has written; empty when it has ended."""
    if not select.select([terminal], [], [], PATIENCE)[0]:
        raise AssertionError(f"nothing was written for {PATIENCE} s")
    try:
        return os.read(terminal, 65536)
    except OSError:  # How Linux says that nobody has the other side open.
        return b""


def ids(out):
    return [json.loads(line)["id"] for line in out.splitlines()]


# ls and get


def test_operations_are_listed_newest_first_of_one_tenant_and_day(system):
    days = ["2026-11-22T12:00", "2026-11-23T00:00", "2026-11-23T23:59:59.999", "2026-11-24T00:00"]
    made = log(system, *(record(id_of(day)) for day in days))
    log(system, record(id_of("2026-11-23T12:00"), tenant="acme"))
    newest_first = made[::-1]

    out, notes = run(system, "ls")
    header, *lines = out.splitlines()
    assert header.split() == ["TIME", "ID", "STATUS", "COUNT", "MIN", "MAX", "MEDIAN", "MEAN", "WORKER"]
    assert [line.split()[1] for line in lines] == newest_first
    assert lines[0].split() == ["2026-11-24T00:00:00.000Z", made[3], "OK", "5", "2", "2452", "5", "499.6", "worker-1"]
    assert notes == f"4 operations {NONE_OF_TENANT}\n"

    out, _ = run(system, "ls", "--json", "--day", "2026-11-23")
    assert ids(out) == newest_first[1:3]
    out, notes = run(system, "ls", "--json", "--limit", "3")
    assert ids(out) == newest_first[:3] and notes == f"3 operations {NONE_OF_TENANT}, and there are more (--limit)\n"
    out, _ = run(system, "ls", "--tenant", "acme")
    assert out.splitlines()[1].split()[2:4] == ["acme", "OK"]
    assert run(system, "ls", "--json", "--tenant", "nobody") == ("", "0 operations of the tenant nobody\n")


def test_an_operation_is_shown_as_in_its_summary_with_times_and_worker(system):
    made = record(id_of("2026-11-24T10:00"))
    [operation] = log(system, made)
    out, _ = run(system, "get", operation)
    shown, facts = out.split("\n\n")
    assert shown == SUMMARY
    facts = dict(re.split(r":\s+", line, maxsplit=1) for line in facts.splitlines())
    assert facts["id"] == operation and facts["worker"] == "worker-1" and facts["status"] == "OK"
    assert facts["finished"].startswith("2026-11-24T10:00:00.011Z")
    assert (facts["in the queue"], facts["computing"], facts["in all"].partition("  ")[0]) == ("5 ms", "2 ms", "8 ms")

    out, _ = run(system, "get", f"operations/{operation}", "--json")
    assert out == write(record_body(made)) + "\n"


@object_mode
def test_what_is_not_there_is_an_error_that_says_where_it_was_looked_for(system):
    missing = str(uuid7())
    out, notes = run(system, "get", missing, "--tenant", "acme", exit_code=1)
    assert out == "" and f"there is no operation {missing} of the tenant acme in the log in the bucket {system.bucket}" in notes
    bucket = system.bucket
    system.bucket = "no-such-bucket"
    for arguments in (["ls"], ["tail"], ["get", missing], ["delete", missing, "--yes"]):
        _, notes = run(system, *arguments, exit_code=1)
        assert "the bucket no-such-bucket failed: there is no bucket of that name" in notes
    system.bucket = bucket


def test_nothing_that_a_record_says_is_obeyed_by_a_terminal_or_fills_it(system):
    hostile = "\x1b]0;owned\x07\x9b31m\u202e\n" + "x" * 5000
    [broken] = log(system, failed(id_of(0), 13, hostile, worker=hostile, values=list(range(1000)), count=10_000_000))
    text, _ = run(system, "ls")
    whole, _ = run(system, "get", broken)
    raw, _ = run(system, "get", broken, "--json")
    assert len(text.splitlines()) == 2 and max(map(len, text.splitlines())) < 500
    assert max(map(len, whole.splitlines())) < 5000
    for out in (text, whole, raw):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", out)
    assert r"\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\nxxx" in whole and "Error: INTERNAL: " in whole
    assert json.loads(raw)["error"]["message"] == hostile, "it still says what the record says"

    assert whole.splitlines()[0].endswith(", 98, 99, …] (10000000 values)")
    assert run(system, "get", broken, "--values", "2")[0].startswith("Liste: [0, 1, …] (10000000 values)\n")


def test_a_listing_whose_reader_has_enough_ends_quietly(system):
    log(system, *(record(id_of(seconds)) for seconds in range(1500)))
    pipeline = '"$0" log ls --limit 0 --log-bucket "$1" | head -n 2'
    ended = subprocess.run(
        ["bash", "-o", "pipefail", "-c", pipeline, binary("compute-worker"), system.bucket],
        env=environment(system.aws), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert len(ended.stdout.splitlines()) == 2 and ended.stderr == ""


@object_mode
def test_a_long_listing_shows_a_bar_on_a_terminal_and_nowhere_else(system):
    made = log(system, *(record(id_of(seconds)) for seconds in range(1500)))
    out, notes = run_on_terminal(system, "ls", "--limit", "0", "--json")
    assert ids(out) == made
    assert re.search(r"[\d,]+ operations \([\d.,]+/s", notes), notes
    assert f"1500 operations {NONE_OF_TENANT}" in notes
    _, notes = run_on_terminal(system, "ls", "--limit", "1400", "--json")
    assert re.search(r"\[[=> ]+\] [\d,]+ of at most 1,400 operations", notes), notes

    assert run(system, "ls", "--limit", "0", "--json") == (out, f"1500 operations {NONE_OF_TENANT}\n")


# tail


@pytest.fixture
def tail(system, processes):
    def tail(*arguments, aws=system.aws):
        started = processes.start(command(system, "tail", "--interval", "500ms", *arguments), environment(aws))
        started.stderr.first(lambda line: line if line.startswith("following ") else None, "word that it follows")
        return started

    return tail


def told(process, operation):
    """Waits for an operation, and returns all that were told so far."""
    process.stdout.first(lambda line: line if operation in line else None, f"operation {operation}")
    return ids("\n".join(process.stdout.lines))


def end(process):
    os.kill(process.pid, signal.SIGINT)
    assert process.exit_code() == 0
    process.stdout.close()


def test_operations_are_told_once_as_they_appear_even_late_and_out_of_order(system, tail):
    [before] = log(system, record(id_of(1)))
    following = tail("--json")
    first, second = log(system, record(id_of(0)), record(id_of(0)))
    told(following, first), told(following, second)
    # Made half a minute before the others, and logged after them.
    [late] = log(system, record(id_of(30)))
    told(following, late)
    [last] = log(system, record(id_of(0)))
    everything = told(following, last)
    # As after another delivery.
    log(system, record(first))
    assert sorted(everything[:2]) == sorted([first, second]) and everything[2:] == [late, last]
    assert before not in everything
    log(system, record(id_of(0), tenant="acme"))
    everything += log(system, record(id_of(0)))
    told(following, everything[-1])
    end(following)
    assert ids("\n".join(following.stdout.lines)) == everything


def test_the_last_minutes_are_told_oldest_first_and_as_text(system, tail):
    [old] = log(system, record(id_of(600)), ago=590)
    wanted = log(system, *(record(id_of(seconds)) for seconds in (90, 60, 30)))
    following = tail("--since", "2m")
    following.stdout.first(lambda line: line if wanted[-1] in line else None, "the newest")
    end(following)
    header, *lines = following.stdout.lines
    assert header.startswith("TIME ") and [line.split()[1] for line in lines] == wanted
    assert old not in following.stdout.text()


def test_a_dead_mark_is_told_and_the_operation_again_if_it_is_finished_after_all(system, tail):
    following = tail("--json")
    mark = failed(id_of(0), 13, "not finished after 10 deliveries", values=None, count=None)
    log_object(system, mark, is_dead_mark=True)
    told(following, mark["id"])
    log(system, record(mark["id"]))
    wait_until(lambda: len(following.stdout.lines) == 2, "it is told again")
    end(following)
    assert [json.loads(line)["status"] for line in following.stdout.lines] == [13, 0]


def test_following_goes_on_when_s3_was_away_or_an_object_is_damaged(system, tail):
    with AwsProxy(system.aws.endpoint) as proxy:
        following = tail("--json", aws=Aws(proxy.endpoint))
        broken = id_of(0)
        damaged = record_key(None, broken) if system.mode == "object" else batch_key(None, int(now() * 1000), [broken])
        put(system, damaged, b"{")
        following.stderr.first(lambda line: line if f"the object {damaged} of the log cannot be read" in line else None, "word of it")
        proxy.refuse("S3.*", 503)
        following.stderr.first(lambda line: line if line.endswith("; trying again") else None, "word of the outage")
        [operation] = log(system, record(id_of(0)))
        proxy.accept("S3.*")
        assert told(following, operation) == [operation]
        end(following)
        assert len([line for line in following.stderr.lines if damaged in line]) == 1, following.stderr.text()


# delete


def with_payload(system, operation_id):
    key = f"payloads/{uuid.uuid4()}"
    put(system, key, b"{}")
    return record(operation_id, payload=key)


def keys(system, prefix):
    pages = system.aws.s3.get_paginator("list_objects_v2").paginate(Bucket=system.bucket, Prefix=prefix)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


def left(system):
    """The ids of all operations in the log, of all tenants."""
    return {*system.log_records(), *(fields["id"] for records in system.batches() for fields in records)}


def test_an_operation_is_deleted_with_its_payload_and_no_other(system):
    doomed, other = with_payload(system, id_of(0)), with_payload(system, id_of(0))
    log(system, doomed, other)
    out, _ = run(system, "delete", doomed["id"], "--yes", "--json")
    rewritten = int(system.mode == "batch")
    assert json.loads(out) == {"records": 1, "payloads": 1, "objects": 1 - rewritten, "rewritten": rewritten}
    assert left(system) == {other["id"]} and keys(system, "payloads/") == [other["payload"]]
    _, notes = run(system, "delete", doomed["id"], "--yes", exit_code=1)
    assert f"there is no operation {doomed['id']} {NONE_OF_TENANT}" in notes


def test_operations_before_a_day_are_deleted_and_those_of_other_tenants_only_if_asked(system):
    old, new = log(system, record(id_of("2026-11-21T23:59:59.999")), record(id_of("2026-11-22T00:00")))
    [foreign] = log(system, record(id_of("2026-11-20T00:00"), tenant="acme"))
    assert left(system) == {old, new, foreign}
    out, _ = run(system, "delete", "--before", "2026-11-22", "--yes")
    assert out.startswith("deleted 1 records and 0 payloads (")
    assert left(system) == {new, foreign}
    run(system, "delete", "--before", "2026-11-22", "--all-tenants", "--yes")
    assert left(system) == {new}


def test_all_of_a_tenant_is_deleted_and_the_tenant_must_be_named(system):
    log(system, *(record(id_of(day * 86_400), tenant="acme") for day in range(3)))
    put(system, claim_key("acme", id_of(0)), b"{}")
    [other] = log(system, record(id_of(0)))
    _, notes = run(system, "delete", "--all", "--yes", exit_code=2)
    assert "--tenant" in notes
    run(system, "delete", "--tenant", "acme", "--all", "--yes")
    assert left(system) == {other} and keys(system, "claims/") == []
    run(system, "delete", "--tenant", "-", "--all", "--yes")
    assert left(system) == set()


def test_without_a_terminal_nothing_is_deleted_unless_told_to(system):
    [operation] = log(system, record(id_of(0)))
    _, notes = run(system, "delete", operation, exit_code=1)
    assert f"this would delete the operation {operation} {NONE_OF_TENANT}. Say --yes" in notes
    assert left(system) == {operation}


@object_mode
@pytest.mark.parametrize("answer", ["", "n", "yep"])
def test_a_question_that_is_not_answered_with_yes_deletes_nothing(system, answer):
    [operation] = log(system, record(id_of(0)))
    out, notes = run_on_terminal(system, "delete", operation, answers=[answer], exit_code=1)
    assert f"Delete the operation {operation} {NONE_OF_TENANT}, and the payloads" in notes and "nothing is deleted" in notes
    assert out == "" and left(system) == {operation}


@object_mode
def test_a_question_that_is_answered_with_yes_deletes_and_a_bar_shows_how_far_it_is(system):
    log(system, *(record(id_of(seconds), tenant="acme") for seconds in range(400)))
    out, notes = run_on_terminal(system, "delete", "--tenant", "acme", "--all", answers=["y"])
    assert "Delete all operations of the tenant acme, and their claims on ids, and the payloads they point to" in notes
    assert re.search(r"[\d,]+ records deleted \(", notes), notes
    assert out.startswith("deleted 400 records ") and system.log_keys() == []


def test_a_deletion_that_was_killed_is_finished_by_the_next_one(system, processes):
    made = {fields["id"] for fields in [with_payload(system, id_of(seconds)) for seconds in range(20)] if log(system, fields)}
    with AwsProxy(system.aws.endpoint) as proxy:
        hold = proxy.hold_requests("S3.POST", lambda exchange: b"payloads/" not in exchange.body)
        killed = processes.start(command(system, "delete", "--tenant", "-", "--all", "--yes"), environment(Aws(proxy.endpoint)))
        hold.wait_until_reached()
        killed.kill()
        hold.drop()
    assert left(system) == made and keys(system, "payloads/") == [], "payloads go first: they are found by their records"
    run(system, "delete", "--tenant", "-", "--all", "--yes")
    assert left(system) == set()
