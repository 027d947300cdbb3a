"""The stacks as the aws CLI creates them on emulators: every resource is then described by its own API. What an emulator does not
make is listed here, and noticed when that changes."""

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
            ["ScaleOnBacklog", "ScaleOnBusySlots", "ScaleOnBusySlots: metric", "ScaleOnRefusedCalls"], "scaling policies are skipped"
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


def name_in(arn):
    return arn.rpartition("/")[2]


def role_policies(aws, id):
    return aws.client("iam").list_role_policies(RoleName=id)["PolicyNames"]


def queue_policy(aws, made):
    url, _ = made["RequestQueue"]
    return aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])["Attributes"]["Policy"]


def queue(aws, url):
    return aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]


def bucket(aws, id):
    s3 = aws.client("s3")
    [encryption] = s3.get_bucket_encryption(Bucket=id)["ServerSideEncryptionConfiguration"]["Rules"]
    return encryption["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"]


def launched(aws, id):
    [version] = aws.client("ec2").describe_launch_template_versions(LaunchTemplateId=id)["LaunchTemplateVersions"]
    return version["LaunchTemplateData"]


def attributes(described):
    return {entry["Key"]: entry["Value"] for entry in described["Attributes"]}


def group(aws, id):
    [described] = aws.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[id])["AutoScalingGroups"]
    return described


def alarm(aws, id):
    [described] = aws.client("cloudwatch").describe_alarms(AlarmNames=[id])["MetricAlarms"]
    return described


def scaling(aws, id):
    # MiniStack gives all policies whatever name is asked for.
    described = aws.client("autoscaling").describe_policies()["ScalingPolicies"]
    [policy] = [policy for policy in described if policy["PolicyARN"] == id]
    return policy["TargetTrackingConfiguration"]


def security_group(aws, id):
    [described] = aws.client("ec2").describe_security_groups(GroupIds=[id])["SecurityGroups"]
    return described


