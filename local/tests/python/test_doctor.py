"""`compute-gateway doctor` and `compute-worker doctor`: with one permission, attribute, queue, file or setting changed, they name it."""

import json
import os
import subprocess

import pytest

from aws_proxy import AwsProxy
from certificates import Authority
from conftest import start_local
from iam import POLICIES, covers, grants, policy
from processes import REPOSITORY, binary
from recorded_calls import needed
from test_clocks import with_clock

ROLES = ["gateway", "worker"]
LIFECYCLE = json.loads((REPOSITORY / "local" / "lifecycle.json").read_text(encoding="utf-8"))
DAY = 24 * 60 * 60
# What the embedded S3 does not have.
NOT_EMBEDDED = {"bucket: public access", "bucket: encryption", "bucket: versions"}


def run(role, *flags, environment):
    command = [binary(f"compute-{role}"), "doctor", *flags]
    environment = {"PATH": os.environ["PATH"], **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


class Examined:
    """What a doctor has found."""

    def __init__(self, ended):
        report = json.loads(ended.stdout)
        self.checks = {check["check"]: check for check in report["checks"]}
        assert len(self.checks) == len(report["checks"]), "no two checks have one name"
        assert ended.returncode == (0 if report["healthy"] else 1), ended
        assert report["healthy"] == (not self.of("fail"))

    def of(self, *verdicts):
        return {name for name, check in self.checks.items() if check["verdict"] in verdicts}

    def mend(self, name):
        return self.checks[name]["mend"]


class System:
    """A deployment that is well."""

    def __init__(self, deployment):
        self.aws, self.deployment, self.prefix, self.bucket = deployment.aws, deployment, deployment.prefix, deployment.bucket
        self.set(deployment.dead_letters, MessageRetentionPeriod=14 * DAY)
        self.set_lifecycle(LIFECYCLE["Rules"])
        self.names = ["--request-queue", f"{self.prefix}-requests", "--log-bucket", self.bucket, "--prefix", self.prefix]

    def set(self, queue_url, **attributes):
        self.aws.sqs.set_queue_attributes(QueueUrl=queue_url, Attributes={name: str(value) for name, value in attributes.items()})

    def set_lifecycle(self, rules):
        self.aws.s3.put_bucket_lifecycle_configuration(Bucket=self.bucket, LifecycleConfiguration={"Rules": rules})

    def examine(self, role, *flags, **environment):
        environment = {**self.aws.environment, **environment}
        return Examined(run(role, "--json", *self.names, *flags, environment=environment))


@pytest.fixture
def system(local_aws, queues):
    return System(queues(local_aws, "doctor"))


@pytest.mark.parametrize("role", ROLES)
def test_a_local_stack_is_well(processes, tmp_path, role):
    local = start_local(processes, tmp_path)
    environment = {"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": local.aws}
    names = {"COMPUTE_REQUEST_QUEUE": "compute-requests", "COMPUTE_LOG_BUCKET": "compute-logs"}
    for _ in range(2):
        examined = Examined(run(role, "--json", environment={**environment, **names}))
        assert examined.of("fail", "warn") == set()
        assert examined.of("skip") == NOT_EMBEDDED
    lines = run(role, environment={**environment, **names}).stdout.splitlines()
    assert len(lines) == len(examined.checks) + 1, "one line for each check, and a sum"
    assert lines[-1] == f"{len(examined.checks)} checks: 0 failed, 0 with a warning"


@pytest.mark.parametrize("role", ROLES)
def test_a_look_disturbs_nobody_and_leaves_no_queue_behind(system, role):
    deployment = system.deployment
    sent = deployment.send_request('{"values":[1]}', None)
    assert system.examine(role).of("fail", "warn") == set()
    assert deployment.counts(deployment.requests) == (1, 0), "nothing was sent or is held"
    message = deployment.receive(deployment.requests, "the request")
    assert message["plain"]["CorrelationId"] == sent
    assert message["Attributes"]["ApproximateReceiveCount"] == "1", "nobody has received it before"
    assert deployment.reply_queues() == []
    assert deployment.log_keys() in ([], ["operations/_doctor"])


def redrive(system, **changes):
    given = {"deadLetterTargetArn": system.deployment.attributes(system.deployment.dead_letters)["QueueArn"], "maxReceiveCount": 10}
    system.set(system.deployment.requests, RedrivePolicy=json.dumps({**given, **changes}))


def rules_without(rule_id):
    return [rule for rule in LIFECYCLE["Rules"] if rule["ID"] != rule_id]


CHANGES = {
    "VisibilityTimeout": (lambda s: s.set(s.deployment.requests, VisibilityTimeout=2), "warn", "request queue: VisibilityTimeout"),
    "retention": (lambda s: s.set(s.deployment.requests, MessageRetentionPeriod=60), "warn", "request queue: MessageRetentionPeriod"),
    "message size": (lambda s: s.set(s.deployment.requests, MaximumMessageSize=262_144), "fail", "request queue: MaximumMessageSize"),
    "delay": (lambda s: s.set(s.deployment.requests, DelaySeconds=5), "warn", "request queue: DelaySeconds"),
    "encryption": (lambda s: s.set(s.deployment.requests, SqsManagedSseEnabled="false"), "warn", "request queue: encryption"),
    "no redrive": (lambda s: s.set(s.deployment.requests, RedrivePolicy=""), "fail", "request queue: RedrivePolicy"),
    "early redrive": (lambda s: redrive(s, maxReceiveCount=1), "warn", "request queue: RedrivePolicy"),
    "dead letters forgotten": (
        lambda s: s.set(s.deployment.dead_letters, MessageRetentionPeriod=DAY), "fail", "dead-letter queue: MessageRetentionPeriod",
    ),
    "no dead-letter queue": (lambda s: s.aws.sqs.delete_queue(QueueUrl=s.deployment.dead_letters), "fail", "dead-letter queue"),
    "no rule for payloads": (lambda s: s.set_lifecycle(rules_without("payloads-40-days")), "warn", "bucket: payloads"),
    "no rule for claims": (lambda s: s.set_lifecycle(rules_without("claims-40-days")), "warn", "bucket: claims"),
    "no rule for uploads": (lambda s: s.set_lifecycle(rules_without("incomplete-uploads-1-day")), "warn", "bucket: broken-off uploads"),
    "payloads forgotten": (
        lambda s: s.set_lifecycle(
            [*rules_without("payloads-40-days"), {**LIFECYCLE["Rules"][0], "Expiration": {"Days": 7}}],
        ), "fail", "bucket: payloads",
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_an_attribute_or_a_rule_that_is_changed_is_named(system, change):
    assert system.examine("worker").of("fail", "warn") == set()
    apply, verdict, name = CHANGES[change]
    apply(system)
    examined = system.examine("worker")
    assert examined.of("fail", "warn") == examined.of(verdict) == {name}
    assert "aws " in examined.mend(name), "it says how to mend it"


def test_a_retention_below_the_deadline_of_the_gateway_is_wrong(system):
    system.set(system.deployment.requests, MessageRetentionPeriod=600)
    assert system.examine("gateway").of("fail") == {"request queue: MessageRetentionPeriod"}
    assert system.examine("gateway", "--max-deadline", "10m").of("fail") == set()


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("flag, name", [("--request-queue", "request queue"), ("--log-bucket", "bucket")])
def test_a_queue_or_a_bucket_that_is_not_there_is_named_and_nothing_else(system, role, flag, name):
    system.names[system.names.index(flag) + 1] = "missing"
    examined = system.examine(role)
    assert examined.of("fail") == {name}
    assert "missing" in examined.mend(name)


# Files


@pytest.fixture
def edge(tmp_path):
    """The files of an edge that is well, and the flags that name them."""
    ca = Authority(tmp_path, "ca")
    server, tokens = ca.issue("server", "localhost", "10.0.0.1", days=19), tmp_path / "tokens"
    tokens.write_text(f"{'0' * 64} acme rate=10/s\n{'1' * 64} zeta # until June\n")
    for secret in (server.key, tokens):
        secret.chmod(0o640)
    files = {"tls-certificate": server.certificate, "tls-key": server.key, "tls-client-ca": ca.certificate, "tokens": tokens}
    return Edge(ca, server, tokens, [word for name, file in files.items() for word in (f"--{name}", file)])


class Edge:
    def __init__(self, ca, server, tokens, flags):
        self.ca, self.server, self.tokens, self.flags = ca, server, tokens, flags

    def serve(self, *hosts, days):
        """Another certificate in place of the one that is served."""
        issued = self.ca.issue("server", *hosts, days=days)
        issued.key.chmod(0o640)


EDGE_CHECKS = {
    "certificate", "certificate: names", "certificate: chain", "certificate: time", "key", "key: permissions",
    "client CA", "client CA: time", "tokens", "tokens: permissions",
}  # fmt: skip


def test_the_files_of_the_edge_are_looked_at_and_told_of(system, edge):
    examined = system.examine("gateway", *edge.flags)
    assert examined.of("fail") == set()
    # The CA of these tests is good for ten days.
    assert examined.of("warn") == {"client CA: time"}
    assert EDGE_CHECKS <= examined.checks.keys()
    assert examined.checks["certificate: names"]["detail"] == "localhost, 10.0.0.1"
    assert "18 days" in examined.checks["certificate: time"]["detail"]
    assert "CN=ca" in examined.checks["certificate: chain"]["detail"]
    assert "2 in all" in examined.checks["tokens"]["detail"]
    assert not EDGE_CHECKS & system.examine("gateway").checks.keys(), "what no flag names is not looked at"


FILES = {
    "expired": (lambda e: e.serve("localhost", days=-1), "fail", "certificate: time", "expired"),
    "expires soon": (lambda e: e.serve("localhost", days=13), "warn", "certificate: time", "12 days"),
    "not valid yet": (lambda e: e.serve("localhost", days=30), "fail", "certificate: time", "is valid from"),
    "no names": (lambda e: e.serve(days=19), "fail", "certificate: names", "names no host"),
    "chain out of order": (
        lambda e: append(e.server.certificate, e.ca.issue("stranger", days=19).certificate), "warn", "certificate: chain", "number 1",
    ),
    "no certificate": (lambda e: e.server.certificate.write_text("none"), "fail", "certificate", "certificates in PEM"),
    "certificate gone": (lambda e: e.server.certificate.unlink(), "fail", "certificate", "No such file"),
    "key of another": (
        lambda e: e.server.key.write_bytes(e.ca.issue("other").key.read_bytes()), "fail", "key", "not the key of the certificate",
    ),
    "no key": (lambda e: e.server.key.write_text("none"), "fail", "key", "private key in PEM"),
    "key gone": (lambda e: e.server.key.unlink(), "fail", "key", "No such file"),
    "key for everybody": (lambda e: e.server.key.chmod(0o644), "warn", "key: permissions", "644"),
    "no CA": (lambda e: e.ca.certificate.write_text("none"), "fail", "client CA", "certificates in PEM"),
    "CA that is none": (
        lambda e: e.ca.certificate.write_bytes(e.server.certificate.read_bytes()), "fail", "client CA", "may sign no certificates",
    ),
    "two bad lines": (
        lambda e: e.tokens.write_text(f"secret acme\n{'0' * 64} acme\n{'1' * 64} acme rate=0/s\n"), "fail", "tokens", "line 3",
    ),
    "no token": (lambda e: e.tokens.write_text("# nobody\n"), "fail", "tokens", "no token"),
    "tokens gone": (lambda e: e.tokens.unlink(), "fail", "tokens", "No such file"),
    "tokens for everybody": (lambda e: e.tokens.chmod(0o604), "warn", "tokens: permissions", "604"),
}  # fmt: skip


def append(file, other):
    file.write_bytes(file.read_bytes() + other.read_bytes())


@pytest.mark.parametrize("change", FILES)
def test_a_file_of_the_edge_that_is_of_no_use_is_named_with_what_is_wrong(system, edge, change):
    apply, verdict, name, reason = FILES[change]
    apply(edge)
    examined = system.examine("gateway", *edge.flags)
    assert examined.of("fail", "warn") - {"client CA: time"} == {name}
    assert name in examined.of(verdict)
    assert reason in examined.checks[name]["detail"] and examined.mend(name)
    assert "secret" not in json.dumps(examined.checks), "nothing of a line is repeated"


# Permissions


def plan(role, *flags, environment):
    ended = run(role, "--plan", *flags, environment=environment)
    assert ended.returncode == 0, ended
    return json.loads(ended.stdout), ended.stderr


@pytest.mark.parametrize("role", ROLES)
def test_the_plan_is_the_policy_of_the_deployment_with_the_names_of_the_flags_and_asks_nobody(role):
    url = "https://sqs.us-east-1.amazonaws.com/000000000000/acme-requests"
    names = ["--log-bucket", "acme-logs", "--prefix", "acme", "--request-queue"]
    nobody = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    planned, notes = plan(role, *names, url, environment=nobody)
    assert planned == policy(role, Prefix="acme", LogBucket="acme-logs")
    assert notes == ""
    planned, notes = plan(role, *names, "acme-requests", environment=nobody)
    assert "arn:aws:sqs:REGION:ACCOUNT_ID:acme-requests" in json.dumps(planned)
    assert "REGION and ACCOUNT_ID" in notes


def names(grant):
    """What the checks of a permission are called: ARNs end in the names."""
    action, resource = grant
    return f"{action} on {resource.split(':')[-1]}"


def planned_grants(role):
    return grants(json.loads((POLICIES / f"{role}.json").read_text(encoding="utf-8")))


def lacking_in(allowed):
    """Says which action an exchange lacks that needs more than what is allowed."""

    def lacks(exchange):
        lacking = [need for need in needed(exchange, {}) if not any(covers(grant, need) for grant in allowed)]
        return lacking[0][0] if lacking else None

    return lacks


@pytest.mark.parametrize("role, index", [(role, index) for role in ROLES for index in range(len(planned_grants(role)))])
def test_a_permission_that_is_taken_away_is_named(system, role, index):
    """The proxy allows what the policy does, but for one action on one resource."""
    allowed = grants(policy(role, Prefix=system.prefix, LogBucket=system.bucket))
    lacking = allowed.pop(index)
    with AwsProxy(system.aws.endpoint) as proxy:
        proxy.deny(lacking_in(allowed))
        examined = system.examine(role, AWS_ENDPOINT_URL=proxy.endpoint)
    action = lacking[0]
    if action == "sqs:GetQueueUrl":
        assert examined.of("fail") == {"request queue"}
        assert action in examined.mend("request queue")
        return
    failed = examined.of("fail")
    assert names(lacking) in failed
    assert action in examined.mend(names(lacking)) and "doctor --plan" in examined.mend(names(lacking))
    # S3 says of a missing object only to those who may list that it is missing, and an upload is begun by a PUT.
    follows = {"s3:ListBucket": "s3:GetObject", "s3:PutObject": "s3:AbortMultipartUpload"}.get(action)
    assert {name.partition(" ")[0] for name in failed - {names(lacking)}} <= {follows}


@pytest.mark.parametrize("role", ROLES)
def test_the_permissions_of_the_plan_are_enough_and_each_is_checked(system, role):
    allowed = grants(policy(role, Prefix=system.prefix, LogBucket=system.bucket))
    with AwsProxy(system.aws.endpoint) as proxy:
        proxy.deny(lacking_in(allowed))
        examined = system.examine(role, AWS_ENDPOINT_URL=proxy.endpoint)
    assert examined.of("fail", "warn") == set()
    # What only an operator may see is no illness.
    assert examined.of("skip") == {"dead-letter queue", "bucket: lifecycle", *NOT_EMBEDDED}
    checked = {name for name in examined.checks if " on " in name}
    assert checked == {names(grant) for grant in allowed if grant[0] != "sqs:GetQueueUrl"}


def test_a_reply_queue_that_is_given_is_looked_at_and_left_alone(system):
    url = system.deployment.reply_queue("given")
    system.deployment.send(url, "somebody's reply", {})
    flags = ["--reply-queue", f"{system.prefix}-replies-{{instance}}", "--instance", "given"]
    examined = system.examine("gateway", *flags)
    assert examined.of("fail", "warn") == set()
    assert {name for name in examined.checks if name.endswith(f"on {system.prefix}-replies-given")} == {
        f"sqs:{action} on {system.prefix}-replies-given"
        for action in ("DeleteMessage", "GetQueueAttributes", "ListQueueTags", "ReceiveMessage", "TagQueue", "UntagQueue")
    }
    assert system.deployment.counts(url) == (1, 0)
    assert "Tags" not in system.aws.sqs.list_queue_tags(QueueUrl=url)
    system.aws.sqs.delete_queue(QueueUrl=url)
    assert system.examine("gateway", *flags).of("fail") == {"reply queue"}


# Surroundings


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("endpoint, reason", [("http://127.0.0.1:1", "takes no connection"), ("http://nowhere.invalid", "does not resolve")])
def test_an_endpoint_that_is_not_reached_is_named_with_the_reason(system, role, endpoint, reason):
    examined = system.examine(role, AWS_ENDPOINT_URL=endpoint)
    assert {"SQS is reached", "S3 is reached", "request queue", "bucket"} == examined.of("fail")
    assert reason in examined.checks["SQS is reached"]["detail"]
    assert "AWS_ENDPOINT_URL" in examined.mend("S3 is reached")


@pytest.mark.parametrize("clock", ["ahead", "behind"])
def test_a_clock_that_is_off_is_named(system, clock):
    examined = system.examine("worker", **with_clock(clock))
    assert examined.of("fail") == {"clock against SQS's", "clock against S3's"}
    assert clock in examined.checks["clock against SQS's"]["detail"]


def test_credentials_that_are_not_there_are_named(system):
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}
    examined = system.examine("worker", **without)
    assert "credentials" in examined.of("fail")
    assert "a role" in examined.mend("credentials")


def test_sts_is_asked_whose_the_credentials_are(moto, queues):
    """Of an endpoint for all of AWS it is not: that may be another SQS and S3."""
    system = System(queues(moto, "doctor"))
    endpoint = {f"AWS_ENDPOINT_URL_{service}": moto.endpoint for service in ("SQS", "S3", "STS")}
    environment = {name: value for name, value in moto.environment.items() if name != "AWS_ENDPOINT_URL"}
    examined = Examined(run("worker", "--json", *system.names, environment={**environment, **endpoint}))
    assert examined.checks["identity"]["detail"].startswith("arn:aws:sts::")
    assert "test" not in examined.checks["credentials"]["detail"].replace('"test"', ""), "four characters of the key, no more"


@pytest.mark.parametrize("role", ROLES)
def test_a_bad_flag_is_told_from_an_illness(role):
    assert run(role, "--request-queue", "q", "--log-bucket", "logs", "--poll-wait", "1h", environment={}).returncode == 2
    assert run(role, "--log-bucket", "logs", environment={}).returncode == 2
    assert run(role, "--plan", "--json", "--request-queue", "q", "--log-bucket", "logs", environment={}).returncode == 2
