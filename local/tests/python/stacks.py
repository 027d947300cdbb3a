"""Creates the stacks of `deploy/` on an emulator, as people do with the aws CLI."""

import json

from templates import template

DEPLOY = ["cloudformation", "deploy", "--capabilities", "CAPABILITY_IAM"]


def create(emulator, folder, leave_out=(), prefix="compute", **more_parameters):
    """Creates both stacks, without the resources in `leave_out`; returns what CloudFormation says it has made."""
    storage = ["--stack-name", f"{prefix}-storage", "--template-file", "deploy/storage.yaml"]
    emulator.aws(*DEPLOY, *storage, "--parameter-overrides", f"Prefix={prefix}")
    file = "deploy/compute.yaml"
    if leave_out:
        file = folder / "compute.json"
        file.write_text(json.dumps(without(template("compute"), leave_out)), encoding="utf-8")
    parameters = {
        **default_network(emulator), "Prefix": prefix, "LogBucket": f"{prefix}-logs-{emulator.account}-us-east-1",
        "Release": "0" * 64, "CallersCidr": "10.0.0.0/8", **more_parameters,
    }  # fmt: skip
    overrides = ["--parameter-overrides", *(f"{name}={value}" for name, value in parameters.items())]
    emulator.aws(*DEPLOY, "--stack-name", prefix, "--template-file", file, *overrides)
    return {**emulator.resources(f"{prefix}-storage"), **emulator.resources(prefix)}


def without(template, names):
    for name in names:
        del template["Resources"][name]
    for resource in template["Resources"].values():
        resource["DependsOn"] = [name for name in resource.get("DependsOn", []) if name not in names]
    return template


def default_network(emulator):
    [vpc] = emulator.aws("ec2", "describe-vpcs", "--filters", "Name=is-default,Values=true")["Vpcs"]
    subnets = emulator.aws("ec2", "describe-subnets", "--filters", f"Name=vpc-id,Values={vpc['VpcId']}")["Subnets"]
    subnets = ",".join(subnet["SubnetId"] for subnet in subnets)
    return {"VpcId": vpc["VpcId"], "NetworkCidr": vpc["CidrBlock"], "SubnetIds": subnets}
