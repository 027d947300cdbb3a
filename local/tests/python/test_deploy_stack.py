"""The stacks as the aws CLI creates them on emulators: every resource is then described by its own API. What an emulator does not
make is listed here, and noticed when that changes."""

import json

import pytest
from botocore.exceptions import ClientError

from conftest import start_moto
from emulators import start_ministack, start_moto_with_cloudformation
from stacks import create
from templates import template

# Resources that an emulator refuses: the template is created without them there.
REFUSED = {
    "ministack": {},
    "moto": {"Listener": "listeners are for HTTP and HTTPS alone"},
}
# What an emulator says that it has made, and has not.
NOT_MADE = {
    "ministack": {
        "GatewayGroup: targets": "groups have no target groups",
        "LogBucket: lifecycle": "rules are left out",
    },
    "moto": {
        "GatewayTargets: deregistration": "attributes are left out",
        "LogBucket: access": "the block is left out",
        "LogBucket: lifecycle": "rules are left out",
        **dict.fromkeys(["DeadLetters", "NoHealthyGateway", "NoHealthyWorker", "OldRequest"], "alarms are skipped"),
        **dict.fromkeys(["LogBucketPolicy", "QueuePolicy"], "resource policies are skipped"),
        **dict.fromkeys(
            ["ScaleOnBacklog", "ScaleOnBusySlots", "ScaleOnBusySlots: metric", "ScaleOnRefusedCalls"],
            "scaling policies are skipped",
        ),
    },
}


# Creating stacks takes a minute: `make deploy-check`.
pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module", params=["ministack", "moto"])
def emulator(request, session_processes, tmp_path_factory):
    if request.param == "ministack":
        return start_ministack(session_processes, tmp_path_factory.mktemp("ministack"))
    return start_moto_with_cloudformation(start_moto, session_processes)


@pytest.fixture(scope="module")
def made(emulator, tmp_path_factory):
    """Creates both stacks; returns the resources, as CloudFormation lists them."""
    edge = f"arn:aws:secretsmanager:us-east-1:{emulator.account}:secret:compute/compute/edge-abcdef"
    leave_out = REFUSED[emulator.name]
    return create(emulator, tmp_path_factory.mktemp("stack"), leave_out, EdgeSecretArn=edge, AlarmEmail="you@example.com")


class Look:
    """Asks the resources' own APIs for what the stacks have made."""

    def __init__(self, emulator, made):
        self.emulator, self.ids = emulator, {name: id for name, (id, _) in made.items()}

    def one(self, service, operation, answer, **which):
        """The only thing that an operation describes, in that field of its answer."""
        [described] = getattr(self.emulator.client(service), operation)(**which)[answer]
        return described

    def alarm(self, name):
        return self.one("cloudwatch", "describe_alarms", "MetricAlarms", AlarmNames=[self.ids[name]])

    def balancer(self):
        return self.one("elbv2", "describe_load_balancers", "LoadBalancers", LoadBalancerArns=[self.ids["Balancer"]])

    def bucket(self, question):
        return getattr(self.emulator.client("s3"), question)(Bucket=self.ids["LogBucket"])

    def group(self, name):
        return self.one("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", AutoScalingGroupNames=[self.ids[name]])

    def group_of_logs(self):
        return self.one("logs", "describe_log_groups", "logGroups", logGroupNamePrefix=self.ids["ProcessLogs"])

    def launched(self, name):
        which = {"LaunchTemplateId": self.ids[name]}
        return self.one("ec2", "describe_launch_template_versions", "LaunchTemplateVersions", **which)["LaunchTemplateData"]

    def listener(self):
        return self.one("elbv2", "describe_listeners", "Listeners", ListenerArns=[self.ids["Listener"]])

    def policies(self, role):
        return self.emulator.client("iam").list_role_policies(RoleName=self.ids[role])["PolicyNames"]

    def queue(self, name):
        return self.emulator.client("sqs").get_queue_attributes(QueueUrl=self.ids[name], AttributeNames=["All"])["Attributes"]

    def role_of_profile(self, name):
        which = {"InstanceProfileName": self.ids[name].rpartition("/")[2]}
        [role] = self.emulator.client("iam").get_instance_profile(**which)["InstanceProfile"]["Roles"]
        return role["RoleName"]

    def scaling(self, name):
        # MiniStack gives all policies whatever name is asked for.
        described = self.emulator.client("autoscaling").describe_policies()["ScalingPolicies"]
        [policy] = [policy for policy in described if policy["PolicyARN"] == self.ids[name]]
        return policy["TargetTrackingConfiguration"]

    def metrics(self, name):
        return self.scaling(name)["CustomizedMetricSpecification"]["Metrics"]

    def security_group(self, name):
        return self.one("ec2", "describe_security_groups", "SecurityGroups", GroupIds=[self.ids[name]])

    def targets(self):
        return self.one("elbv2", "describe_target_groups", "TargetGroups", TargetGroupArns=[self.ids["GatewayTargets"]])

    def target_attributes(self):
        which = {"TargetGroupArn": self.ids["GatewayTargets"]}
        described = self.emulator.client("elbv2").describe_target_group_attributes(**which)["Attributes"]
        return {entry["Key"]: entry["Value"] for entry in described}

    def topic(self):
        return self.emulator.client("sns").get_topic_attributes(TopicArn=self.ids["AlarmTopic"])["Attributes"]


def only_rule(encryption):
    [rule] = encryption["ServerSideEncryptionConfiguration"]["Rules"]
    return rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def only_source(security_group):
    [permission] = security_group["IpPermissions"]
    [pair] = permission["UserIdGroupPairs"]
    return permission["FromPort"], permission["ToPort"], pair["GroupId"]


