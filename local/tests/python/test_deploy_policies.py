"""The policies in `deploy/policies` are enough and no more: every call that gateways, workers and operators make is seen at
their endpoint, mapped to IAM's actions, and compared with what their policies grant."""

import json
import os
import re
import subprocess
from contextlib import contextmanager

import pytest

from aws_proxy import AwsProxy
from callers import Caller, OpenStream, parts
from deployment import Deployment, metric
from iam import CALLS, POLICIES, covers, grants, policy
from processes import REPOSITORY, Processes, binary, wait_until
from recorded_calls import api_call, needed
from uuids import uuid7

PREFIX, BUCKET = "recorded", "recorded-logs"
# 8.8 MB as JSON, of which a part of an upload is 8 MiB.
TWO_PARTS = [10**9 + n for n in range(800_000)]


class Recorded(Deployment):
    """A deployment whose processes have credentials by which their calls are told apart."""

    request_queue = f"{PREFIX}-requests"

    def _flags(self):
        return ["--request-queue", self.request_queue, *super()._flags()[2:], "--poll-wait", "1s"]

    def gateway(self, *flags, **options):
        """One that keeps nothing in memory of what it has answered, so that it has to look."""
        return super().gateway("--answers-kept", "0", *flags, **options)

    def as_role(self, role):
        return {"AWS_ENDPOINT_URL": self.proxy.endpoint, "AWS_ACCESS_KEY_ID": role}

    def operator(self, *arguments):
        queue = ["--request-queue", f"{self.prefix}-requests", "--prefix", self.prefix]
        flags = ["--log-bucket", self.bucket] if arguments[0] == "log" else queue
        environment = {"PATH": os.environ["PATH"], **self.aws.environment, **self.as_role("operator")}
        command = [binary("compute-worker"), *arguments, *flags]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout

    @contextmanager
    def running(self, start, *flags, role):
        process = start(*flags, environment=self.as_role(role))
        yield process
        process.stop()


@pytest.fixture(scope="module")
def seen(local_aws, api):
    """Everything that SQS and S3 are used for is done once; what each role needed for it, with the calls it was needed for."""
    processes = Processes()
    try:
        with AwsProxy(local_aws.endpoint) as proxy:
            system = Recorded(local_aws, processes, PREFIX, max_receive_count=1)
            system.proxy = proxy
            calls_of_all_kinds(system, lambda gateway: Caller(api, gateway.address))
            dead_letters(system)
            reply_queues(system, lambda gateway: Caller(api, gateway.address))
            forgetting(system)
            doctors(system)
            exchanges = proxy.passed("*")
    finally:
        processes.end()
    seen = {}
    for exchange in exchanges:
        for need in needed(exchange, {f"{PREFIX}-requests-dlq": f"{PREFIX}-requests"}):
            seen.setdefault(exchange.access_key, {}).setdefault(need, set()).add(api_call(exchange))
    return seen


def calls_of_all_kinds(system, caller_of):
    api_id = str(uuid7())
    with (
        system.running(system.gateway, role="gateway") as gateway,
        system.running(lambda *f, **e: system.worker("object", *f, **e), "--max-inline-size", "1KiB", role="worker"),
        caller_of(gateway) as caller,
    ):
        # An ordinary one, one that is looked up, one with an id of the caller's, and that again.
        system.answer = caller.compute([4, 5, 2, 35, 2452])
        wait_until(lambda: system.log_record(system.answer.operation_id), "it is logged")
        messages = system.messages = caller.api.messages
        caller.stub.GetOperation(messages.GetOperationRequest(name=f"operations/{system.answer.operation_id}"), timeout=30)
        caller.stub.ListOperations(messages.ListOperationsRequest(page_size=10), timeout=30)
        caller.compute([1, 2, 3], operation_id=api_id)
        wait_until(lambda: system.log_record(api_id), "it is logged")
        caller.compute([1, 2, 3], operation_id=api_id)
        # Through S3: in one piece, in parts with a large reply, and one that is broken off in the middle.
        caller.compute(TWO_PARTS[:60_000])
        caller.compute(TWO_PARTS, quantiles=[n / 100 for n in range(100)])
        uploaded = len(parts_passed(system))
        stream = OpenStream(caller, parts(caller.api, TWO_PARTS * 3, 200_000))
        wait_until(lambda: len(parts_passed(system)) > uploaded, "a part is on its way")
        stream.call.cancel()
        wait_until(lambda: system.proxy.passed("S3.DELETE", lambda e: "uploadId" in e.target), "it is aborted")
    late(system, caller_of)
    batches(system, caller_of)


