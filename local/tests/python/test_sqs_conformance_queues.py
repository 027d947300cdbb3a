"""Queues: names, URLs, listing, attributes, tags. What the rules of this suite are, sqs_endpoints.py says."""

import json
import time
import uuid

import pytest

from sqs_requests import attributes_of, counts, error_code, receive_one

embedded_only = pytest.mark.embedded_only
moto_differs = pytest.mark.moto_differs

MIB = 1_048_576


# --- queues -----------------------------------------------------------------------------------------------------------------


def test_a_queue_is_found_by_its_name(sqs):
    name = f"Some_queue-{uuid.uuid4()}"
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    assert url.endswith(f"/{name}")
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    sqs.delete_queue(QueueUrl=url)


def test_creating_an_equal_queue_again_returns_the_first(sqs, new_queue):
    name = f"q-{uuid.uuid4()}"
    url = new_queue(name, VisibilityTimeout="45")
    assert new_queue(name, VisibilityTimeout="45") == url
    # Attributes that are not given are not compared.
    assert new_queue(name) == url


def test_creating_a_queue_with_another_value_is_refused(sqs, new_queue):
    name = f"q-{uuid.uuid4()}"
    new_queue(name, VisibilityTimeout="45")
    with error_code("QueueAlreadyExists"):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "46"})
    with pytest.raises(sqs.exceptions.QueueNameExists):
        sqs.create_queue(QueueName=name, Attributes={"VisibilityTimeout": "46"})


@pytest.mark.parametrize("name", ["", "a" * 81, "with space", "dot.ted", "slash/ed", "ümlaut"])
def test_a_bad_queue_name_is_refused(sqs, name):
    with error_code("InvalidParameterValue"):
        sqs.create_queue(QueueName=name)


def test_a_queue_name_may_have_eighty_characters(sqs, new_queue):
    assert new_queue("a" * 80).endswith("a" * 80)


@embedded_only("moto offers FIFO queues, the embedded SQS does not")
@pytest.mark.parametrize("attributes", [{}, {"FifoQueue": "true"}])
def test_a_fifo_queue_is_clearly_refused(sqs, attributes):
    with error_code("AWS.SimpleQueueService.UnsupportedOperation", "FIFO queues are not offered"):
        sqs.create_queue(QueueName="name.fifo", Attributes=attributes)


def test_an_unknown_queue_is_a_typed_error_everywhere(sqs, queue):
    gone = queue + "-gone"
    entries = [{"Id": "0", "ReceiptHandle": "h", "VisibilityTimeout": 0, "MessageBody": "m"}]
    calls = {
        "get_queue_url": {"QueueName": "no-such-queue"},
        "delete_queue": {},
        "get_queue_attributes": {"AttributeNames": ["All"]},
        "set_queue_attributes": {"Attributes": {"VisibilityTimeout": "1"}},
        "list_queue_tags": {},
        "tag_queue": {"Tags": {"a": "b"}},
        "untag_queue": {"TagKeys": ["a"]},
        "send_message": {"MessageBody": "m"},
        "send_message_batch": {"Entries": [{k: e[k] for k in ("Id", "MessageBody")} for e in entries]},
        "receive_message": {},
        "delete_message": {"ReceiptHandle": "h"},
        "delete_message_batch": {"Entries": [{k: e[k] for k in ("Id", "ReceiptHandle")} for e in entries]},
        "change_message_visibility": {"ReceiptHandle": "h", "VisibilityTimeout": 0},
        "change_message_visibility_batch": {
            "Entries": [{k: e[k] for k in ("Id", "ReceiptHandle", "VisibilityTimeout")} for e in entries]
        },
        "purge_queue": {},
        "list_dead_letter_source_queues": {},
    }
    for name, parameters in calls.items():
        if name != "get_queue_url":
            parameters = {"QueueUrl": gone, **parameters}
        with pytest.raises(sqs.exceptions.QueueDoesNotExist) as raised:
            getattr(sqs, name)(**parameters)
        assert raised.value.response["Error"]["Code"] == "AWS.SimpleQueueService.NonExistentQueue", name


