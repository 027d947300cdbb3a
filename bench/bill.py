"""What AWS charges for operations: prints the tables of the README's section "The bill".

    python bench/bill.py
    python bench/bill.py --traffic http://127.0.0.1:4566/_compute/traffic --operations 1000

The first computes from list prices and from how many requests an operation makes, as assumed below. The second bills the
requests that a local stack has counted since its start, to hold against the assumptions: give the number of operations that
they were made for.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from urllib.request import urlopen

# List prices of us-east-1 in November 2026, in dollars per million requests. Of SQS, each 64 KiB begun of a request or an
# answer is one request, an empty answer too. Of S3, PUT and LIST stand for all that writes or lists; DELETE and aborting cost
# nothing.
SQS, PUT, GET = 0.40, 5.00, 0.40
# Dollars for a gigabyte in S3 for a month.
STORED = 0.023

MILLION = 1_000_000
MONTH_SECONDS = 30 * 24 * 3600

# An operation is six messages' worth of requests: send, receive and delete, of the request and of the reply.
STEPS = 6
# The most messages in a request to SQS. At full load, requests are that full.
SQS_BATCH = 10
# At full load, a batch of the log is put when it holds a quarter of what a worker may keep: by default, a quarter of 32
# requests at once and 1,000 unsettled ones.
LOG_BATCH = (32 + 1_000) // 4

# Long polls at once, and seconds that each waits for nothing.
GATEWAY_POLLS, WORKER_POLLS, POLL_WAIT = 2, 3, 20
# A gateway signs its reply queue at least every 4 minutes, and looks for those of the dead every 10 minutes. Both come up to a
# quarter earlier; a look lists the queues, and reads the tags of two.
SIGNS, LOOKS = MONTH_SECONDS / 210, 3 * MONTH_SECONDS / 525

# A part of a payload in S3, in bytes; a smaller payload is one PUT.
PART = 8 << 20


@dataclass(frozen=True)
class Requests:
    """Billed requests, by price."""

    sqs: float = 0
    put: float = 0
    list: float = 0
    get: float = 0

    def __add__(self, other):
        return Requests(self.sqs + other.sqs, self.put + other.put, self.list + other.list, self.get + other.get)

    def dollars(self):
        """Their price, a million times each."""
        return self.sqs * SQS + (self.put + self.list) * PUT + self.get * GET

    def __str__(self):
        named = [(self.sqs, "SQS"), (self.put, "PUT"), (self.list, "LIST"), (self.get, "GET")]
        return ", ".join(f"{count:{'g' if count >= 1 else '.2g'}} {name}" for count, name in named if count)


# To find an operation that one worker has logged, and to list a page of 50, by the mode of the log.
LOOKUP = {"object": Requests(get=1), "batch": Requests(list=1, get=2)}
PAGE = {"object": Requests(list=4, get=50), "batch": Requests(list=3, get=2)}
# To learn that a new operation is not in the log, in either mode.
MISS = Requests(list=1, get=2)


def payload(size):
    """To write and read a payload of that many bytes in S3."""
    parts = -(-size // PART)
    # To begin and to complete an upload in parts are requests of their own.
    return Requests(put=parts + 2 if parts > 1 else 1, get=1)


def table(header, *rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def money(amount):
    return f"${amount:,.2f}"


def bold(text):
    return f"**{text}**"


def operations():
    """A million operations, in both modes of the log."""
    alone = Requests(sqs=STEPS)
    full = Requests(sqs=STEPS / SQS_BATCH)
    one, shared = Requests(put=1), Requests(put=1 / LOG_BATCH)

    def row(name, *requests):
        return [name, *(text for r in requests for text in (str(r), money(r.dollars())))]

    def whole(mode, *requests):
        return [bold(f"the whole bill, `--log-mode {mode}`"), *(t for r in requests for t in ("", bold(money(r.dollars()))))]

    return table(
        ["", "one call at a time", "a million", "full load", "a million"],
        row("send, receive, delete: the request and the reply", alone, full),
        row("the log, `--log-mode object`", one, one),
        row("the log, `--log-mode batch`", one, shared),
        whole("object", alone + one, full + one),
        whole("batch", alone + one, full + shared),
    )


def extras():
    """What is asked for beyond that, a million times each."""
    asked = [
        ("`GetOperation`, logged in `object` mode", LOOKUP["object"]),
        ("`GetOperation`, logged in `batch` mode by one worker", LOOKUP["batch"]),
        ("`ListOperations`, a page of 50, logged in `object` mode", PAGE["object"]),
        ("`ListOperations`, a page of 50, logged in `batch` mode", PAGE["batch"]),
        ("an `operation_id` of the caller's: a claim, and a look at the log", Requests(put=1) + MISS),
        ("a list in S3: up to 8 MiB", payload(PART)),
        ("a list in S3: 100 MB, some 10,000,000 values", payload(100_000_000)),
    ]
    return table(["", "requests", "a million"], *([name, str(each), money(each.dollars())] for name, each in asked))


def idle():
    """What a process costs in a month in which nobody calls."""

    def polls(at_once):
        return at_once * MONTH_SECONDS / POLL_WAIT

    def row(name, sqs):
        return [name, f"{sqs:,.0f} SQS", money(sqs * SQS / MILLION)]

    return table(
        ["", "requests", "a month"],
        row("a gateway: 2 long polls of 20 s, and the upkeep of its reply queue", polls(GATEWAY_POLLS) + SIGNS + LOOKS),
        row("a worker: 3 long polls of 20 s", polls(WORKER_POLLS)),
        ["a million records kept, of 700 bytes each", "0.7 GB", money(0.7 * STORED)],
    )


TABLES = {"operations": operations, "extras": extras, "idle": idle}


def measured(traffic, count=1):
    """The bill for the counted traffic of so many operations, as requests for one of them."""
    total = Requests()
    for operation, requests in traffic.items():
        service, _, name = operation.partition(":")
        billed = requests["billed"] / count
        if service == "sqs":
            total += Requests(sqs=billed)
        elif name.startswith(("Get", "Head")):
            total += Requests(get=billed)
        elif name.startswith("List"):
            total += Requests(list=billed)
        elif not name.startswith(("Delete", "Abort")):
            total += Requests(put=billed)
    return total


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--traffic", metavar="URL", help="where a local stack tells its counted traffic")
    arguments.add_argument("--operations", metavar="N", type=int, help="how many operations it was counted for")
    given = arguments.parse_args()
    if (given.traffic is None) != (given.operations is None) or (given.operations or 1) < 1:
        arguments.error("--traffic and --operations go together, and there must have been operations")
    if given.traffic:
        try:
            with urlopen(given.traffic, timeout=10) as answer:
                each = measured(json.load(answer), given.operations)
        except (OSError, ValueError) as error:
            sys.exit(f"{given.traffic} does not tell its traffic: {error}")
        print(f"an operation: {each}\na million operations: {money(each.dollars())}")
    else:
        for name, make in TABLES.items():
            print(f"<!-- bill: {name} -->\n{make()}\n<!-- /bill -->\n")


if __name__ == "__main__":
    main()
