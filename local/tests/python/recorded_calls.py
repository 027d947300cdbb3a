"""Which API call of SQS or S3 an exchange is, on what, and as whom: for a proxy between a process and its endpoint."""

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

from iam import bucket_arn, needs, queue_arn


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
