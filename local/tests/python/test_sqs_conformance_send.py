"""Sending: limits, sizes, checksums, characters, batches."""

import hashlib
import struct

import pytest

from sqs_requests import attributes_of, counts, error_code, receive_all, receive_one

moto_differs = pytest.mark.moto_differs

MIB = 1_048_576


def text(value, data_type="String"):
    return {"DataType": data_type, "StringValue": value}


def binary(value, data_type="Binary"):
    return {"DataType": data_type, "BinaryValue": value}


def md5_of_attributes(attributes):
    """Step by step as the developer guide describes it."""
    digest = hashlib.md5()
    for name in sorted(attributes):
        attribute = attributes[name]
        value = attribute.get("BinaryValue") or attribute["StringValue"].encode()
        for part in (name.encode(), attribute["DataType"].encode()):
            digest.update(struct.pack(">I", len(part)) + part)
        digest.update(b"\x02" if "BinaryValue" in attribute else b"\x01")
        digest.update(struct.pack(">I", len(value)) + value)
    return digest.hexdigest()


ATTRIBUTES = {
    "zeta": text("héllo ✓"),
    "Alpha": text("1e-3", "Number"),
    "alpha": text("-12.50", "Number.float"),
    "b-1_2.x": binary(bytes(range(256)), "Binary.gif"),
}


# --- checksums --------------------------------------------------------------------------------------------------------------


def test_the_answer_to_a_send_has_the_checksums(sqs, queue):
    body = "grüße \U0001f600\r\n\t"
    sent = sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=ATTRIBUTES)
    assert sent["MD5OfMessageBody"] == hashlib.md5(body.encode()).hexdigest()
    assert sent["MD5OfMessageAttributes"] == md5_of_attributes(ATTRIBUTES)
    assert len(sent["MessageId"]) == 36
    plain = sqs.send_message(QueueUrl=queue, MessageBody=body)
    assert "MD5OfMessageAttributes" not in plain
    assert plain["MessageId"] != sent["MessageId"]


@moto_differs("moto computes no checksum of system attributes")
def test_the_trace_header_has_a_checksum_of_its_own(sqs, queue):
    header = {"AWSTraceHeader": text("Root=1-5759e988-bd862e3fe1be46a994272793")}
    sent = sqs.send_message(QueueUrl=queue, MessageBody="m", MessageSystemAttributes=header)
    assert sent["MD5OfMessageSystemAttributes"] == md5_of_attributes(header)
    assert "MD5OfMessageAttributes" not in sent


def test_what_is_sent_is_what_is_received(sqs, queue):
    body = "grüße \U0001f600\r\n\t\u007f\ufffd\ue000"
    sqs.send_message(QueueUrl=queue, MessageBody=body, MessageAttributes=ATTRIBUTES)
    message = receive_one(sqs, queue, MessageAttributeNames=["All"])
    assert message["Body"] == body
    assert message["MessageAttributes"] == ATTRIBUTES
    assert message["MD5OfMessageAttributes"] == md5_of_attributes(ATTRIBUTES)


# --- sizes ------------------------------------------------------------------------------------------------------------------


def test_a_message_may_have_one_mebibyte_and_no_more(sqs, queue):
    sqs.send_message(QueueUrl=queue, MessageBody="a" * MIB)
    assert len(receive_one(sqs, queue)["Body"]) == MIB
    with error_code("InvalidParameterValue", "Message must be shorter than 1048576 bytes"):
        sqs.send_message(QueueUrl=queue, MessageBody="a" * (MIB + 1))


@moto_differs("moto counts characters of the body, not bytes of body and attributes")
def test_bytes_of_attributes_count(sqs, new_queue):
    queue = new_queue(MaximumMessageSize="1024")
    attributes = {"name": text("v" * 100)}  # 4 + 6 ("String") + 100 bytes
    sqs.send_message(QueueUrl=queue, MessageBody="é" * 457, MessageAttributes=attributes)
    with error_code("InvalidParameterValue", "Message must be shorter than 1024 bytes"):
        sqs.send_message(QueueUrl=queue, MessageBody="é" * 457 + "a", MessageAttributes=attributes)


@moto_differs("moto takes an empty body")
def test_an_empty_body_is_refused(sqs, queue):
    with error_code("MissingParameter", "MessageBody"):
        sqs.send_message(QueueUrl=queue, MessageBody="")


