"""The roles that the stack made, where they are enforced: MiniStack checks signatures and policies of every request."""

import json
import subprocess
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

from callers import Caller
from deployment import Deployment
from emulators import start_ministack
from iam import covers, grants, policy
from processes import Processes, binary, wait_until
from stacks import create

pytestmark = pytest.mark.heavy

BUCKET = "compute-logs-000000000000-us-east-1"
POLICIES = {
    "gateway": ["gateway", "host"],
    "worker": ["worker", "host"],
    "operator": ["operator"],
}
# MiniStack judges these by their own names, which AWS does not, and a move by no name of a queue. Allowed in this test alone.
BATCHES = {"sqs:SendMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility"}
OF_NO_QUEUE = {"sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks"}


def granted(role):
    return [grant for name in POLICIES[role] for grant in grants(policy(name, Prefix="compute", LogBucket=BUCKET))]


class AsMade(Deployment):
    """What the stack has made, with the processes that run under its roles."""

    def __init__(self, emulator, made, processes):
        self.aws, self.processes, self.prefix, self.bucket = emulator, processes, "compute", BUCKET
        self.requests, self.dead_letters = made["RequestQueue"][0], made["DeadLetterQueue"][0]
        self.roles = {}
        for role in POLICIES:
            name = made[f"{role.capitalize()}Role"][0]
            self._allow_as_aws_does(role, name)
            self.roles[role] = emulator.as_role(f"arn:aws:iam::{emulator.account}:role/{name}")

    def _allow_as_aws_does(self, role, name):
        more = [(f"{action}Batch", resource) for action, resource in granted(role) if action in BATCHES]
        more += [(action, "*") for action, _ in granted(role) if action in OF_NO_QUEUE]
        statements = [{"Effect": "Allow", "Action": action, "Resource": resource} for action, resource in more]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self.aws.client("iam").put_role_policy(RoleName=name, PolicyName="as-aws-does", PolicyDocument=document)

    def as_role(self, role):
        return {name.upper(): value for name, value in self.roles[role].items()}

    def client(self, role, service):
        return self.aws.client(service, **self.roles[role])

    def operator(self, *arguments):
        flags = ["--log-bucket", self.bucket] if arguments[0] == "log" else ["--request-queue", "compute-requests"]
        environment = {**self.aws.shell, **self.as_role("operator")}
        command = [binary("compute-worker"), *arguments, *flags]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True).stdout

    @contextmanager
    def running(self, start, *flags, role):
        process = start(*flags, "--poll-wait", "1s", environment=self.as_role(role))
        yield process
        process.stop()


@pytest.fixture(scope="module")
def system(session_processes, tmp_path_factory):
    emulator = start_ministack(session_processes, tmp_path_factory.mktemp("ministack"))
    processes = Processes()
    yield AsMade(emulator, create(emulator, tmp_path_factory.mktemp("stack"), AllowAnonymous="true"), processes)
    processes.end()


def test_calls_go_through_under_the_roles_that_the_stack_made(system, api):
    with (
        system.running(system.gateway, role="gateway") as gateway,
        system.running(lambda *f, **e: system.worker("made", *f, **e), role="worker"),
        Caller(api, gateway.address) as caller,
    ):
        answer = caller.compute([4, 5, 2, 35, 2452])
        assert (answer.statistics.median, answer.statistics.mean) == (5, 499.6)
        large = [10**9 + n for n in range(800_000)]
        assert caller.compute(large).statistics.sum == str(sum(large)), "through S3, in parts"
        name = f"operations/{answer.operation_id}"
        stub, messages = caller.stub, api.messages
        wait_until(lambda: answer.operation_id in system.operator("log", "ls", "--json"), "it is logged")
        assert stub.GetOperation(messages.GetOperationRequest(name=name), timeout=30).name == name
    assert "Median:5" in system.operator("log", "get", answer.operation_id)
    system.operator("log", "delete", "--tenant", "-", "--all", "--yes")
    assert answer.operation_id not in system.operator("log", "ls", "--json")
    system.operator("dead", "list")


