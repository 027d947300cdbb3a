"""The metrics are those that deploy/METRICS.md documents, and the dashboard and the alert rules use nothing else.

Judges that nobody here wrote: the parser of Prometheus's Python client, and a parser of PromQL.
"""

import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass
from urllib.request import urlopen

import grpc
import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from conftest import start_local
from deployment import Aws, metric, traffic
from processes import REPOSITORY, wait_until
from uuids import uuid7

DEPLOY = REPOSITORY / "deploy"
SUFFIXES = {"counter": [""], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
# Labels that have no list of values in the documentation.
OPEN_LABELS = {"version", "operation", "le"}
# What a gateway does every few minutes, that in the endpoint's own process too.
UPKEEP = {"sqs:TagQueue", "sqs:ListQueues", "sqs:ListQueueTags", "sqs:DeleteQueue"}
POLL = "sqs:ReceiveMessage"


@dataclass
class Metric:
    """One row of the documentation."""

    kind: str
    # The documented values of each label; none where they are not listed.
    labels: dict[str, set[str]]
    text: list[str]


def documented(*sections):
    """The metrics that deploy/METRICS.md has under these headings, by name."""
    page = (DEPLOY / "METRICS.md").read_text(encoding="utf-8")
    found = {}
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        if heading in sections:
            for row in re.findall(r"^\| `.*$", body, re.MULTILINE):
                name, kind, labels, *text = [cell.strip() for cell in row.strip("|").split("|")]
                assert name.strip("` ") not in found, row
                found[name.strip("` ")] = Metric(kind, labels_in(labels), text)
    return found


def labels_in(cell):
    """`a`: `x` `y`; `b`: text  gives {"a": {"x", "y"}, "b": set()}."""
    parts = (part.partition(":") for part in cell.split(";") if part.strip())
    return {name.strip(" `"): set(re.findall(r"`([^`]+)`", values)) for name, _, values in parts}


def scraped(process):
    """The families that a process tells, by name: their types and their samples."""
    with urlopen(f"http://{process.admin}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        text = answer.read().decode()
    found = {}
    for family in text_string_to_metric_families(text):
        name = family.name + ("_total" if family.type == "counter" else "")
        assert name not in found and family.documentation, name
        found[name] = (family.type, family.samples)
    assert len(re.findall("^# TYPE ", text, re.MULTILINE)) == len(found)
    return found


def check(process, section):
    expected, found = documented(section, "Both"), scraped(process)
    assert set(found) == set(expected)
    for name, (kind, samples) in found.items():
        assert kind == expected[name].kind, name
        labels = expected[name].labels
        assert samples, f"{name} was not tried"
        for sample in samples:
            assert set(sample.labels) - {"le"} == set(labels), (name, sample)
            for label, value in sample.labels.items():
                assert label in OPEN_LABELS or value in labels[label], (name, label, value)


def test_gateway_and_workers_tell_what_is_documented_and_nothing_else(api, connect, queues, local_aws, tmp_path):
    system = queues(local_aws, "metrics")
    token = "a-token"
    (tmp_path / "tokens").write_text(f"{hashlib.sha256(token.encode()).hexdigest()} acme\n")
    gateway = system.gateway("--tokens", tmp_path / "tokens", "--max-in-flight", "1")
    caller, bearer = connect(gateway.address), [("authorization", f"Bearer {token}")]

    # Nobody works yet: of two calls one is refused, and the other one waits.
    waiting = caller.stub.Compute.future(caller.request([1]), timeout=60, metadata=bearer)
    wait_until(lambda: metric(gateway, "compute_gateway_waiters") == 1, "a call waits")
    assert failure(lambda: caller.compute([1], token=token)) is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert failure(lambda: caller.compute([1])) is grpc.StatusCode.UNAUTHENTICATED
    single = system.worker("single")
    assert waiting.result().statistics.count == 1

    # Through S3, as one message and as a stream; and not valid.
    large = list(range(200_000))
    assert caller.compute([10**15 + value for value in large], token=token).statistics.count == len(large)
    stream = iter([api.messages.ComputeRequest(values=large[:1000]) for _ in range(3)])
    assert caller.stub.ComputeStream(stream, timeout=60, metadata=bearer).statistics.count == 3000
    assert failure(lambda: caller.compute([], token=token)) is grpc.StatusCode.INVALID_ARGUMENT
    wait_until(lambda: metric(single, "compute_worker_log_records_total") == 3, "all is logged")
    check(gateway, "Gateway")
    check(single, "Worker")
    assert metric(gateway, 'compute_gateway_refused_total{reason="too_many"}') == 1
    assert metric(gateway, 'compute_gateway_turned_away_total{reason="token_missing"}') == 1
    for stage in ("total", "gateway", "request_queue", "work", "reply_queue"):
        assert metric(gateway, f'compute_gateway_call_seconds_count{{stage="{stage}"}}') == 3
    put = 'compute_aws_requests_total{service="S3",operation="PutObject",outcome="ok"}'
    assert metric(single, put) == metric(single, "compute_worker_log_puts_total") == 3
    payloads = metric(gateway, 'compute_gateway_payload_bytes_total{direction="written"}')
    assert payloads > 1_000_000
    assert metric(single, 'compute_worker_payload_bytes_total{direction="read"}') == payloads
    assert metric(single, "compute_worker_slots") == 32 and metric(single, "compute_worker_slots_busy") == 0
    assert metric(single, "compute_worker_queue_wait_seconds_count") == 3
    assert metric(single, "compute_worker_compute_seconds_count") == 3
    single.stop()

    batching = system.worker("batching", "--log-mode", "batch", "--log-flush-interval", "100ms")
    assert caller.compute([1, 2], token=token).statistics.count == 2
    wait_until(lambda: metric(batching, "compute_worker_log_batches_total") == 1, "a batch is put")
    check(batching, "Worker")
    assert metric(batching, "compute_worker_log_batch_records_count") == 1


def failure(call):
    with pytest.raises(grpc.RpcError) as failed:
        call()
    return failed.value.code()


def test_requests_to_aws_are_counted_and_billed_as_the_endpoint_counts_them(connect, queues, local_aws):
    system = queues(local_aws, "requests")
    before = traffic(local_aws)
    worker, gateway = system.worker("only"), system.gateway()
    for _ in range(5):
        connect(gateway.address).compute([1, 2, 3])
    sends = 'compute_aws_requests_total{service="SQS",operation="SendMessageBatch",outcome="ok"}'
    assert metric(gateway, sends) == metric(worker, sends) == 5
    for process, kind in ((gateway, "gateway"), (worker, "worker")):
        assert metric(process, 'compute_sqs_billed_requests_total{operation="SendMessageBatch"}') == 5
        batches = f"compute_{kind}_sqs_batch_messages"
        assert metric(process, f'{batches}_count{{operation="SendMessageBatch"}}') == 5
        assert metric(process, f'{batches}_sum{{operation="SendMessageBatch"}}') == 5

    caller, name = connect(gateway.address), f"operations/{uuid7()}"
    asked = caller.api.messages.GetOperationRequest(name=name)
    assert failure(lambda: caller.stub.GetOperation(asked, timeout=60)) is grpc.StatusCode.NOT_FOUND
    missing = 'compute_aws_requests_total{service="S3",operation="GetObject",outcome="not_found"}'
    assert metric(gateway, missing) >= 1

    # One list of 340 KB on the queue, and one in S3.
    for count in (20_000, 200_000):
        assert caller.compute([10**15 + value for value in range(count)]).statistics.count == count
    told = wait_until_told_as_counted((gateway, worker), local_aws, before)
    assert {"sqs:DeleteMessageBatch", "s3:PutObject", "s3:GetObject", "s3:HeadBucket"} <= set(told)
    for operation in ("sqs:SendMessageBatch", POLL):
        made, billed = told[operation]
        # Of 7 calls each way. The large message counts for 6, as it is sent and as it is received.
        assert (made, billed) == (14, 14 + 5), operation


def test_each_attempt_is_counted_also_of_a_request_that_is_refused(connect, queues, processes, tmp_path, monkeypatch):
    # For the client that makes the queues.
    monkeypatch.setenv("AWS_RETRY_MODE", "standard")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "10")
    aws = Aws(start_local(processes, tmp_path, 0, "--chaos", "seed=7,throttle=10%").aws)
    system = queues(aws, "attempts")
    worker, gateway = system.worker("only"), system.gateway()
    caller = connect(gateway.address)
    for _ in range(30):
        caller.compute([1, 2, 3])

    def outcomes():
        """The attempts to send, and those of them that were refused, as the processes and as the endpoint tell it."""
        told = samples("compute_aws_requests_total", gateway, worker)
        told = [sample for sample in told if sample.labels["operation"] == "SendMessageBatch"]
        refused = sum(sample.value for sample in told if sample.labels["outcome"] == "throttled")
        counted = traffic(aws)["sqs:SendMessageBatch"]
        arrived, handled = counted["arrived"], counted["handled"]
        return (sum(sample.value for sample in told), refused), (arrived, arrived - handled)

    told, counted = outcomes()
    assert told == counted and told[1] > 0


def samples(name, *processes):
    """The samples of a metric that has the same name in all of these processes."""
    return [sample for process in processes for sample in scraped(process)[name][1]]


def told_by(gateway, worker):
    """The requests to AWS that the two tell of, by the endpoint's names of the operations: how many, and how many a
    bill has of them. Apart from them, the number of polls that brought nothing.
    """
    made, billed = Counter(), Counter()
    for sample in samples("compute_aws_requests_total", gateway, worker):
        name = f"{sample.labels['service'].lower()}:{sample.labels['operation'].removesuffix('V2')}"
        made[name] += sample.value
        billed[name] += sample.value if name.startswith("s3:") else 0
    for sample in samples("compute_sqs_billed_requests_total", gateway, worker):
        billed[f"sqs:{sample.labels['operation']}"] += sample.value
    batches = samples("compute_gateway_sqs_batch_messages", gateway)
    batches += samples("compute_worker_sqs_batch_messages", worker)
    polls = [sample for sample in batches if sample.labels["operation"] == "ReceiveMessage"]
    empty = sum(sample.value for sample in polls if float(sample.labels.get("le", "inf")) == 0)
    return without_empty({name: (made[name], billed[name]) for name in made}, empty), empty


def counted_by(aws, before):
    """The same of all requests that the endpoint has answered since then."""

    def since(name, what):
        return now[name].get(what, 0) - before.get(name, {}).get(what, 0)

    now = traffic(aws)
    empty = since(POLL, "empty")
    answered = without_empty({name: (since(name, "handled"), since(name, "billed")) for name in now}, empty)
    return {name: counts for name, counts in answered.items() if counts != (0, 0)}, empty


def without_empty(requests, empty):
    made, billed = requests[POLL]
    return requests | {POLL: (made - empty, billed - empty)}


def wait_until_told_as_counted(processes, aws, before):
    """Waits until a gateway and a worker tell of their requests what the endpoint has counted; returns it. Polls that
    bring nothing come and go all the time, those of the gateway in the endpoint's process too: it has at least as many.
    """
    differing = None

    def same():
        nonlocal differing
        (told, empty), (counted, all_empty) = told_by(*processes), counted_by(aws, before)
        names = (told.keys() | counted.keys()) - UPKEEP
        differing = {name: (told.get(name), counted.get(name)) for name in names if told.get(name) != counted.get(name)}
        return empty <= all_empty and not differing and told

    try:
        return wait_until(same, "the metrics are what the endpoint counts")
    except AssertionError as error:
        raise AssertionError(f"{error}; told and counted: {differing}") from None


def test_every_row_of_the_documentation_says_what_to_do():
    for name, row in documented("Gateway", "Worker", "Both").items():
        assert row.kind in SUFFIXES, name
        assert len(row.text) == 2 and all(row.text), name
        assert name.endswith("_total") == (row.kind == "counter"), name


def dashboard():
    return json.loads((DEPLOY / "grafana/compute.json").read_text(encoding="utf-8"))


def rules():
    [group] = yaml.safe_load((DEPLOY / "prometheus/alerts.yaml").read_text(encoding="utf-8"))["groups"]
    return group["rules"]


def panels():
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


EXPRESSIONS = [target["expr"] for panel in panels() for target in panel["targets"]] + [rule["expr"] for rule in rules()]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_what_the_dashboard_and_the_alerts_ask_for_is_documented(expression):
    metrics = documented("Gateway", "Worker", "Both")
    series = {name + suffix: row for name, row in metrics.items() for suffix in SUFFIXES[row.kind]}
    selectors = list(selectors_in(promql_parser.parse(expression.replace("$__rate_interval", "5m"))))
    assert selectors
    for selector in selectors:
        row = series[selector.name]
        for matcher in selector.matchers.matchers:
            assert matcher.name in row.labels, (expression, matcher.name)
            values = row.labels[matcher.name]
            if values and matcher.op in (promql_parser.MatchOp.Equal, promql_parser.MatchOp.NotEqual):
                assert matcher.value in values, (expression, matcher.value)
            if values and "Re" in str(matcher.op):
                assert any(re.fullmatch(matcher.value, value) for value in values), (expression, matcher.value)
    known = {"le"}.union(*(series[selector.name].labels for selector in selectors))
    for grouped in re.findall(r"by \(([^)]*)\)", expression):
        assert {label.strip() for label in grouped.split(",")} <= known, expression


def selectors_in(expression):
    """The selectors of series in an expression, wherever they are."""
    match expression:
        case promql_parser.VectorSelector():
            yield expression
        case promql_parser.MatrixSelector():
            yield expression.vector_selector
        case promql_parser.BinaryExpr():
            yield from selectors_in(expression.lhs)
            yield from selectors_in(expression.rhs)
        case promql_parser.AggregateExpr() | promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            yield from selectors_in(expression.expr)
        case promql_parser.Call():
            for argument in expression.args:
                yield from selectors_in(argument)
        case promql_parser.NumberLiteral() | promql_parser.StringLiteral():
            return
        case _:
            raise AssertionError(f"what is {expression!r}?")


def test_the_dashboard_can_be_provisioned_and_no_panel_lies_on_another():
    board = dashboard()
    assert board["uid"] == "compute" and "id" not in board, "a provisioned dashboard has a name and no number"
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    rows = [panel["title"] for panel in board["panels"] if panel["type"] == "row"]
    assert rows == ["Callers", "Queue", "Worker", "Log", "AWS bill", "Process"]
    taken = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
    [source] = board["templating"]["list"]
    for panel in panels():
        assert panel["datasource"]["uid"] == f"${{{source['name']}}}"
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


def test_the_alerts_are_named_and_say_what_is_wrong():
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"].endswith("."), rule