# What the resource's own API must say.
DESCRIBED = {
    "AlarmTopic": lambda look: look.topic()["TopicArn"] == look.ids["AlarmTopic"],
    "Balancer": lambda look: look.balancer()["Scheme"] == "internal",
    "BalancerGroup": lambda look: look.security_group("BalancerGroup")["IpPermissions"][0]["FromPort"] == 443,
    "DeadLetterQueue": lambda look: look.queue("DeadLetterQueue")["MessageRetentionPeriod"] == str(14 * 86_400),
    "DeadLetters": lambda look: look.alarm("DeadLetters")["Threshold"] == 0,
    "EdgePolicy": lambda look: "edge" in look.policies("GatewayRole"),
    "GatewayGroup": lambda look: (look.group("GatewayGroup")["MinSize"], look.group("GatewayGroup")["MaxSize"]) == (1, 2),
    "GatewayGroup: targets": lambda look: look.group("GatewayGroup")["TargetGroupARNs"] == [look.ids["GatewayTargets"]],
    "GatewayProfile": lambda look: look.role_of_profile("GatewayProfile") == look.ids["GatewayRole"],
    "GatewayRole": lambda look: "gateway" in look.policies("GatewayRole"),
    "GatewaySecurityGroup": lambda look: (
        only_source(look.security_group("GatewaySecurityGroup")) == (8443, 8443, look.ids["BalancerGroup"])
    ),
    "GatewayTargets": lambda look: look.targets()["Port"] == 8443,
    "GatewayTargets: deregistration": lambda look: look.target_attributes()["deregistration_delay.timeout_seconds"] == "30",
    "GatewayTemplate": lambda look: look.launched("GatewayTemplate")["MetadataOptions"]["HttpTokens"] == "required",
    "HostPolicy": lambda look: "host" in look.policies("WorkerRole") and "host" in look.policies("GatewayRole"),
    "Listener": lambda look: look.listener()["Protocol"] == "TCP",
    "LogBucket": lambda look: only_rule(look.bucket("get_bucket_encryption")) == "AES256",
    "LogBucket: access": lambda look: all(look.bucket("get_public_access_block")["PublicAccessBlockConfiguration"].values()),
    "LogBucket: lifecycle": lambda look: len(look.bucket("get_bucket_lifecycle_configuration")["Rules"]) == 3,
    "LogBucketPolicy": lambda look: "aws:SecureTransport" in look.bucket("get_bucket_policy")["Policy"],
    "NoHealthyGateway": lambda look: look.alarm("NoHealthyGateway")["Namespace"] == "AWS/NetworkELB",
    "NoHealthyWorker": lambda look: look.alarm("NoHealthyWorker")["TreatMissingData"] == "breaching",
    "OldRequest": lambda look: look.alarm("OldRequest")["Threshold"] == 86_400,
    "OperatorRole": lambda look: "operator" in look.policies("OperatorRole"),
    "ProcessLogs": lambda look: look.group_of_logs()["retentionInDays"] == 30,
    "QueuePolicy": lambda look: "aws:SecureTransport" in look.queue("RequestQueue")["Policy"],
    "RequestQueue": lambda look: look.queue("RequestQueue")["VisibilityTimeout"] == "10",
    "RequestQueue: redrive": lambda look: json.loads(look.queue("RequestQueue")["RedrivePolicy"])["maxReceiveCount"] in (10, "10"),
    "ScaleOnBacklog": lambda look: look.scaling("ScaleOnBacklog")["TargetValue"] == 100,
    "ScaleOnBusySlots": lambda look: look.scaling("ScaleOnBusySlots")["TargetValue"] == 70,
    "ScaleOnBusySlots: metric": lambda look: len(look.metrics("ScaleOnBusySlots")) == 1,
    "ScaleOnRefusedCalls": lambda look: len(look.metrics("ScaleOnRefusedCalls")) == 3,
    "WorkerGroup": lambda look: (look.group("WorkerGroup")["MinSize"], look.group("WorkerGroup")["MaxSize"]) == (1, 4),
    "WorkerProfile": lambda look: look.role_of_profile("WorkerProfile") == look.ids["WorkerRole"],
    "WorkerRole": lambda look: "worker" in look.policies("WorkerRole"),
    "WorkerSecurityGroup": lambda look: look.security_group("WorkerSecurityGroup")["IpPermissions"] == [],
    "WorkerTemplate": lambda look: look.launched("WorkerTemplate")["MetadataOptions"]["HttpTokens"] == "required",
}


def test_every_resource_of_the_templates_is_described():
    names = {name for stack in ("compute", "storage") for name in template(stack)["Resources"]}
    assert {name.partition(":")[0] for name in DESCRIBED} == names


@pytest.mark.parametrize("what", DESCRIBED)
def test_a_resource_is_there_as_the_template_says(emulator, made, what):
    name = what.partition(":")[0]
    if name in REFUSED[emulator.name]:
        pytest.skip(f"{emulator.name}: {REFUSED[emulator.name][name]}")
    look = Look(emulator, made)
    if what in NOT_MADE[emulator.name]:
        assert not is_there(look, what), f"{emulator.name} makes it by now"
        pytest.skip(f"{emulator.name}: {NOT_MADE[emulator.name][what]}")
    assert name in made and DESCRIBED[what](look)


def is_there(look, what):
    try:
        return DESCRIBED[what](look)
    except (ClientError, LookupError, ValueError):
        return False
