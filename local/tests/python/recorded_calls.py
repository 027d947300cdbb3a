"""Which API call of SQS or S3 an exchange is, on what, and as whom: for a proxy between a process and its endpoint.

With COMPUTE_RECORDED_CALLS, the name of a file, every proxy adds there what the calls needed that it has passed on, and what
processes of ours say goes through one. The end-to-end tests in Rust add their requests themselves, as they are.
`python recorded_calls.py FILE` then compares all that with the policies.
"""

import json
import os
import re
import sys
from types import SimpleNamespace
from urllib.parse import parse_qs, unquote, urlsplit

from iam import bucket_arn, covers, grants, needs, policy, queue_arn

FILE = os.environ.get("COMPUTE_RECORDED_CALLS")
# Whose credentials go with which policies. Any gateway of the test suite may be given its queue.
GATEWAY = ["gateway", "gateway-given-reply-queue"]
POLICIES = {"gateway": GATEWAY, "gateway-given-reply-queue": GATEWAY, "worker": ["worker"], "operator": ["operator"]}


def api_call(exchange):
    """The name of the call, such as `s3:PutObject`, as AWS's API reference has it."""
    service, _, operation = exchange.operation.partition(".")
    if service == "SQS":
        return f"sqs:{operation}"
    url = urlsplit(exchange.target)
    query, is_object = parse_qs(url.query, keep_blank_values=True), url.path.count("/") > 1 and not url.path.endswith("/")
    of_object = {
        ("PUT", "partNumber"): "UploadPart",
        ("POST", "uploads"): "CreateMultipartUpload",
        ("POST", "uploadId"): "CompleteMultipartUpload",
        ("DELETE", "uploadId"): "AbortMultipartUpload",
        ("GET", None): "GetObject",
        ("HEAD", None): "HeadObject",
        ("PUT", None): "PutObject",
        ("DELETE", None): "DeleteObject",
    }
    of_bucket = {
        ("GET", "list-type"): "ListObjectsV2",
        ("GET", "lifecycle"): "GetBucketLifecycleConfiguration",
        ("GET", "publicAccessBlock"): "GetPublicAccessBlock",
        ("GET", "encryption"): "GetBucketEncryption",
        ("GET", "versioning"): "GetBucketVersioning",
        ("POST", "delete"): "DeleteObjects",
        ("HEAD", None): "HeadBucket",
    }
    known = of_object if is_object else of_bucket
    for (method, parameter), name in known.items():
        if method == exchange.method and (parameter is None or parameter in query):
            return f"s3:{name}"
    raise AssertionError(f"what call of S3 is this? {exchange.method} {exchange.target}")


def resources(exchange, dead_letter_sources):
    """The ARNs of what a call names, by kind. `dead_letter_sources` knows the queues that dead letters come from."""
    if exchange.operation.startswith("SQS."):
        body = json.loads(exchange.body)
        named = body.get("QueueName") or body.get("QueueUrl") or body.get("SourceArn") or ""
        name = re.split("[/:]", named)[-1]
        source = dead_letter_sources.get(name)
        return {"account": ["*"], "queue": [queue_arn(name)], "source-queue": [queue_arn(source)] if source else []}
    bucket, _, key = unquote(urlsplit(exchange.target).path).removeprefix("/").partition("/")
    keys = re.findall("<Key>([^<]+)</Key>", exchange.body.decode()) if "delete" in exchange.target.partition("?")[2] else [key]
    return {"bucket": [bucket_arn(bucket)], "object": [bucket_arn(bucket, key) for key in keys]}


def needed(exchange, dead_letter_sources):
    """The pairs of an action and a resource that an exchange needed."""
    return needs(api_call(exchange), resources(exchange, dead_letter_sources))


def needs_of_role(exchange):
    """What an exchange needed, as role, action, resource and call; nothing, unless AWS would have authorized it."""
    if exchange.access_key not in POLICIES:
        return []
    dead_letters = _queue_of(exchange)
    sources = {dead_letters: dead_letters.removesuffix("-dlq")} if dead_letters.endswith("-requests-dlq") else {}
    return [(exchange.access_key, *need, api_call(exchange)) for need in needed(exchange, sources)]


def keep(exchange):
    """Adds to the file what an exchange needed, if somebody wants to know."""
    if not FILE:
        return
    lines = [json.dumps(record) + "\n" for record in needs_of_role(exchange)]
    with open(FILE, "a", encoding="utf-8") as file:
        file.write("".join(lines))


def recorded(file):
    """The different needs in a file, of the calls that are there as they were made, too."""
    found = set()
    with open(file, encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            if isinstance(record, dict):
                body = record["body"] and record["body"].encode()
                found.update(needs_of_role(SimpleNamespace(**{**record, "body": body})))
            else:
                found.add(tuple(record))
    return found


def _queue_of(exchange):
    if not exchange.operation.startswith("SQS."):
        return ""
    body = json.loads(exchange.body)
    return re.split("[/:]", body.get("QueueUrl") or body.get("SourceArn") or "")[-1]


def compare(file):
    """Prints what the policies lack, and what of them nobody has used; returns how many such there are."""
    records = recorded(file)
    found = []
    used = {}
    for role, action, resource, call in sorted(records):
        names = [name for name in POLICIES[role] for grant in _granted(name) if covers(grant, (action, resource))]
        if not names:
            found.append(f"{role} made {call}, which needs {action} on {resource}: no policy allows it")
        for name in names:
            used.setdefault(name, set()).add((action, resource))
    for name in {name for names in POLICIES.values() for name in names}:
        unused = [grant for grant in _granted(name) if not any(covers(grant, need) for need in used.get(name, ()))]
        found += [f"{name} allows {action} on {resource}, which was never used" for action, resource in unused]
    print("\n".join([*found, f"{len(records)} different needs of {len({record[3] for record in records})} API calls compared"]))
    return len(found)


def _granted(name):
    """What a policy allows, whatever an installation is called."""
    return grants(policy(name, Prefix="*", LogBucket="*"))


if __name__ == "__main__":
    sys.exit(compare(sys.argv[1]) > 0)
