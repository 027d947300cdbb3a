"""Traces end to end: what a collector gets of a call, and what calls get from a collector that is away."""

import json
import secrets
import socket

import grpc
import pytest
from callers import parts
from collector import Collector
from deployment import metric
from processes import wait_until
from uuids import uuid7

GATEWAY, WORKER = "compute.v1.ComputeService/Compute", "process {}-requests"
SPANS = 'compute_trace_spans_total{outcome="%s"}'
# Of the gateway, and of the worker.
SPANS_OF_A_CALL = [2, 3]


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture
def traced(queues, local_aws, collector):
    """Starts a gateway and a worker that send their traces to the collector."""

    def traced(*worker_flags):
        queues_ = queues(local_aws, prefix="traced")
        queues_.log_level = "debug"
        flags = ["--otlp-endpoint", collector.endpoint]
        environment = {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"}
        worker = queues_.worker("w", *flags, *worker_flags)
        gateway = queues_.gateway(*flags, "--instance", "g", environment=environment)
        return queues_, gateway, worker

    return traced


def browser(flags="01"):
    """The trace context that a page makes for a call: its trace, its span, the header."""
    trace, span = secrets.token_hex(16), secrets.token_hex(8)
    return trace, span, [("traceparent", f"00-{trace}-{span}-{flags}")]


def compute(caller, metadata, values=(1, 2, 3), **fields):
    return caller.stub.Compute(caller.request(values, **fields), timeout=60, metadata=metadata)


def test_one_trace_leads_from_the_browser_to_the_gateway_the_queue_the_worker_and_s3(traced, connect, collector):
    queues, gateway, _ = traced()
    trace, page, metadata = browser()
    answer = compute(connect(gateway.address), metadata)
    queue = f"{queues.prefix}-requests"
    spans = collector.trace(trace, [GATEWAY, f"send {queue}", f"process {queue}", "send reply", "S3.PutObject"])
    called, sent, worked = spans[GATEWAY], spans[f"send {queue}"], spans[f"process {queue}"]
    replied, logged = spans["send reply"], spans["S3.PutObject"]
    assert (called.parent, sent.parent, worked.parent) == (page, called.id, sent.id)
    assert replied.parent == logged.parent == worked.id
    kinds = [span.kind for span in (called, sent, worked, replied, logged)]
    assert kinds == ["SERVER", "PRODUCER", "CONSUMER", "PRODUCER", "CLIENT"]
    assert not any(span.is_error for span in spans.values())
    assert called.start <= sent.start <= worked.start <= replied.start <= called.end

    assert (called.attributes["rpc.system"], called.attributes["rpc.grpc.status_code"]) == ("grpc", 0)
    assert called.attributes["operation_id"] == worked.attributes["operation_id"] == answer.operation_id
    assert sent.attributes["messaging.message.conversation_id"] == answer.operation_id
    for span in (sent, worked):
        assert span.attributes["messaging.system"] == "aws_sqs"
        assert span.attributes["messaging.destination.name"] == queue
    assert logged.attributes["aws.s3.bucket"] == queues.bucket
    about = [(span.resource["service.name"], span.resource["service.instance.id"]) for span in (called, worked)]
    assert about == [("compute-gateway", "g"), ("compute-worker", "w")]
    assert called.resource["deployment.environment.name"] == "test"
    assert called.resource["service.version"]


def test_a_call_without_a_trace_begins_one_unless_the_ratio_says_no(traced, queues, local_aws, connect, collector):
    deployment, gateway, _ = traced()
    answer = compute(connect(gateway.address), [])
    [begun] = wait_until(lambda: [span for span in collector.spans() if span.name == GATEWAY], "a span of the call")
    assert (begun.parent, begun.attributes["operation_id"]) == ("", answer.operation_id)
    collector.trace(begun.trace_id, [f"process {deployment.prefix}-requests", "S3.PutObject"])

    silent = deployment.gateway("--otlp-endpoint", collector.endpoint, "--trace-sample-ratio", "0")
    unseen = compute(connect(silent.address), [])
    silent.stop()
    trace, _, metadata = browser()
    compute(connect(gateway.address), metadata)
    collector.trace(trace, [GATEWAY, "S3.PutObject"])
    ids = {span.attributes.get("operation_id") for span in collector.spans()}
    assert answer.operation_id in ids and unseen.operation_id not in ids


def test_nothing_is_collected_of_a_call_whose_caller_is_not_traced(traced, connect, collector):
    _, gateway, worker = traced()
    trace, _, metadata = browser(flags="00")
    compute(connect(gateway.address), metadata)
    # What ends a process sends its last spans.
    gateway.stop()
    worker.stop()
    assert collector.spans() == []


def test_the_spans_of_a_stopped_process_are_not_lost(traced, connect, collector):
    _, gateway, worker = traced()
    trace, _, metadata = browser()
    compute(connect(gateway.address), metadata)
    gateway.stop()
    worker.stop()
    assert {GATEWAY, "send reply", "S3.PutObject"} <= {span.name for span in collector.spans()}


def test_an_error_shows_on_the_span_if_the_server_is_to_blame(traced, connect, collector):
    queues, gateway, worker = traced()
    (invalid, _, to_invalid), (late, _, to_late) = browser(), browser()
    caller = connect(gateway.address)
    with pytest.raises(grpc.RpcError):
        compute(caller, to_invalid, values=())
    span = collector.trace(invalid, [GATEWAY])[GATEWAY]
    assert (span.attributes["rpc.grpc.status_code"], span.is_error) == (3, False)
    worker.stop()
    with pytest.raises(grpc.RpcError):
        caller.stub.Compute(caller.request([1]), timeout=1, metadata=to_late)
    span = collector.trace(late, [GATEWAY])[GATEWAY]
    # The deadline, or the caller gone at the same time.
    assert span.attributes["rpc.grpc.status_code"] in (1, 4)
    assert span.is_error == (span.attributes["rpc.grpc.status_code"] == 4)
    assert f"send {queues.prefix}-requests" in collector.trace(late, [f"send {queues.prefix}-requests"])


def test_a_payload_in_s3_is_put_by_the_gateway_and_read_by_the_worker_in_the_same_trace(traced, connect, collector):
    queues, gateway, _ = traced()
    trace, _, metadata = browser()
    caller = connect(gateway.address)
    parts = (caller.request(range(start, start + 50_000)) for start in (0, 50_000))
    answer = caller.stub.ComputeStream(parts, timeout=60, metadata=metadata)
    assert answer.statistics.count == 100_000
    stream, worked = "compute.v1.ComputeService/ComputeStream", f"process {queues.prefix}-requests"
    spans = collector.trace(trace, [stream, worked, "S3.GetObject", "S3.PutObject"])
    wait_until(lambda: len([s for s in collector.spans() if s.name == "S3.PutObject"]) == 2, "payload and log")
    puts = {s.parent for s in collector.spans() if s.name == "S3.PutObject"}
    assert puts == {spans[stream].id, spans[worked].id}
    assert spans["S3.GetObject"].parent == spans[worked].id


def test_a_batch_of_the_log_links_to_its_operations_and_is_a_child_of_none(traced, connect, collector):
    queues, gateway, _ = traced("--log-mode", "batch")
    callers = [browser() for _ in range(2)]
    calls = [
        connect(gateway.address).stub.Compute.future(connect(gateway.address).request([1]), timeout=60, metadata=metadata)
        for _, _, metadata in callers
    ]
    for call in calls:
        call.result()
    worked = {(trace, collector.trace(trace, [f"process {queues.prefix}-requests"])[f"process {queues.prefix}-requests"].id)
              for trace, _, _ in callers}  # fmt: skip
    batches = wait_until(
        lambda: (found := [s for s in collector.spans() if s.name == "log batch"])
        and {link for s in found for link in s.links} == worked and found,
        "links to both operations",
    )  # fmt: skip
    assert all(batch.parent == "" for batch in batches)
    puts = [span for span in collector.spans() if span.name == "S3.PutObject"]
    assert {span.parent for span in puts} == {batch.id for batch in batches}


def test_x_ray_is_told_the_same_trace_on_the_request_and_on_the_reply(queues, local_aws, connect):
    """Without a collector too: what the caller says goes through."""
    deployment = queues(local_aws, prefix="x-ray")
    gateway = deployment.gateway()
    trace, span, metadata = browser()
    caller = connect(gateway.address)
    call = caller.stub.Compute.future(caller.request([1]), timeout=60, metadata=metadata)
    header = f"Root=1-{trace[:8]}-{trace[8:]};Parent={span};Sampled=1"
    ask = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"], "WaitTimeSeconds": 10}
    [message] = local_aws.sqs.receive_message(QueueUrl=deployment.requests, VisibilityTimeout=0, **ask)["Messages"]
    assert message["Attributes"]["AWSTraceHeader"] == header
    assert message["MessageAttributes"]["traceparent"]["StringValue"] == dict(metadata)["traceparent"]
    call.cancel()
    # The gateway's place at its reply queue is taken here, to see the reply.
    replies = local_aws.sqs.create_queue(QueueName=f"{deployment.prefix}-replies-seen")["QueueUrl"]
    sent = {name: {k: a[k] for k in ("DataType", "StringValue")} for name, a in message["MessageAttributes"].items()}
    sent["ReplyTo"] = {"DataType": "String", "StringValue": replies}
    local_aws.sqs.purge_queue(QueueUrl=deployment.requests)
    local_aws.sqs.send_message(QueueUrl=deployment.requests, MessageBody=message["Body"], MessageAttributes=sent)
    deployment.worker("w")
    [reply] = local_aws.sqs.receive_message(QueueUrl=replies, **ask)["Messages"]
    assert reply["Attributes"]["AWSTraceHeader"] == header


def exported_by(*processes):
    return [metric(process, SPANS % "exported") for process in processes]


def dropped_by(*processes):
    return [metric(process, SPANS % "dropped") for process in processes]


def test_spans_are_counted_when_the_collector_has_them(traced, connect, collector):
    _, gateway, worker = traced()
    assert exported_by(gateway, worker) == [0, 0]
    compute(connect(gateway.address), browser()[2])
    wait_until(lambda: exported_by(gateway, worker) == SPANS_OF_A_CALL, "the spans of a call are counted")
    assert len(collector.spans()) == sum(SPANS_OF_A_CALL)
    assert dropped_by(gateway, worker) == [0, 0]


def test_a_collector_that_is_away_harms_no_call_and_is_told_of_once_and_what_it_misses_is_counted(
    queues, local_aws, connect
):
    deployment = queues(local_aws, prefix="untraced")
    with socket.socket() as unserved:
        unserved.bind(("127.0.0.1", 0))
        flags = ["--otlp-endpoint", f"http://127.0.0.1:{unserved.getsockname()[1]}"]
        worker, gateway = deployment.worker("w", *flags), deployment.gateway(*flags)
        caller = connect(gateway.address)
        warning = "the collector takes no traces: until it does, spans are dropped"
        compute(caller, browser()[2])
        gateway.event(warning)
        wait_until(lambda: dropped_by(gateway, worker) == SPANS_OF_A_CALL, "what is dropped is counted")
        for _ in range(3):
            compute(caller, browser()[2])
        wait_until(lambda: dropped_by(gateway, worker) == [4 * n for n in SPANS_OF_A_CALL], "it goes on to be counted")
        assert exported_by(gateway, worker) == [0, 0]
        gateway.stop()
        worker.stop()
    for process in (gateway, worker):
        assert process.stderr.text().count(warning) == 1


@pytest.mark.parametrize("is_collected", [True, False])
def test_every_log_line_about_a_call_has_its_operation_id_and_its_trace(is_collected, traced, queues, local_aws, connect):
    if is_collected:
        _, gateway, worker = traced()
    else:
        deployment = queues(local_aws, prefix="logged")
        deployment.log_level = "debug"
        gateway, worker = deployment.gateway(), deployment.worker("w")
    trace, _, metadata = browser()
    caller = connect(gateway.address)
    answer = compute(caller, metadata)
    with pytest.raises(grpc.RpcError):
        compute(caller, metadata, values=())
    gateway.stop()
    worker.stop()
    seen = 0
    for process, name in ((gateway, "call"), (worker, "delivery")):
        about_calls = [line for line in events(process) if any(span["name"] == name for span in line.get("spans", []))]
        assert about_calls, process.stderr.text()
        for line in about_calls:
            [span] = [span for span in line["spans"] if span["name"] == name]
            assert span["trace_id"] == trace, line
            assert span["operation_id"], line
            seen += span["operation_id"] == answer.operation_id
    assert seen >= 2
    answered = [line for line in events(gateway) if line.get("message") == "answered"]
    assert len(answered) == 2 and all(line["spans"] for line in answered)


@pytest.mark.parametrize("is_collected", [True, False])
def test_log_lines_and_spans_have_the_operation_id_that_a_caller_chose_or_asks_for(
    is_collected, traced, queues, local_aws, connect, collector
):
    flags = ["--max-values", "3"]
    if is_collected:
        _, gateway, worker = traced(*flags)
    else:
        deployment = queues(local_aws, prefix="chosen")
        deployment.log_level = "debug"
        gateway, worker = deployment.gateway(), deployment.worker("w", *flags)
    caller = connect(gateway.address)
    messages, (unary, streamed, submitted, failed) = caller.api.messages, [str(uuid7()) for _ in range(4)]
    assert compute(caller, [], operation_id=unary).operation_id == unary
    stream = parts(caller.api, [1, 2, 3], 2, operation_id=streamed)
    assert caller.stub.ComputeStream(stream, timeout=60).operation_id == streamed
    submission = messages.SubmitOperationRequest(request=caller.request([1], operation_id=submitted))
    name = caller.stub.SubmitOperation(submission, timeout=60).name
    assert caller.stub.WaitOperation(messages.WaitOperationRequest(name=name), timeout=60).done
    assert caller.stub.GetOperation(messages.GetOperationRequest(name=name), timeout=60).done
    with pytest.raises(grpc.RpcError) as refused:
        compute(caller, [], values=(1, 2, 3, 4), operation_id=failed)
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    gateway.stop()
    worker.stop()

    ids = [unary, streamed, submitted, submitted, submitted, failed]
    assert [line["spans"][0]["operation_id"] for line in events(gateway) if line.get("message") == "answered"] == ids
    [error] = [line for line in events(gateway) if line.get("message") == "the worker answered with an error"]
    assert error["spans"][0]["operation_id"] == failed
    calls = sorted((span for span in collector.spans() if span.kind == "SERVER"), key=lambda span: span.start)
    assert [span.attributes["operation_id"] for span in calls] == (ids if is_collected else [])
    assert all(len(set(span.keys)) == len(span.keys) for span in collector.spans())


def events(process):
    return [json.loads(line) for line in process.stderr.lines if line.startswith("{")]
