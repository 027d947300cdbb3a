#!/usr/bin/env python3
"""Makes the first corpus of every fuzz target, from the golden files of the wire contract and the cases kept in cases/.

usage: seeds.py FOLDER    writes FOLDER/<target>/<file>, and leaves what is there
"""

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


def seeds():
    pointer = next(pointers())
    requests = [message(case) for case in json.loads((GOLDEN / "requests.json").read_text())]
    in_s3 = requests[0].partition("\n\n")[0].replace("Digest String *", "ExtendedPayloadSize Number 2000000")
    return {
        "request": [*requests, f"{in_s3}\n\n{pointer}"],
        "reply": [message(case) for case in json.loads((GOLDEN / "replies.json").read_text())],
        "pointer": list(pointers()),
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
            (folder / f"golden-{index:03}").write_bytes(text.encode())
        for case in (HERE / "cases" / target).glob("*"):
            shutil.copyfile(case, folder / case.name)


if __name__ == "__main__":
    main()
