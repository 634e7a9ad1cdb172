"""Names on the wire: one question read, one answer written (RFC 1035)."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Sequence

CODES = {"NOERROR": 0, "NXDOMAIN": 3, "REFUSED": 5}
KINDS = {1: "A", 28: "AAAA"}


def question(data: bytes) -> tuple[str, str, int]:
    """Return (name, type, where the question ends); raises ``ValueError`` where it is none."""
    at, labels = 12, []
    while at < len(data) and data[at]:
        size = data[at]
        if size > 63 or at + 1 + size > len(data):
            raise ValueError("a name that is none")
        labels.append(data[at + 1 : at + 1 + size].decode("ascii", "replace"))
        at += 1 + size
    if at + 5 > len(data):
        raise ValueError("a question that ends early")
    (kind,) = struct.unpack("!H", data[at + 1 : at + 3])
    return ".".join(labels), KINDS.get(kind, str(kind)), at + 5


def answered(data: bytes, end: int, code: str, addresses: Sequence[str]) -> bytes:
    """Return the answer to a question that ends at ``end``."""
    head = data[:2] + struct.pack("!HHHHH", 0x8180 | CODES[code], 1, len(addresses), 0, 0)
    records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 1, 4) + ipaddress.IPv4Address(one).packed
                       for one in addresses)  # fmt: skip
    return head + data[12:end] + records
