"""Payloads in S3, `proto/wire/v1/README.md`, in nothing but Python's standard library: pointers, and serialized requests."""

import hashlib
import json
import re
import struct

import wire
from wire import Refused, attribute, digest, whole

CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"
KEY = re.compile(r"payloads/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PROTOBUF = "application/x-protobuf"

# Values of a run.
RUN = 65_536
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
DATA_LOSS = 15


def pointer(bucket, key):
    """The body of a message whose payload is that object."""
    return wire.write([CLASS, {"s3BucketName": bucket, "s3Key": key}])


def read_pointer(body, bucket):
    """The key of the payload that the body of a message points to, in that bucket."""
    try:
        name, location = json.loads(body)
        found, key = location["s3BucketName"], location["s3Key"]
    except (ValueError, TypeError, KeyError) as error:
        raise Refused from error
    if name != CLASS or found != bucket or not KEY.fullmatch(key):
        raise Refused
    return key


def read_payload(message, bucket, fetch):
    """The request of a message whose payload is in S3; `fetch` gets the bytes of an object, None if there is none."""
    payload = fetch(read_pointer(message["body"], bucket))
    media_type = attribute(message, "ContentType", "String") or "application/json"
    if payload is None:
        raise Refused(DATA_LOSS)
    if media_type not in ("application/json", PROTOBUF) or len(payload) != whole(message, "ExtendedPayloadSize"):
        raise Refused
    given = attribute(message, "Digest", "String")
    # Who leaves the digest out leaves it to readers to take that of the pointer, which says nothing of the payload.
    if given not in (None, digest(message["body"]), hashlib.sha256(payload).hexdigest()):
        raise Refused
    if media_type == PROTOBUF:
        return wire.checked(parse_request(payload), most_values=100_000_000)
    return wire.read_request(payload.decode())


# Serialized requests


def parse_request(payload):
    request = {"values": [], "quantiles": [], "bins": None, "finish_late": False}
    for field, kind, value in fields(payload):
        if field == 1 and kind in (VARINT, BYTES):
            values = varints(value) if kind == BYTES else [value]
            request["values"] += [value >> 1 ^ -(value & 1) for value in values]
        elif field == 2 and kind in (FIXED64, BYTES):
            if len(value) % 8:
                raise Refused
            request["quantiles"] += struct.unpack(f"<{len(value) // 8}d", value)
        elif field == 3 and kind == BYTES:
            request["bins"] = request["bins"] or 0
            for inner, inner_kind, bins in fields(value):
                if (inner, inner_kind) == (1, VARINT):
                    request["bins"] = bins & 0xFFFFFFFF
        elif field == 4 and kind == VARINT:
            request["finish_late"] = bool(value)
    return request


def fields(message):
    """Number, wire type and value of each field."""
    at = 0
    while at < len(message):
        tag, at = varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = varint(message, at)
        elif kind in (FIXED64, BYTES, FIXED32):
            size = {FIXED64: 8, FIXED32: 4}.get(kind)
            if size is None:
                size, at = varint(message, at)
            value, at = message[at : at + size], at + size
            if len(value) != size:
                raise Refused
        else:
            raise Refused  # Groups: protobuf has given them up.
        yield tag >> 3, kind, value


def varints(packed):
    at = 0
    while at < len(packed):
        value, at = varint(packed, at)
        yield value


def varint(message, at):
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(message):
            break
        value |= (message[at] & 0x7F) << shift
        at += 1
        if message[at - 1] < 0x80:
            return value & (2**64 - 1), at
    raise Refused


def serialize(request):
    """The one form of a request, on which its digest depends: what to compute, in the order of the fields; then the values."""
    written = b""
    if request["quantiles"]:
        written += length_delimited(2, struct.pack(f"<{len(request['quantiles'])}d", *request["quantiles"]))
    if request["bins"] is not None:
        written += length_delimited(3, b"\x08" + write_varint(request["bins"]) if request["bins"] else b"")
    if request["finish_late"]:
        written += b"\x20\x01"
    for start in range(0, len(request["values"]), RUN):
        run = request["values"][start : start + RUN]
        written += length_delimited(1, b"".join(write_varint((value << 1 ^ value >> 63) & (2**64 - 1)) for value in run))
    return written


def length_delimited(field, content):
    return write_varint(field << 3 | BYTES) + write_varint(len(content)) + content


def write_varint(value):
    written = b""
    while value > 0x7F:
        written += bytes([value & 0x7F | 0x80])
        value >>= 7
    return written + bytes([value])
