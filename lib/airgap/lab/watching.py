"""What becomes of packets, as the kernel itself says it: the log statements of every space's filters, by netlink.

Source: Linux, ``include/uapi/linux/netfilter/nfnetlink_log.h``.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from airgap.lab import packets
from airgap.lab.kernel import inside
from airgap.lab.space import GROUP

NETFILTER, ULOG = 12, 4
_PACKET, _CONFIG = ULOG << 8, (ULOG << 8) | 1
_BIND, _MODE, _BUFFER, _FLUSH = 1, 2, 3, 5
_PAYLOAD, _PREFIX = 9, 10
COPIED = 160
"""Bytes of each packet that are handed over: both headers and the mark."""
_HEAD = 16


@dataclass(frozen=True)
class Seen:
    """One statement: the space, the three words of the verdict, and which packet of ours it was about."""

    space: str
    outcome: str
    reason: str
    at: str
    number: int
    protocol: int
    kind: int


class Watch:
    """Listens in every space of a lab; a context."""

    def __init__(self, prefix: str, spaces: Iterable[str]) -> None:
        self._sockets: dict[int, tuple[str, socket.socket]] = {}
        self._poll = select.poll()
        for name in spaces:
            with inside(prefix + name):
                self._listen(name)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error: object) -> None:
        for _, one in self._sockets.values():
            one.close()

    def _listen(self, name: str) -> None:
        one = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        one.bind((0, 0))
        settings: tuple[tuple[int, bytes], ...] = (
            (_BIND, b"\x01"),
            (_MODE, struct.pack("!IBB", COPIED, 2, 0)),
            (_FLUSH, struct.pack("!I", 1)),
        )
        for kind, body in settings:
            one.send(_config(kind, body))
            answer = one.recv(4096)
            code = struct.unpack_from("=i", answer, _HEAD)[0]
            if code:
                one.close()
                raise OSError(-code, f"the log of {name} cannot be listened to")
        one.setblocking(False)
        self._sockets[one.fileno()] = (name, one)
        self._poll.register(one, select.POLLIN)

    def read(self, quiet: float = 0.1, limit: float = 5.0) -> Iterator[Seen]:
        """Yield what is said, until nothing more has been for ``quiet`` seconds."""
        end = time.monotonic() + limit
        while time.monotonic() < end:
            ready = self._poll.poll(quiet * 1000)
            if not ready:
                return
            for number, _ in ready:
                name, one = self._sockets[number]
                yield from _statements(name, one.recv(1 << 16))


def _config(kind: int, body: bytes) -> bytes:
    attribute = struct.pack("=HH", 4 + len(body), kind) + body
    attribute += b"\0" * (-len(attribute) % 4)
    head = struct.pack("=BBH", 0, 0, socket.htons(GROUP))
    # Request and acknowledge: whatever the kernel refuses is heard at once.
    return struct.pack("=IHHII", _HEAD + len(head) + len(attribute), _CONFIG, 5, 0, 0) + head + attribute


def _statements(name: str, data: bytes) -> Iterator[Seen]:
    at = 0
    while at + _HEAD <= len(data):
        length, kind = struct.unpack_from("=IH", data, at)
        if kind == _PACKET:
            held = dict(_attributes(data[at + _HEAD + 4 : at + length]))
            ours = packets.read(held.get(_PAYLOAD, b""))
            words = held.get(_PREFIX, b"").rstrip(b"\0").decode().split("|")
            if ours and len(words) == 3:
                yield Seen(name, words[0], words[1], words[2], *ours)
        at += max(length + (-length % 4), _HEAD)


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, data[at + 4 : at + length]
        at += max(length + (-length % 4), 4)