# What the resource's own API must say.
DESCRIBED = {
    "AlarmTopic": lambda aws, made, id: aws.client("sns").get_topic_attributes(TopicArn=id)["Attributes"]["TopicArn"] == id,
    "Balancer": lambda aws, made, id: aws.client("elbv2").describe_load_balancers(LoadBalancerArns=[id])["LoadBalancers"][0]["Scheme"] == "internal",
    "BalancerGroup": lambda aws, made, id: security_group(aws, id)["IpPermissions"][0]["FromPort"] == 443,
    "DeadLetterQueue": lambda aws, made, id: queue(aws, id)["MessageRetentionPeriod"] == str(14 * 86_400),
    "DeadLetters": lambda aws, made, id: alarm(aws, id)["Threshold"] == 0,
    "EdgePolicy": lambda aws, made, id: "edge" in role_policies(aws, made["GatewayRole"][0]),
    "GatewayGroup": lambda aws, made, id: (group(aws, id)["MinSize"], group(aws, id)["MaxSize"]) == (1, 2),
    "GatewayGroup: targets": lambda aws, made, id: group(aws, id)["TargetGroupARNs"] == [made["GatewayTargets"][0]],
    "GatewayProfile": lambda aws, made, id: aws.client("iam").get_instance_profile(InstanceProfileName=name_in(id))["InstanceProfile"]["Roles"][0]["RoleName"] == made["GatewayRole"][0],
    "GatewayRole": lambda aws, made, id: "gateway" in role_policies(aws, id),
    "GatewaySecurityGroup": lambda aws, made, id: security_group(aws, id)["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == made["BalancerGroup"][0],
    "GatewayTargets": lambda aws, made, id: aws.client("elbv2").describe_target_groups(TargetGroupArns=[id])["TargetGroups"][0]["Port"] == 8443,
    "GatewayTargets: deregistration": lambda aws, made, id: attributes(aws.client("elbv2").describe_target_group_attributes(TargetGroupArn=id))["deregistration_delay.timeout_seconds"] == "30",
    "GatewayTemplate": lambda aws, made, id: launched(aws, id)["MetadataOptions"]["HttpTokens"] == "required",
    "HostPolicy": lambda aws, made, id: "host" in role_policies(aws, made["WorkerRole"][0]),
    "Listener": lambda aws, made, id: aws.client("elbv2").describe_listeners(ListenerArns=[id])["Listeners"][0]["Protocol"] == "TCP",
    "LogBucket": lambda aws, made, id: bucket(aws, id) == "AES256",
    "LogBucket: access": lambda aws, made, id: all(aws.client("s3").get_public_access_block(Bucket=id)["PublicAccessBlockConfiguration"].values()),
    "LogBucket: lifecycle": lambda aws, made, id: len(aws.client("s3").get_bucket_lifecycle_configuration(Bucket=id)["Rules"]) == 3,
    "LogBucketPolicy": lambda aws, made, id: "aws:SecureTransport" in aws.client("s3").get_bucket_policy(Bucket=made["LogBucket"][0])["Policy"],
    "NoHealthyGateway": lambda aws, made, id: alarm(aws, id)["Namespace"] == "AWS/NetworkELB",
    "NoHealthyWorker": lambda aws, made, id: alarm(aws, id)["TreatMissingData"] == "breaching",
    "OldRequest": lambda aws, made, id: alarm(aws, id)["Threshold"] == 86_400,
    "OperatorRole": lambda aws, made, id: "operator" in role_policies(aws, id),
    "ProcessLogs": lambda aws, made, id: aws.client("logs").describe_log_groups(logGroupNamePrefix=id)["logGroups"][0]["retentionInDays"] == 30,
    "QueuePolicy": lambda aws, made, id: "aws:SecureTransport" in queue_policy(aws, made),
    "RequestQueue": lambda aws, made, id: (queue(aws, id)["VisibilityTimeout"], '"maxReceiveCount":10' in queue(aws, id)["RedrivePolicy"].replace(" ", "")) == ("10", True),
    "ScaleOnBacklog": lambda aws, made, id: scaling(aws, id)["TargetValue"] == 100,
    "ScaleOnBusySlots": lambda aws, made, id: scaling(aws, id)["TargetValue"] == 70,
    "ScaleOnBusySlots: metric": lambda aws, made, id: len(scaling(aws, id)["CustomizedMetricSpecification"]["Metrics"]) == 1,
    "ScaleOnRefusedCalls": lambda aws, made, id: len(scaling(aws, id)["CustomizedMetricSpecification"]["Metrics"]) == 3,
    "WorkerGroup": lambda aws, made, id: (group(aws, id)["MinSize"], group(aws, id)["MaxSize"]) == (1, 4),
    "WorkerProfile": lambda aws, made, id: aws.client("iam").get_instance_profile(InstanceProfileName=name_in(id))["InstanceProfile"]["Roles"][0]["RoleName"] == made["WorkerRole"][0],
    "WorkerRole": lambda aws, made, id: "worker" in role_policies(aws, id),
    "WorkerSecurityGroup": lambda aws, made, id: security_group(aws, id)["IpPermissions"] == [],
    "WorkerTemplate": lambda aws, made, id: launched(aws, id)["MetadataOptions"]["HttpTokens"] == "required",
}  # fmt: skip


def test_every_resource_of_the_templates_is_described():
    names = {name for stack in ("compute", "storage") for name in template(stack)["Resources"]}
    assert {name.partition(":")[0] for name in DESCRIBED} == names


@pytest.mark.parametrize("what", DESCRIBED)
def test_a_resource_is_there_as_the_template_says(emulator, made, what):
    name = what.partition(":")[0]
    if name in REFUSED[emulator.name]:
        pytest.skip(f"{emulator.name}: {REFUSED[emulator.name][name]}")
    if what in NOT_MADE[emulator.name]:
        assert not is_there(emulator, made, name, what), f"{emulator.name} makes it by now"
        pytest.skip(f"{emulator.name}: {NOT_MADE[emulator.name][what]}")
    assert name in made and DESCRIBED[what](emulator, made, made[name][0])


def is_there(emulator, made, name, what):
    try:
        return DESCRIBED[what](emulator, made, made[name][0])
    except (ClientError, LookupError, ValueError):
        return False