# --- characters -------------------------------------------------------------------------------------------------------------


@moto_differs("moto takes any character")
@pytest.mark.parametrize("character", ["\x00", "\x08", "\x0b", "\x1f", "\ufffe", "\uffff"])
def test_a_character_outside_of_xml_is_refused(sqs, queue, character):
    with error_code("InvalidMessageContents"):
        sqs.send_message(QueueUrl=queue, MessageBody=f"a{character}b")
    with error_code("InvalidMessageContents"):
        sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={"a": text(f"a{character}b")})


# --- message attributes -----------------------------------------------------------------------------------------------------


def test_a_message_may_have_ten_attributes(sqs, queue):
    attributes = {f"a{i}": text("v") for i in range(10)}
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes=attributes)
    assert receive_one(sqs, queue, MessageAttributeNames=["All"])["MessageAttributes"] == attributes


@moto_differs("moto takes any number of attributes")
def test_eleven_attributes_are_refused(sqs, queue):
    with error_code("InvalidParameterValue", "[11]"):
        sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={f"a{i}": text("v") for i in range(11)})


@moto_differs("moto checks names for a few of the rules only")
@pytest.mark.parametrize("names", [[".a", "a.", "a..b", "AWS.a", "amazon.a", "a b", "ä", "a" * 257]])
def test_a_bad_attribute_name_is_refused(sqs, queue, names):
    for name in names:
        with error_code("InvalidParameterValue", name):
            sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={name: text("v")})


@moto_differs("moto checks types and values for a few of the rules only")
def test_an_attribute_whose_value_does_not_fit_its_type_is_refused(sqs, queue):
    bad = [
        text(""),
        text("v", ""),
        text("v", "Text"),
        text("v", "string"),
        text("v", "String."),
        text("v", "String." + "x" * 256),
        text("v", "Binary"),
        binary(b""),
        binary(b"v", "String"),
        {"DataType": "String"},
        {"DataType": "String", "StringValue": "v", "BinaryValue": b"v"},
        *(text(value, "Number") for value in ("", "one", "1,5", "0x1F", "1e", "1e999", "NaN", "-", ".", "1" * 39)),
    ]
    for attribute in bad:
        with error_code("InvalidParameterValue"):
            sqs.send_message(QueueUrl=queue, MessageBody="m", MessageAttributes={"name": attribute})
    assert counts(sqs, queue) == (0, 0, 0)


@moto_differs("moto takes any system attribute")
def test_no_system_attribute_but_the_trace_header_is_taken(sqs, queue):
    for attributes in ({"SenderId": text("me")}, {"AWSTraceHeader": text("1", "Number")}):
        with error_code("InvalidParameterValue"):
            sqs.send_message(QueueUrl=queue, MessageBody="m", MessageSystemAttributes=attributes)


# --- other parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delay", [pytest.param(-1, marks=moto_differs("moto takes a negative delay")), 901])
def test_a_delay_out_of_range_is_refused(sqs, queue, delay):
    with error_code("InvalidParameterValue", "DelaySeconds"):
        sqs.send_message(QueueUrl=queue, MessageBody="m", DelaySeconds=delay)


def test_a_message_group_is_kept_on_a_standard_queue(sqs, queue):
    group = "tenant-1!#$%&'()*+,-./:;<=>?@[]^_`{|}~"
    sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId=group)
    message = receive_one(sqs, queue, MessageSystemAttributeNames=["MessageGroupId"])
    assert message["Attributes"] == {"MessageGroupId": group}


@moto_differs("moto takes any message group")
@pytest.mark.parametrize("group", ["", "a" * 129, "with space", "ä"])
def test_a_bad_message_group_is_refused(sqs, queue, group):
    with error_code("InvalidParameterValue", "MessageGroupId"):
        sqs.send_message(QueueUrl=queue, MessageBody="m", MessageGroupId=group)


@moto_differs("moto takes a deduplication id on any queue")
def test_a_deduplication_id_is_refused_on_a_standard_queue(sqs, queue):
    with error_code("InvalidParameterValue", "MessageDeduplicationId"):
        sqs.send_message(QueueUrl=queue, MessageBody="m", MessageDeduplicationId="d")


