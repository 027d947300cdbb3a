"""The templates themselves: what linters say of them, and that they say the same as the files beside them."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from emulators import tool
from iam import POLICIES
from processes import REPOSITORY
from templates import plain, resources_of_type, template

DEPLOY = REPOSITORY / "deploy"


def test_cfn_lint_finds_nothing():
    command = [Path(sys.executable).with_name("cfn-lint"), *DEPLOY.glob("*.yaml")]
    linted = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.heavy
def test_checkov_finds_nothing_but_exceptions_that_are_explained_and_needed():
    command = [tool("checkov"), "--framework", "cloudformation", "--skip-download", "-d", DEPLOY, "-o", "json"]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    report = json.loads(checked.stdout)
    assert [(check["check_id"], check["resource"]) for check in report["results"]["failed_checks"]] == []
    assert report["summary"]["parsing_errors"] == 0 and report["summary"]["passed"] > 50
    taken = {(check["resource"].partition(".")[2], check["check_id"]) for check in report["results"]["skipped_checks"]}
    given = {}
    for name in ("compute", "storage"):
        for resource, definition in template(name)["Resources"].items():
            for skip in definition.get("Metadata", {}).get("checkov", {}).get("skip", []):
                given[resource, skip["id"]] = skip["comment"]
    assert taken == given.keys()
    assert all(len(comment) > 20 for comment in given.values())


@pytest.mark.parametrize("file", sorted(POLICIES.glob("*.json")), ids=lambda file: file.stem)
def test_the_template_has_the_policies_of_the_files(file):
    in_roles = [p for role in resources_of_type("compute", "AWS::IAM::Role").values() for p in role.get("Policies", [])]
    policies = {p["PolicyName"]: p["PolicyDocument"] for p in in_roles}
    policies |= {p["PolicyName"]: p["PolicyDocument"] for p in resources_of_type("compute", "AWS::IAM::Policy").values()}
    if file.stem in ("gateway-given-reply-queue", "doctor"):
        assert file.stem not in policies, "it is for who makes something else of the template, or looks closer"
    else:
        assert plain(policies[file.stem]) == json.loads(file.read_text(encoding="utf-8"))


def test_the_bucket_has_the_lifecycle_rules_of_the_local_one():
    bucket = resources_of_type("storage", "AWS::S3::Bucket")["LogBucket"]

    def in_cloudformation(rule):
        return {
            "Id": rule["ID"],
            "Prefix": rule["Filter"]["Prefix"],
            "Status": rule["Status"],
            **({"ExpirationInDays": rule["Expiration"]["Days"]} if "Expiration" in rule else {}),
            **{name: rule[name] for name in ("AbortIncompleteMultipartUpload",) if name in rule},
        }

    rules = json.loads((REPOSITORY / "local" / "lifecycle.json").read_text(encoding="utf-8"))["Rules"]
    assert bucket["LifecycleConfiguration"]["Rules"] == [in_cloudformation(rule) for rule in rules]


def test_hosts_are_reached_by_nobody_but_the_balancer_and_reach_nothing_but_aws():
    groups = resources_of_type("compute", "AWS::EC2::SecurityGroup")
    assert "SecurityGroupIngress" not in groups["WorkerSecurityGroup"]
    [ingress] = groups["GatewaySecurityGroup"]["SecurityGroupIngress"]
    assert ingress["SourceSecurityGroupId"] == {"Ref": "BalancerGroup"} and ingress["FromPort"] == ingress["ToPort"]
    for name in ("WorkerSecurityGroup", "GatewaySecurityGroup"):
        [egress] = groups[name]["SecurityGroupEgress"]
        assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)


def test_instances_ask_for_their_credentials_by_the_second_version_of_the_protocol_alone():
    for launch in resources_of_type("compute", "AWS::EC2::LaunchTemplate").values():
        assert launch["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"] == "required"


def test_waits_follow_from_the_drain_limit_and_the_longest_call():
    compute = template("compute")
    limits = compute["Parameters"]["DrainLimit"]
    delays = compute["Mappings"]["Drain"]["Deregistration"]
    assert delays.keys() == set(limits["AllowedValues"]) and limits["Default"] == "25"
    assert all(int(delay) > int(limit) for limit, delay in delays.items())
    [idle] = resources_of_type("compute", "AWS::ElasticLoadBalancingV2::Listener")["Listener"]["ListenerAttributes"]
    source = (REPOSITORY / "gateway" / "src" / "config.rs").read_text(encoding="utf-8")
    longest = int(re.search(r'env = "COMPUTE_MAX_DEADLINE".*?default_value = "(\d+)m"', source)[1])
    assert int(idle["Value"]) > 60 * longest


def test_workers_scale_by_backlog_refused_calls_and_busy_slots_and_there_is_always_one():
    policies = resources_of_type("compute", "AWS::AutoScaling::ScalingPolicy")
    assert policies.keys() == {"ScaleOnBacklog", "ScaleOnRefusedCalls", "ScaleOnBusySlots"}
    for policy in policies.values():
        assert policy["PolicyType"] == "TargetTrackingScaling", "of several such, the largest size counts"
        assert policy["AutoScalingGroupName"] == {"Ref": "WorkerGroup"}
    assert resources_of_type("compute", "AWS::AutoScaling::AutoScalingGroup")["WorkerGroup"]["MinSize"] == 1