QUEUES = ["compute-requests", "compute-requests-dlq", "compute-replies-probe", "somebody-elses"]
FOLDERS = ["operations", "batches", "claims", "payloads", "releases", "somebody-elses"]
ON_QUEUES = {
    "sqs:ChangeMessageVisibility": lambda sqs, url: sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle="none", VisibilityTimeout=0
    ),
    "sqs:DeleteMessage": lambda sqs, url: sqs.delete_message(QueueUrl=url, ReceiptHandle="none"),
    "sqs:GetQueueAttributes": lambda sqs, url: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"]),
    "sqs:GetQueueUrl": lambda sqs, url: sqs.get_queue_url(QueueName=url.rpartition("/")[2]),
    "sqs:ListQueueTags": lambda sqs, url: sqs.list_queue_tags(QueueUrl=url),
    "sqs:ReceiveMessage": lambda sqs, url: sqs.receive_message(QueueUrl=url, VisibilityTimeout=0),
    "sqs:SendMessage": lambda sqs, url: sqs.send_message(QueueUrl=url, MessageBody="probe"),
    "sqs:SendMessageBatch": lambda sqs, url: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "0", "MessageBody": "probe"}]),
    "sqs:TagQueue": lambda sqs, url: sqs.tag_queue(QueueUrl=url, Tags={"probe": "1"}),
    "sqs:UntagQueue": lambda sqs, url: sqs.untag_queue(QueueUrl=url, TagKeys=["probe"]),
    "sqs:SetQueueAttributes": lambda sqs, url: sqs.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "0"}),
    "sqs:PurgeQueue": lambda sqs, url: sqs.purge_queue(QueueUrl=url),
    "sqs:CreateQueue": lambda sqs, url: sqs.create_queue(QueueName=url.rpartition("/")[2] + "-new"),
    "sqs:DeleteQueue": lambda sqs, url: sqs.delete_queue(QueueUrl=url + "-new"),
}  # fmt: skip
ON_OBJECTS = {
    "s3:PutObject": lambda s3, key: s3.put_object(Bucket=BUCKET, Key=key, Body=b"probe"),
    "s3:GetObject": lambda s3, key: s3.get_object(Bucket=BUCKET, Key=key),
    "s3:DeleteObject": lambda s3, key: s3.delete_object(Bucket=BUCKET, Key=key),
    "s3:AbortMultipartUpload": lambda s3, key: s3.abort_multipart_upload(Bucket=BUCKET, Key=key, UploadId="none"),
}
ON_THE_BUCKET = {
    "s3:ListBucket": lambda s3: s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1),
    "s3:GetLifecycleConfiguration": lambda s3: s3.get_bucket_lifecycle_configuration(Bucket=BUCKET),
    "s3:PutLifecycleConfiguration": lambda s3: s3.put_bucket_lifecycle_configuration(
        Bucket=BUCKET, LifecycleConfiguration={"Rules": []}
    ),
    "s3:PutBucketPolicy": lambda s3: s3.put_bucket_policy(Bucket=BUCKET, Policy="{}"),
    "s3:DeleteBucket": lambda s3: s3.delete_bucket(Bucket=BUCKET),
}


def is_refused(call, *arguments):
    try:
        call(*arguments)
    except ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


@pytest.mark.parametrize("role", POLICIES)
def test_every_call_that_a_role_does_not_allow_is_refused(system, role):
    sqs, s3 = system.client(role, "sqs"), system.client(role, "s3")
    account = system.requests.rpartition("/")[0]
    for name in QUEUES[2:]:
        system.aws.client("sqs").create_queue(QueueName=name)
    outcomes = {}
    for queue in QUEUES:
        arn = f"arn:aws:sqs:us-east-1:000000000000:{queue}"
        for action, call in ON_QUEUES.items():
            of = arn + "-new" if action in ("sqs:CreateQueue", "sqs:DeleteQueue") else arn
            outcomes[action, of] = not is_refused(call, sqs, f"{account}/{queue}")
    for folder in FOLDERS:
        for action, call in ON_OBJECTS.items():
            outcomes[action, f"arn:aws:s3:::{BUCKET}/{folder}/probe"] = not is_refused(call, s3, f"{folder}/probe")
    for action, call in ON_THE_BUCKET.items():
        outcomes[action, f"arn:aws:s3:::{BUCKET}"] = not is_refused(call, s3)
    outcomes["sqs:ListQueues", "*"] = not is_refused(sqs.list_queues)

    expected = {need: any(covers(grant, as_aws_names(need)) for grant in granted(role)) for need in outcomes}
    differ = {need: got for need, got in outcomes.items() if got != expected[need]}
    assert differ == {}
    assert True in outcomes.values() and False in outcomes.values()


def as_aws_names(need):
    return need[0].removesuffix("Batch"), need[1]


def test_hosts_ship_logs_and_metrics_of_their_own_installation_alone(system):
    for role in ("gateway", "worker"):
        logs, cloudwatch = system.client(role, "logs"), system.client(role, "cloudwatch")
        stream = {"logGroupName": "/compute/compute", "logStreamName": role}
        assert not is_refused(lambda: logs.create_log_stream(**stream))
        assert not is_refused(lambda: logs.put_log_events(**stream, logEvents=[{"timestamp": 1_700_000_000_000, "message": "x"}]))
        assert is_refused(lambda: logs.create_log_stream(logGroupName="/somebody/elses", logStreamName=role))
        # MiniStack does not know the condition `cloudwatch:namespace`, so what is allowed for one is refused for all.
        datum = [{"MetricName": "HealthyWorkers", "Value": 1}]
        assert is_refused(lambda: cloudwatch.put_metric_data(Namespace="AWS/SQS", MetricData=datum))
        assert is_refused(lambda: system.client(role, "secretsmanager").get_secret_value(SecretId="compute/compute/edge"))


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_the_doctor_is_green_under_the_roles_that_the_stack_made(system, role):
    doctor = [binary(f"compute-{role}"), "doctor"]
    flags = ["--request-queue", "compute-requests", "--log-bucket", BUCKET]
    environment = {**system.aws.shell, **system.as_role(role)}
    seen = subprocess.run([*doctor, *flags], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert seen.returncode == 0, seen.stdout + seen.stderr


