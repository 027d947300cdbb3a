#!/usr/bin/env python3
"""Makes the first corpus of every fuzz target, from the golden files of the wire contract and the cases kept in cases/.

usage: seeds.py FOLDER    writes FOLDER/<target>/<file>, and leaves what is there
"""

import base64
import gzip
import hashlib
import json
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "proto" / "wire" / "v1"
KEY = "payloads/0197a1c2-d3e4-7f56-8123-456789abcdef"
CLASS = "software.amazon.payloadoffloading.PayloadS3Pointer"


def message(case):
    """The text of a message, as src/lib.rs reads it."""
    body = case["message"]["body"]
    lines = []
    for name, attribute in case["message"]["attributes"].items():
        value = attribute.get("StringValue", attribute.get("BinaryValue"))
        if value == hashlib.sha256(body.encode()).hexdigest():
            value = "*"
        lines.append(f"{name} {attribute['DataType']} {value}")
    if "MessageGroupId" in case["message"]:
        lines.append(f"@MessageGroupId {case['message']['MessageGroupId']}")
    lines += ["@SentTimestamp 1750765589480", "@ApproximateFirstReceiveTimestamp 1750765589483"]
    lines.append("@ApproximateReceiveCount 1")
    return "\n".join(lines) + "\n\n" + body


def pointers():
    pointer = [CLASS, {"s3BucketName": "compute-logs", "s3Key": KEY}]
    yield json.dumps(pointer)
    yield json.dumps(pointer, separators=(",", ":"))
    yield json.dumps([CLASS, {"s3BucketName": "elsewhere", "s3Key": KEY}])
    yield json.dumps([CLASS, {"s3BucketName": "compute-logs", "s3Key": "operations/x"}])


def payloads():
    """Serialized requests in pieces of several sizes, and with several limits, as fuzz_targets/payload.rs reads them."""
    for case in golden("payloads"):
        if case["payload"] is None:
            continue
        payload = base64.b64decode(case["payload"])
        for sizes in ([], [0], [2, 6], [30, 0, 200]):
            for limit in (3, 255):
                yield bytes([len(sizes), *sizes, limit]) + payload


def logs():
    """What fuzz_targets/log.rs reads, with keys and contents of batches and of records."""
    batches, records = golden("batches"), golden("records")
    for case in batches + records:
        record_id = case["decodes_to"][0] if case in batches else case["decodes_to"]["id"]
        tenant = case["key"].split("/")[1].removeprefix("tenant=")
        token = {"version": 1, "before": record_id, "day": "2025-06-24"}
        if tenant != "-":
            token["tenant"] = tenant
        head = [json.dumps(token), tenant, "2025-06-24", f"operations/{record_id}", case["key"]]
        yield "\n".join(head) + "\n\n" + case["content"].removesuffix("\n") + "\n"
    for case in batches:
        yield base64.b64decode(case["object"])
    yield gzip.compress(b"{}\n", mtime=0)


def token_files():
    """Files of tokens, good ones and bad ones. fuzz_targets/tokens.rs knows the first token."""
    one, two = (hashlib.sha256(token).hexdigest() for token in (b"secret", b"other"))
    yield f"# callers\n\n{one} acme rate=10/s in-flight=5 # until June\n  {two.upper()}\tzeta\n"
    yield f"{one} acme rate=10/s\n{two} acme rate=10/s\n"
    yield f"{one} acme\n{one} acme\n{two} acme in-flight=1\n"
    yield f"{one} -\nsecret acme\n{two}\n{two} acme rate=0/s\n"


def streams():
    """Messages of a stream: those of the payloads, which have the same fields, and one in unusual spellings."""
    yield from (base64.b64decode(case["payload"]) for case in golden("payloads") if case["payload"] is not None)
    yield b"\x08\x00\x0a\x00\x0a\x03\x02\x80\x01\x0a\x0e\x80\x00\x82\x80\x80\x80\x80\x80\x80\x80\x80\x00\x80\x01"


def golden(name):
    return json.loads((GOLDEN / f"{name}.json").read_text())


def seeds():
    requests = [message(case) for case in golden("requests") + golden("payloads")]
    return {
        "request": requests,
        "reply": [message(case) for case in golden("replies")],
        "pointer": list(pointers()),
        "payload": list(payloads()),
        "log": list(logs()),
        "tokens": list(token_files()),
        "stream": list(streams()),
        "headers": [
            f"{timeout}\n00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
            for timeout in ("99999999H", "2M", "1S", "00001500m", "250u", "7n")
        ],
    }


def main():
    corpus = Path(sys.argv[1])
    for target, texts in seeds().items():
        folder = corpus / target
        folder.mkdir(parents=True, exist_ok=True)
        for index, text in enumerate(texts):
            content = text if isinstance(text, bytes) else text.encode()
            (folder / f"golden-{index:03}").write_bytes(content)
        for case in (HERE / "cases" / target).glob("*"):
            shutil.copyfile(case, folder / case.name)


if __name__ == "__main__":
    main()