def test_a_deleted_queue_is_gone(sqs, new_queue):
    url = new_queue()
    sqs.send_message(QueueUrl=url, MessageBody="m")
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=url)


def test_the_host_of_a_queue_url_does_not_matter(sqs, queue):
    name = queue.rsplit("/", 1)[1]
    sqs.send_message(QueueUrl=f"https://sqs.eu-west-1.amazonaws.com/000000000000/{name}", MessageBody="m")
    assert receive_one(sqs, queue)["Body"] == "m"


# --- listing ----------------------------------------------------------------------------------------------------------------


def test_queues_are_listed_by_prefix(sqs, new_queue):
    prefix = f"p{uuid.uuid4().hex}"
    urls = [new_queue(f"{prefix}-{i}") for i in range(3)]
    assert sorted(sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == urls
    # Without a match the list is absent.
    assert "QueueUrls" not in sqs.list_queues(QueueNamePrefix=prefix + "-x")


@moto_differs("moto ignores MaxResults and NextToken of ListQueues")
def test_queues_are_listed_in_pages(sqs, new_queue):
    prefix = f"p{uuid.uuid4().hex}"
    urls = [new_queue(f"{prefix}-{i}") for i in range(5)]
    pages = [sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2)]
    while token := pages[-1].get("NextToken"):
        pages.append(sqs.list_queues(QueueNamePrefix=prefix, MaxResults=2, NextToken=token))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2, 1]
    assert [url for page in pages for url in page["QueueUrls"]] == urls
    # Only who asks for pages gets a token.
    assert "NextToken" not in sqs.list_queues(QueueNamePrefix=prefix)
    paginated = sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 3})
    assert [url for page in paginated for url in page["QueueUrls"]] == urls


@moto_differs("moto ignores MaxResults and NextToken of ListQueues")
@pytest.mark.parametrize("parameters", [{"MaxResults": 0}, {"MaxResults": 1001}, {"MaxResults": 1, "NextToken": "bogus!"}])
def test_a_bad_page_is_refused(sqs, parameters):
    with error_code("InvalidParameterValue"):
        sqs.list_queues(**parameters)


# --- queue attributes -------------------------------------------------------------------------------------------------------


def test_a_queue_has_the_documented_defaults(sqs, queue):
    attributes = attributes_of(sqs, queue)
    expected = {
        "ApproximateNumberOfMessages": "0",
        "ApproximateNumberOfMessagesDelayed": "0",
        "ApproximateNumberOfMessagesNotVisible": "0",
        "DelaySeconds": "0",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
    }
    assert {name: attributes.get(name) for name in expected} == expected
    assert attributes["QueueArn"].startswith("arn:aws:sqs:us-east-1:")
    assert attributes["QueueArn"].endswith(":" + queue.rsplit("/", 1)[1])


@moto_differs("moto gives times with fractions of a second")
def test_times_of_a_queue_are_whole_seconds(sqs, queue):
    attributes = attributes_of(sqs, queue, "CreatedTimestamp", "LastModifiedTimestamp")
    assert int(attributes["CreatedTimestamp"]) == int(attributes["LastModifiedTimestamp"])
    assert abs(int(attributes["CreatedTimestamp"]) - time.time()) < 60


def test_only_the_attributes_asked_for_are_returned(sqs, queue):
    assert set(attributes_of(sqs, queue, "QueueArn", "DelaySeconds")) == {"QueueArn", "DelaySeconds"}
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue)
    # Known, but not set.
    assert "Attributes" not in sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])


def test_an_unknown_attribute_is_refused(sqs, queue):
    with error_code("InvalidAttributeName"):
        sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Colour"])


@moto_differs("moto sets attributes without a look at their names")
@pytest.mark.parametrize("name", ["Colour", "QueueArn", "ApproximateNumberOfMessages"])
def test_an_attribute_that_cannot_be_set_is_refused(sqs, queue, name):
    with error_code("InvalidAttributeName"):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: "1"})


RANGES = {
    "DelaySeconds": (0, 900),
    "MaximumMessageSize": (1024, MIB),
    "MessageRetentionPeriod": (60, 1_209_600),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
    "VisibilityTimeout": (0, 43_200),
}