# --- batches ----------------------------------------------------------------------------------------------------------------


def entry(i, **more):
    return {"Id": str(i), "MessageBody": f"body {i}", **more}


def test_a_batch_is_sent_in_order_with_an_answer_for_each(sqs, queue):
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=[entry(i) for i in range(10)])
    assert not answer.get("Failed")
    by_id = {success["Id"]: success for success in answer["Successful"]}
    received = receive_all(sqs, queue, 10)
    assert [message["Body"] for message in received] == [f"body {i}" for i in range(10)]
    for i, message in enumerate(received):
        assert by_id[str(i)]["MessageId"] == message["MessageId"]
        assert by_id[str(i)]["MD5OfMessageBody"] == message["MD5OfBody"]


def test_each_entry_has_its_own_attributes_and_delay(sqs, queue):
    attributes = {"a": text("v")}
    entries = [entry(0, MessageAttributes=attributes), entry(1, DelaySeconds=900), entry(2)]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    by_id = {success["Id"]: success for success in answer["Successful"]}
    assert by_id["0"]["MD5OfMessageAttributes"] == md5_of_attributes(attributes)
    assert "MD5OfMessageAttributes" not in by_id["2"]
    assert counts(sqs, queue) == (2, 0, 1)


@moto_differs("moto sends the whole batch, or refuses it whole")
def test_a_bad_entry_fails_alone(sqs, new_queue):
    queue = new_queue(MaximumMessageSize="1024")
    entries = [
        entry("good"),
        entry("delay", DelaySeconds=901),
        entry("character") | {"MessageBody": "\x00"},
        entry("large") | {"MessageBody": "a" * 1025},
        entry("attribute", MessageAttributes={"a": text("x", "Number")}),
    ]
    answer = sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert [success["Id"] for success in answer["Successful"]] == ["good"]
    failed = {failure["Id"]: (failure["Code"], failure["SenderFault"]) for failure in answer["Failed"]}
    assert failed == {
        "delay": ("InvalidParameterValue", True),
        "character": ("InvalidMessageContents", True),
        "large": ("InvalidParameterValue", True),
        "attribute": ("InvalidParameterValue", True),
    }
    assert counts(sqs, queue) == (1, 0, 0)


def test_a_batch_that_breaks_the_rules_is_refused_whole(sqs, queue):
    cases = [
        ("EmptyBatchRequest", []),
        ("TooManyEntriesInBatchRequest", [entry(i) for i in range(11)]),
        ("BatchEntryIdsNotDistinct", [entry(1), entry(1)]),
        ("InvalidBatchEntryId", [entry("a b")]),
        ("InvalidBatchEntryId", [entry("a" * 81)]),
        ("BatchRequestTooLong", [{"Id": str(i), "MessageBody": "a" * (MIB // 2 + 1)} for i in range(2)]),
    ]
    for name, entries in cases:
        with pytest.raises(getattr(sqs.exceptions, name)):
            sqs.send_message_batch(QueueUrl=queue, Entries=entries)
    assert counts(sqs, queue) == (0, 0, 0)


@moto_differs("moto counts the bodies only")
def test_a_batch_may_have_one_mebibyte_attributes_included(sqs, queue):
    attributes = {"name": text("v" * 90)}  # 100 bytes
    entries = [
        {"Id": "0", "MessageBody": "a" * (MIB // 2)},
        {"Id": "1", "MessageBody": "a" * (MIB // 2 - 100), "MessageAttributes": attributes},
    ]
    assert len(sqs.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 2
    entries[0]["MessageBody"] += "a"
    with error_code("AWS.SimpleQueueService.BatchRequestTooLong", str(MIB + 1)):
        sqs.send_message_batch(QueueUrl=queue, Entries=entries)


def test_a_queue_with_a_delay_delays_what_says_nothing_else(sqs, new_queue):
    queue = new_queue(DelaySeconds="900")
    sqs.send_message(QueueUrl=queue, MessageBody="queue's")
    sqs.send_message(QueueUrl=queue, MessageBody="own", DelaySeconds=0)
    assert receive_one(sqs, queue)["Body"] == "own"
    assert counts(sqs, queue) == (0, 1, 1)
    assert attributes_of(sqs, queue, "DelaySeconds") == {"DelaySeconds": "900"}
