"""Names asked of a resolver, and connections opened to what they mean (RFC 1035, section 4.1)."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

WAIT = 2.0
"""Seconds for each answer."""


class Unresolved(OSError):
    """A name that the resolver gave no address for; it is no failure of the network's."""


def resolver(given: str | None) -> str:
    """Return the address of the resolver: the given one, else the first that the host names."""
    if given:
        return given
    with open("/etc/resolv.conf") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["nameserver"]:
                return words[1]
    raise OSError(errno.ENOENT, "the host names no resolver")


def lookup(server: str, name: str, wait: float) -> tuple[int, list[str]]:
    """Ask a server for the IPv4 addresses of a name; return (code, addresses)."""
    labels = b"".join(bytes([len(one)]) + one.encode() for one in name.rstrip(".").split("."))
    number = os.urandom(2)
    asked = number + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.settimeout(wait)
        one.connect((server, 53))
        one.send(asked)
        while True:
            data = one.recv(4096)
            if data[:2] == number:
                break
    return data[3] & 15, list(_records(data, len(asked)))


def _records(data: bytes, at: int) -> Iterator[str]:
    """Yield the IPv4 addresses of an answer whose question ends at ``at``."""
    for _ in range(struct.unpack("!H", data[6:8])[0]):
        while data[at] and data[at] < 192:
            at += 1 + data[at]
        at += 2 if data[at] >= 192 else 1
        kind, _, _, size = struct.unpack("!HHIH", data[at : at + 10])
        if kind == 1:
            yield socket.inet_ntoa(data[at + 10 : at + 14])
        at += 10 + size


def numeric(text: str) -> int | None:
    """Return the family of an address, None of a name."""
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
            return family
        except OSError:
            pass
    return None


def connect(probe: Mapping[str, Any], given: str | None) -> socket.socket:
    """Return a connection to ``to`` and ``port``; every address of a name is tried until one answers.

    Raises ``Unresolved`` where the name has no address, and what the last address came to where none answers.
    """
    there = [probe["to"]]
    if numeric(probe["to"]) is None:
        code, there = lookup(resolver(given), probe["to"], WAIT)
        if not there:
            raise Unresolved(errno.ENOENT, f"its name was not resolved (code {code})")
    last: OSError | None = None
    for one in there:
        asked = socket.socket(numeric(one) or socket.AF_INET, socket.SOCK_STREAM)
        asked.settimeout(WAIT)
        try:
            asked.connect((one, probe["port"]))
            return asked
        except OSError as error:
            asked.close()
            last = error
    raise last or Unresolved(errno.ENOENT, "it has no address")
