"""Tries a list of probes from where it runs, and prints what became of each: Python 3.9 and nothing else.

A probe is ``{"name", "kind", "to", "port", ...}``, its kind one of ``KINDS``. What comes of it is one of
``answered`` (something came back), ``unreachable`` (an error from the network), ``dropped`` (nothing came back),
``refused`` (turned away: a reset, an alert, 403, or a resolver that says no), ``broken`` (it could not be tried).
Every name is asked of the resolver that is given, else of the host's own.
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
from collections.abc import Mapping
from typing import Any

from airgap.probes import secure, web
from airgap.probes.names import WAIT, Unresolved, connect, lookup, numeric, resolver
from airgap.probes.secure import turned_away

UNREACHABLE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL)


def dns(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Ask the resolver, or the server of ``to``, for a name."""
    code, found = lookup(probe.get("to") or resolver(given), probe["ask"], WAIT)
    if code or not found:
        return "refused", {0: "no address", 2: "SERVFAIL", 3: "NXDOMAIN", 5: "REFUSED"}.get(code, str(code))
    return "answered", ", ".join(found)


def tcp(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Open a connection; names are asked of the resolver first, and every address is tried until one answers."""
    with connect(probe, given) as one:
        return "answered", str(one.getpeername()[0])


def icmp(probe: Mapping[str, Any], given: str | None, _: Mapping[str, str]) -> tuple[str, str]:
    """Send one echo request."""
    family = numeric(probe["to"])
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


def told(error: OSError) -> tuple[str, str]:
    """Return the outcome that an error stands for."""
    if isinstance(error, socket.timeout) or error.errno in (errno.ETIMEDOUT, errno.EAGAIN):
        return "dropped", f"no answer in {WAIT:.0f} s"
    if isinstance(error, Unresolved):
        return "refused", str(error.strerror)
    if (said := turned_away(error)) is not None:
        return said
    if error.errno in UNREACHABLE:
        return "unreachable", os.strerror(error.errno)
    if error.errno in (errno.ECONNREFUSED, errno.ECONNRESET):
        return "refused", os.strerror(error.errno)
    return "broken", str(error)


KINDS = {"tcp": tcp, "udp": dns, "dns": dns, "icmp": icmp, **secure.KINDS, **web.KINDS}


def attempt(
    probe: Mapping[str, Any], given: str | None, authorities: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return what became of one probe; ``authorities`` are certificates in PEM, by the names that probes call them."""
    began = time.time()
    try:
        outcome, detail = KINDS[probe["kind"]](probe, given, authorities or {})
    except OSError as error:
        outcome, detail = told(error)
    except (IndexError, struct.error) as error:
        outcome, detail = "broken", f"an answer that makes no sense: {error}"
    return dict(probe, outcome=outcome, detail=detail, milliseconds=int((time.time() - began) * 1000))


def main(asked: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Try every probe at once, and return what became of each, in their order."""
    found: dict[int, dict[str, Any]] = {}

    def one(at: int, probe: Mapping[str, Any]) -> None:
        found[at] = attempt(probe, asked.get("resolver"), asked.get("authorities"))

    threads = [threading.Thread(target=one, args=each) for each in enumerate(asked["probes"])]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return [found[at] for at in sorted(found)]


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