def parts_passed(system):
    return system.proxy.passed("S3.PUT", lambda exchange: "partNumber" in exchange.target)


def late(system, caller_of):
    """Requests whose workers are slow, and whose answers to requests to S3 are lost."""
    with (
        system.running(system.gateway, role="gateway") as gateway,
        system.running(lambda *f, **e: system.worker("slow", *f, **e), role="worker"),
        caller_of(gateway) as caller,
    ):
        hold = system.proxy.hold_requests("S3.PUT", lambda exchange: "/operations/" in exchange.target)
        caller.compute([1])
        hold.wait_until_reached()
        system.proxy.wait_until_passed("SQS.ChangeMessageVisibilityBatch")
        hold.release()
        # An upload that is completed, of which the gateway does not hear: it looks whether the object is there.
        lost = system.proxy.hold_responses("S3.POST", lambda exchange: "uploadId" in exchange.target)
        call = caller.start(TWO_PARTS)
        lost.wait_until_reached()
        lost.drop()
        call.result()
        # The caller is gone before the request was sent: its list in S3 is deleted.
        hold = system.proxy.hold_responses("S3.PUT", lambda exchange: "/payloads/" in exchange.target)
        call = caller.start(TWO_PARTS[:60_000])
        hold.wait_until_reached()
        call.cancel()
        wait_until(lambda: metric(gateway, "compute_gateway_calls_in_flight") == 0, "the call has ended")
        hold.release()
        system.proxy.wait_until_passed("S3.DELETE", lambda exchange: "uploadId" not in exchange.target)


def batches(system, caller_of):
    with (
        system.running(system.gateway, role="gateway") as gateway,
        system.running(lambda *f, **e: system.worker("batch", *f, **e), "--log-mode", "batch", role="worker"),
        caller_of(gateway) as caller,
    ):
        calls = [caller.start([n]) for n in range(20)]
        system.batched = [call.result().operation_id for call in calls]
        wait_until(lambda: sum(map(len, system.batches())) >= 20, "they are logged")
        name = f"operations/{system.batched[0]}"
        caller.stub.GetOperation(system.messages.GetOperationRequest(name=name), timeout=30)


def dead_letters(system):
    dead = system.send_request("{", None)
    wait_until(lambda: system.aws.sqs.receive_message(QueueUrl=system.requests, VisibilityTimeout=0).get("Messages"), "it is there")
    wait_until(lambda: poke(system) == (1, 0), "it is dead")
    system.operator("dead", "list")
    system.operator("dead", "show", dead)
    system.operator("dead", "redrive")


def poke(system):
    """SQS moves a dead letter when somebody asks for messages."""
    system.aws.sqs.receive_message(QueueUrl=system.requests, VisibilityTimeout=0)
    return system.counts(system.dead_letters)


def reply_queues(system, caller_of):
    """A gateway that dies leaves its queue to the next one; one that is given a queue takes it, by its name or its URL."""
    with system.running(system.gateway, "--reply-queue-heartbeat", "1s", role="gateway") as first:
        victim = system.gateway("--reply-queue-heartbeat", "1s", environment=system.as_role("gateway"))
        left = name_of(victim.event("ready")["reply_queue"])
        victim.kill()
        wait_until(lambda: left not in map(name_of, system.reply_queues()), "its queue is deleted", timeout=60)
        assert first.is_running
    given = system.reply_queue("given")
    for name in (given, name_of(given)):
        flags = ["--reply-queue", name, "--instance", "given"]
        system.request_queue = system.requests  # its URL
        with (
            system.running(system.gateway, *flags, role="gateway-given-reply-queue") as gateway,
            system.running(lambda *f, **e: system.worker("given", *f, **e), role="worker"),
            caller_of(gateway) as caller,
        ):
            caller.compute([1, 2, 3])