@pytest.mark.parametrize("name", RANGES)
def test_an_attribute_takes_its_whole_range(sqs, queue, name):
    for value in map(str, RANGES[name]):
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={name: value})
        assert attributes_of(sqs, queue, name) == {name: value}


@moto_differs("moto takes any number for most attributes")
@pytest.mark.parametrize("name", RANGES)
def test_an_attribute_out_of_range_is_refused_and_nothing_is_changed(sqs, queue, name):
    before = attributes_of(sqs, queue)
    least, most = RANGES[name]
    for value in (str(least - 1), str(most + 1), "many", ""):
        with error_code("InvalidAttributeValue"):
            sqs.set_queue_attributes(QueueUrl=queue, Attributes={"KmsMasterKeyId": "k", name: value})
        with error_code("InvalidAttributeValue"):
            sqs.create_queue(QueueName=f"q-{uuid.uuid4()}", Attributes={name: value})
    assert attributes_of(sqs, queue) == before


def test_a_policy_is_kept_and_an_empty_one_removes_it(sqs, queue):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]}
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(policy)})
    assert json.loads(attributes_of(sqs, queue)["Policy"]) == policy
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": ""})
    assert "Policy" not in attributes_of(sqs, queue)


def test_messages_are_counted_where_they_stand(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    sqs.send_message(QueueUrl=queue, MessageBody="b")
    sqs.send_message(QueueUrl=queue, MessageBody="c", DelaySeconds=900)
    assert counts(sqs, queue) == (2, 0, 1)
    message = receive_one(sqs, queue)
    assert counts(sqs, queue) == (1, 1, 1)
    sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    assert counts(sqs, queue) == (1, 0, 1)


@moto_differs("moto purges as often as one likes")
def test_a_purge_empties_the_queue_once_a_minute(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="a")
    sqs.send_message(QueueUrl=queue, MessageBody="b", DelaySeconds=900)
    sqs.send_message(QueueUrl=queue, MessageBody="c")
    receive_one(sqs, queue)
    sqs.purge_queue(QueueUrl=queue)
    assert counts(sqs, queue) == (0, 0, 0)
    with error_code("AWS.SimpleQueueService.PurgeQueueInProgress"):
        sqs.purge_queue(QueueUrl=queue)


# --- tags -------------------------------------------------------------------------------------------------------------------


def test_tags_are_set_replaced_and_removed(sqs, queue):
    assert sqs.list_queue_tags(QueueUrl=queue).get("Tags", {}) == {}
    sqs.tag_queue(QueueUrl=queue, Tags={"a": "1", "b": ""})
    sqs.tag_queue(QueueUrl=queue, Tags={"a": "2", "c": "ü"})
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"a": "2", "b": "", "c": "ü"}
    sqs.untag_queue(QueueUrl=queue, TagKeys=["a", "b", "unknown"])
    assert sqs.list_queue_tags(QueueUrl=queue)["Tags"] == {"c": "ü"}


def test_a_queue_is_created_with_tags(sqs):
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4()}", tags={"team": "x"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"team": "x"}
    sqs.delete_queue(QueueUrl=url)


def test_more_than_fifty_tags_at_once_are_refused(sqs, queue):
    sqs.tag_queue(QueueUrl=queue, Tags={str(i): "" for i in range(50)})
    with error_code("InvalidParameterValue"):
        sqs.tag_queue(QueueUrl=queue, Tags={str(i): "" for i in range(51)})


@moto_differs("moto looks neither at the tags there are nor at their lengths")
@pytest.mark.parametrize("tags", [{"k" * 129: ""}, {"": "v"}, {"k": "v" * 257}, {"aws:k": "v"}, {"one more": ""}])
def test_a_bad_tag_is_refused(sqs, queue, tags):
    sqs.tag_queue(QueueUrl=queue, Tags={str(i): "" for i in range(50)})
    with error_code("InvalidParameterValue"):
        sqs.tag_queue(QueueUrl=queue, Tags=tags)
