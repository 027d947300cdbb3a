"""The system as separate processes on moto, an SQS and S3 that nobody here wrote."""

from concurrent.futures import ThreadPoolExecutor

from processes import wait_until

CALLS = 100
THREADS = 8


def test_two_workers_answer_and_log_every_call_and_everything_ends_cleanly(moto, queues, api, connect):
    system = queues(moto)
    gateway = system.gateway()
    # Few slots, so that one worker alone cannot take all there is.
    workers = [system.worker(worker_id, "--concurrency", "2") for worker_id in ("worker-a", "worker-b")]
    caller = connect(gateway.address)

    lists = [[n, -n, 3 * n, 7] for n in range(CALLS)]
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(caller.compute, lists))

    for values, answer in zip(lists, answers, strict=True):
        statistics = answer.statistics
        assert (statistics.count, statistics.min, statistics.max) == (4, min(values), max(values))
        assert (statistics.sum, statistics.mean) == (str(sum(values)), sum(values) / 4)
        assert statistics.median == sum(sorted(values)[1:3]) / 2
    assert {answer.worker for answer in answers} == {"worker-a", "worker-b"}

    [reply_queue] = system.reply_queues()
    system.wait_until_empty(system.requests)
    system.wait_until_empty(reply_queue)
    assert system.counts(system.dead_letters) == (0, 0)

    wait_until(lambda: len(system.log_keys()) >= CALLS, "every call is logged")
    records = system.log_records()
    assert records.keys() == {answer.operation_id for answer in answers}
    for values, answer in zip(lists, answers, strict=True):
        record = records[answer.operation_id]
        # moto hands a message to two receivers at once now and then: the one that logs it need not be the one that is heard.
        assert record["worker"] in {"worker-a", "worker-b"}
        assert (record["status"], record["values"]) == (0, values)
        assert record["summary"] == summary(values)

    for process in [gateway, *workers]:
        process.stop()
    assert system.reply_queues() == []


def summary(values):
    low, high = sorted(values)[1:3]
    lines = [f"Liste: {values}", f"Min:{min(values)}", f"Max:{max(values)}"]
    lines += [f"Median:{shortest((low + high) / 2)}", f"Mean:{shortest(sum(values) / 4)}"]
    return "\n".join(lines)


def shortest(number):
    return repr(number).removesuffix(".0")
