"""Tries a list of probes from where it runs, and prints what became of each: one file, Python 3.9, nothing else.

A probe is ``{"name", "kind": tcp|udp|icmp|dns|metadata, "to", "port", "ask"}``. What comes of it is one of
``answered`` (something came back), ``unreachable`` (an error from the network), ``dropped`` (nothing came back),
``refused`` (turned away: a reset, or a resolver that says no), ``broken`` (it could not be tried). Every name is
asked of the resolver that is given, else of the host's own.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

WAIT = 2.0
UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)


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


def _numeric(text: str) -> int | None:
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, text)
            return family
        except OSError:
            pass
    return None


def dns(probe: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """Ask the resolver, or the server of ``to``, for a name."""
    code, found = lookup(probe.get("to") or resolver(given), probe["ask"], WAIT)
    if code or not found:
        return "refused", {0: "no address", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(code, str(code))
    return "answered", ", ".join(found)


def tcp(probe: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """Open a connection; names are asked of the resolver first, and every address is tried until one answers."""
    there = [probe["to"]]
    if _numeric(probe["to"]) is None:
        code, there = lookup(resolver(given), probe["to"], WAIT)
        if not there:
            return "refused", f"its name was not resolved (code {code})"
    end = ("dropped", "")
    for one in there:
        with socket.socket(_numeric(one) or socket.AF_INET, socket.SOCK_STREAM) as asked:
            asked.settimeout(WAIT)
            try:
                asked.connect((one, probe["port"]))
                return "answered", one
            except OSError as error:
                end = told(error)
    return end


def icmp(probe: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """Send one echo request."""
    family = _numeric(probe["to"])
    protocol, kind = (socket.IPPROTO_ICMP, 8) if family == socket.AF_INET else (58, 128)
    with socket.socket(family or socket.AF_INET, socket.SOCK_RAW, protocol) as one:
        one.settimeout(WAIT)
        number = os.urandom(2)
        body = b"\0\x01airgap"
        head = bytes([kind, 0])
        one.sendto(head + _sum(head + b"\0\0" + number + body) + number + body, (probe["to"], 0))
        end = time.time() + WAIT
        while time.time() < end:
            data, sender = one.recvfrom(512)
            start = (data[0] & 15) * 4 if family == socket.AF_INET else 0
            if data[start] == 3:
                return "unreachable", f"ICMP from {sender[0]}"
            if data[start + 4 : start + 6] == number and data[start] != kind:
                return "answered", sender[0]
    return "dropped", ""


def _sum(data: bytes) -> bytes:
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return struct.pack("!H", ~total & 0xFFFF)


def metadata(probe: Mapping[str, Any], given: str | None) -> tuple[str, str]:
    """Ask the instance metadata service for a session token, the first step of its second version."""
    with socket.create_connection((probe["to"], probe["port"]), WAIT) as one:
        one.sendall(b"PUT /latest/api/token HTTP/1.0\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n")
        line = one.recv(256).split(b"\r\n")[0].decode("latin-1")
    return ("answered" if " 200" in line else "refused"), line


def told(error: OSError) -> tuple[str, str]:
    """Return the outcome that an error stands for."""
    if isinstance(error, socket.timeout) or error.errno in (errno.ETIMEDOUT, errno.EAGAIN):
        return "dropped", f"no answer in {WAIT:.0f} s"
    if error.errno in UNREACHABLE:
        return "unreachable", os.strerror(error.errno)
    if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
        return "refused", os.strerror(error.errno)
    return "broken", str(error)


KINDS = {"tcp": tcp, "udp": dns, "dns": dns, "icmp": icmp, "metadata": metadata}


def attempt(probe: Mapping[str, Any], given: str | None) -> dict[str, Any]:
    """Return what became of one probe."""
    began = time.time()
    try:
        outcome, detail = KINDS[probe["kind"]](probe, given)
    except OSError as error:
        outcome, detail = told(error)
    except (IndexError, struct.error) as error:
        outcome, detail = "broken", f"an answer that makes no sense: {error}"
    return dict(probe, outcome=outcome, detail=detail, milliseconds=int((time.time() - began) * 1000))


def main(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Try every probe at once, and return what became of each, in their order."""
    found: dict[int, dict[str, Any]] = {}

    def one(at: int, probe: Mapping[str, Any]) -> None:
        found[at] = attempt(probe, asked.get("resolver"))

    threads = [threading.Thread(target=one, args=each) for each in enumerate(asked["probes"])]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return [found[at] for at in sorted(found)]


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
