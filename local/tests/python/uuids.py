"""UUIDs of version 7 (RFC 9562), which Python's own library has from 3.14 on."""

import os
import time
import uuid


def uuid7():
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    number = milliseconds << 80 | random
    number = number & ~(0xF << 76) | 0x7 << 76
    number = number & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=number)
