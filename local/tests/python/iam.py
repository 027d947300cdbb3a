"""The policies in `deploy/policies`, and what they allow."""

import json
import re
from fnmatch import fnmatchcase

from processes import REPOSITORY

POLICIES = REPOSITORY / "deploy" / "policies"
# Which actions each API call needs, on what: the queue, bucket or object that it names, the queue that dead letters go back to
# (`source-queue`), or nothing in particular (`account`).
CALLS = json.loads((REPOSITORY / "deploy" / "iam-calls.json").read_text(encoding="utf-8"))
ACCOUNT, REGION = "000000000000", "us-east-1"


def policy(name, **variables):
    """The policy in `deploy/policies/<name>.json` for an installation: `Prefix`, `LogBucket`, `StackName`, …"""
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    aws = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": "compute"}
    return json.loads(substitute(text, {**aws, **variables}))


def substitute(text, variables):
    """What CloudFormation's Fn::Sub makes of a text."""
    return re.sub(r"\$\{([A-Za-z:]+)\}", lambda name: variables[name[1]], text)


def many(value):
    return value if isinstance(value, list) else [value]


def grants(policy):
    """Every pair of an action and a resource pattern that a policy allows."""
    statements = policy["Statement"]
    assert all(statement["Effect"] == "Allow" for statement in statements), "a policy here allows, and nothing else"
    return [(a, r) for statement in statements for a in many(statement["Action"]) for r in many(statement["Resource"])]


def needs(call, resources):
    """The pairs of an action and a resource that a call needs, with the ARNs of what it names by kind."""
    return [(action, arn) for kind, actions in CALLS[call].items() for action in actions for arn in resources[kind]]


def covers(grant, need):
    """Whether a grant allows what is needed. Every action here is written out, so only resources are patterns."""
    return grant[0] == need[0] and fnmatchcase(need[1], grant[1])


def queue_arn(name):
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def bucket_arn(name, key=None):
    return f"arn:aws:s3:::{name}" + ("" if key is None else f"/{key}")
