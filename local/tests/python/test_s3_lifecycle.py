"""Lifecycle rules of the embedded S3 as boto3 and the aws CLI see them, and what they do to a process and its folder."""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from glob import glob
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import start_local
from deployment import Aws
from processes import REPOSITORY, wait_until

RULES_FILE = REPOSITORY / "local" / "lifecycle.json"
RULES = json.loads(RULES_FILE.read_text(encoding="utf-8"))
DAY = 24 * 60 * 60


@pytest.fixture(params=["embedded", "moto"])
def s3(request):
    """A client of the embedded S3, and one of moto: where they differ AWS's documentation decides."""
    marker = request.node.get_closest_marker("moto_differs")
    if request.param == "moto" and marker:
        request.applymarker(pytest.mark.xfail(reason=marker.args[0], strict=True))
    aws = request.getfixturevalue({"embedded": "local_aws", "moto": "moto"}[request.param])
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    credentials = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    return boto3.client("s3", endpoint_url=aws.endpoint, config=config, **credentials)


@pytest.fixture
def bucket(s3, request):
    name = "lifecycle-" + "".join(c for c in request.node.name.lower() if c.isalnum())[:40]
    s3.create_bucket(Bucket=name)
    yield name
    s3.delete_bucket(Bucket=name)


def refusal(call, **arguments):
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"], refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_bucket_without_rules_says_so(s3, bucket):
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)
    s3.delete_bucket_lifecycle(Bucket=bucket)


def test_rules_come_back_until_they_are_deleted(s3, bucket):
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=RULES)
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == RULES["Rules"]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)


@pytest.mark.moto_differs("leaves the rule without an id")
def test_a_rule_without_an_id_is_given_one(s3, bucket):
    rule = {"Filter": {"Prefix": "a/"}, "Status": "Disabled", "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": [rule]})
    (kept,) = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert kept.pop("ID")
    assert kept == rule


@pytest.mark.parametrize(
    "rule",
    [
        {"Status": "Enabled", "Expiration": {"Days": 1}},
        pytest.param(
            {"Filter": {}, "Prefix": "a", "Status": "Enabled", "Expiration": {"Days": 1}},
            marks=pytest.mark.moto_differs("takes an empty filter for none"),
        ),
        {"Filter": {}, "Status": "Enabled", "Expiration": {"Days": 1, "ExpiredObjectDeleteMarker": True}},
    ],
)
def test_a_malformed_rule_is_refused(s3, bucket, rule):
    configuration = {"Rules": [rule]}
    code, status = refusal(s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration=configuration)
    assert code in ("MalformedXML", "InvalidArgument") and status == 400
    assert refusal(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == ("NoSuchLifecycleConfiguration", 404)


def test_the_file_of_rules_is_what_the_aws_cli_takes(local_aws):
    local_aws.s3.create_bucket(Bucket="lifecycle-cli")
    command = ["aws", "s3api", "put-bucket-lifecycle-configuration", "--endpoint-url", local_aws.endpoint]
    rules = ["--bucket", "lifecycle-cli", "--lifecycle-configuration", f"file://{RULES_FILE}"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **local_aws.environment, "AWS_PAGER": "", "PATH": path}
    subprocess.run([*command, *rules], env=environment, check=True, timeout=60)
    assert local_aws.s3.get_bucket_lifecycle_configuration(Bucket="lifecycle-cli")["Rules"] == RULES["Rules"]


def keys(aws):
    return [entry["Key"] for entry in aws.s3.list_objects_v2(Bucket="compute-logs").get("Contents", [])]


def uploads(aws):
    return [upload["Key"] for upload in aws.s3.list_multipart_uploads(Bucket="compute-logs").get("Uploads", [])]


def test_what_was_written_40_days_ago_is_gone_after_the_next_start_and_records_stay(processes, tmp_path):
    local = start_local(processes, tmp_path, 0)
    aws = Aws(local.aws)
    assert aws.s3.get_bucket_lifecycle_configuration(Bucket="compute-logs")["Rules"] == RULES["Rules"]
    folders = ["batches", "claims", "operations", "payloads"]
    for folder in folders:
        for name in ["new", "old"]:
            aws.s3.put_object(Bucket="compute-logs", Key=f"{folder}/{name}", Body=b"x")
    payload = aws.s3.head_object(Bucket="compute-logs", Key="payloads/new")
    midnight = payload["LastModified"].replace(hour=0, minute=0, second=0) + timedelta(days=41)
    assert payload["Expiration"] == f'expiry-date="{midnight:%a, %d %b %Y %H:%M:%S} GMT", rule-id="payloads-40-days"'
    assert "Expiration" not in aws.s3.head_object(Bucket="compute-logs", Key="operations/new")
    local.stop()

    for folder in folders:
        file = tmp_path / "s3" / "compute-logs" / folder / "old"
        os.utime(file, (time.time() - 41 * DAY,) * 2)
    aws = Aws(start_local(processes, tmp_path, 0).aws)
    left = ["batches/new", "batches/old", "claims/new", "operations/new", "operations/old", "payloads/new"]
    wait_until(lambda: keys(aws) == left, "what has expired is gone")


def test_an_upload_that_nobody_completes_is_aborted(processes, tmp_path):
    local = start_local(processes, tmp_path, 0)
    aws = Aws(local.aws)
    upload = aws.s3.create_multipart_upload(Bucket="compute-logs", Key="payloads/big")
    part = {"Bucket": "compute-logs", "Key": "payloads/big", "UploadId": upload["UploadId"], "PartNumber": 1}
    aws.s3.upload_part(**part, Body=b"x" * 1000)
    local.stop()
    # The start of an upload stands in its record: two days pass by the clock of the process.
    (library,) = glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    clock = {"LD_PRELOAD": library, "FAKETIME": f"+{2 * DAY}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    local = start_local(processes, tmp_path, 0, environment=clock)
    aws = Aws(local.aws)
    wait_until(lambda: uploads(aws) == [], "the upload is gone")
    assert refusal(aws.s3.upload_part, **part) == ("NoSuchUpload", 404)
    assert not list((tmp_path / "s3" / ".uploads" / "compute-logs").iterdir())


def test_rules_of_ones_own_are_kept(processes, tmp_path):
    local = start_local(processes, tmp_path, 0)
    own = [{"ID": "mine", "Filter": {"Prefix": "payloads/"}, "Status": "Disabled", "Expiration": {"Days": 1}}]
    Aws(local.aws).s3.put_bucket_lifecycle_configuration(Bucket="compute-logs", LifecycleConfiguration={"Rules": own})
    local.stop()
    local = start_local(processes, tmp_path, 0)
    assert Aws(local.aws).s3.get_bucket_lifecycle_configuration(Bucket="compute-logs")["Rules"] == own