def name_of(queue_url):
    return queue_url.rpartition("/")[2]


def forgetting(system):
    operations = system.operator("log", "ls", "--json")
    assert system.answer.operation_id in operations
    system.operator("log", "get", system.answer.operation_id)
    system.operator("log", "get", system.batched[0])
    system.operator("log", "delete", system.batched[0], "--yes")
    system.operator("log", "delete", "--tenant", "-", "--all", "--yes")


def doctors(system):
    """What only the doctors ask for, over what the processes do; all that they find is judged in test_doctor.py."""
    environment = {"PATH": os.environ["PATH"], **system.aws.environment, **system.as_role("doctor")}
    flags = ["--request-queue", f"{system.prefix}-requests", "--log-bucket", system.bucket, "--prefix", system.prefix]
    for role in ("gateway", "worker"):
        subprocess.run([binary(f"compute-{role}"), "doctor", *flags], env=environment, capture_output=True, timeout=60, check=False)


ROLES = {
    "gateway": ["gateway"],
    "gateway-given-reply-queue": ["gateway", "gateway-given-reply-queue"],
    "worker": ["worker"],
    "operator": ["operator"],
    "doctor": ["gateway", "worker", "doctor"],
}


# What a gateway that is given its queue does without.
SPARED = {"gateway-given-reply-queue": {"ReceiveReplies", "FindReplyQueuesOfDeadGateways"}}


def granted(role):
    documents = [policy(name, Prefix=PREFIX, LogBucket=BUCKET) for name in ROLES[role]]
    statements = [s for document in documents for s in document["Statement"] if s["Sid"] not in SPARED.get(role, ())]
    return grants({"Statement": statements})


@pytest.mark.parametrize("role", ROLES)
def test_every_call_of_a_role_is_allowed_by_its_policy(seen, role):
    lacking = {need: calls for need, calls in seen[role].items() if not any(covers(grant, need) for grant in granted(role))}
    assert lacking == {}


@pytest.mark.parametrize("name", ["gateway", "gateway-given-reply-queue", "worker", "operator", "doctor"])
def test_a_policy_allows_nothing_that_is_never_used(seen, name):
    # That a doctor tries something is no use of it.
    roles = [role for role, policies in ROLES.items() if name in policies and (role != "doctor" or name == "doctor")]
    used = [need for role in roles for need in seen[role]]
    unused = [grant for grant in grants(policy(name, Prefix=PREFIX, LogBucket=BUCKET)) if not any(covers(grant, n) for n in used)]
    assert unused == []


def test_the_table_of_calls_has_every_call_in_the_code_and_no_other():
    """The SDKs are used in two crates alone, so that a call which no test makes is found there."""
    verbs = set()
    # To share a client, and to read of it, is no call.
    no_calls = {"clone", "config"}
    for crate in ("sqs-rpc", "operations"):
        for source in (REPOSITORY / crate / "src").rglob("*.rs"):
            verbs |= set(re.findall(r"client\s*\.([a-z_0-9]+)\(\)", source.read_text(encoding="utf-8")))
    spelled = {re.sub(r"(?:^|_)([a-z])", lambda m: m[1].upper(), verb) for verb in verbs - no_calls}
    assert spelled == {call.partition(":")[2] for call in CALLS}


def test_every_call_in_the_table_was_made(seen):
    made = {call for needs in seen.values() for calls in needs.values() for call in calls}
    assert made == CALLS.keys()


def test_no_policy_names_more_than_it_must():
    """No pattern in an action; as a resource `*` only where AWS allows no name."""
    nameless = {"sqs:ListQueues", "cloudwatch:PutMetricData"}
    for file in POLICIES.glob("*.json"):
        document = json.loads(file.read_text(encoding="utf-8"))
        for action, resource in grants(document):
            assert "*" not in action, (file.name, action)
            assert resource != "*" or action in nameless, (file.name, action)
