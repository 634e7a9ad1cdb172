"""Packets that are told apart wherever they are seen: each carries a mark and a number behind its own header.

Sources: RFC 791, RFC 8200 (headers), RFC 768, RFC 9293, RFC 792, RFC 4443 (what follows).
"""

from __future__ import annotations

import struct

from airgap.egress.rules import ICMP, ICMP6, TCP, UDP, Packet

MARK = b"airgap-probe"
HEADERS = {TCP: 20, UDP: 8, ICMP: 8, ICMP6: 8}
FIRST_PORT = 20_000
"""Source ports begin here; a probe's number picks its own, so that no two are one flow."""


def build(packet: Packet, number: int) -> bytes:
    """Return a packet as it goes out: a first TCP segment, a datagram, an ICMP message, or a bare mark."""
    mark = MARK + struct.pack("!I", number)
    port, own = packet.port or 0, FIRST_PORT + number % 40_000
    if packet.protocol == TCP:
        body = struct.pack("!HHIIBBHHH", own, port, number, 0, 5 << 4, 0x02, 8192, 0, 0) + mark
    elif packet.protocol == UDP:
        body = struct.pack("!HHHH", own, port, 8 + len(mark), 0) + mark
    elif packet.protocol in (ICMP, ICMP6):
        body = struct.pack("!BBHHH", port >> 8, port & 255, 0, own, number & 0xFFFF) + mark
    else:
        body = mark
    return _headed(packet, _summed(packet, body))


def _headed(packet: Packet, body: bytes) -> bytes:
    source, destination = packet.source.packed, packet.destination.packed
    if packet.version == 6:
        return struct.pack("!IHBB", 6 << 28, len(body), packet.protocol, 64) + source + destination + body
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, packet.protocol, 0) + source + destination
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def _summed(packet: Packet, body: bytes) -> bytes:
    """Set the checksum of a header; ICMP for IPv4 has none over addresses."""
    at = {TCP: 16, UDP: 6, ICMP: 2, ICMP6: 2}.get(packet.protocol)
    if at is None:
        return body
    pseudo = packet.source.packed + packet.destination.packed + struct.pack("!II", len(body), packet.protocol)
    total = checksum((b"" if packet.protocol == ICMP else pseudo) + body) or 0xFFFF
    return body[:at] + struct.pack("!H", total) + body[at + 2 :]


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def read(data: bytes) -> tuple[int, int, int] | None:
    """Return (number, protocol, ICMP type or 0) of a packet of ours, None of any other.

    Errors and answers that quote one of ours are others: the mark must stand right behind the header.
    """
    if len(data) < 20:
        return None
    version = data[0] >> 4
    start, protocol = ((data[0] & 15) * 4, data[9]) if version == 4 else (40, data[6])
    at = start + HEADERS.get(protocol, 0)
    if data[at : at + len(MARK)] != MARK or len(data) < at + len(MARK) + 4:
        return None
    kind = data[start] if protocol in (ICMP, ICMP6) else 0
    return int.from_bytes(data[at + len(MARK) : at + len(MARK) + 4], "big"), protocol, kind
