"""What answers inside a lab, in one process: resolvers, AWS's services behind the endpoints, and the internet.

The internet answers everything that reaches it, so that a probe that is refused was refused on its way.
Run as ``python -m airgap.lab.serve FILE``; it ends when it is told to (SIGTERM).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import ssl
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from airgap.lab import doors, names, wire
from airgap.lab.kernel import inside

PKTINFO = getattr(socket, "IP_PKTINFO", 8)
Answer = Callable[[bytes, str], bytes]


async def _main(plan: dict[str, Any]) -> None:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    servers = []
    for one in plan["listens"]:
        with inside(plan["prefix"] + one["space"]):
            if one["kind"] == "udp":
                _datagrams(loop, _socket(socket.SOCK_DGRAM, one["port"]), _resolver(plan["names"], one.get("vpc", "")))
            else:
                greeting, secure = _greeting(one, plan)
                bound = _socket(socket.SOCK_STREAM, one["port"])
                servers.append(await asyncio.start_server(doors.closing(greeting), sock=bound, ssl=secure))
    Path(plan["ready"]).write_text("ready\n")
    await stop.wait()
    for server in servers:
        server.close()


def _greeting(one: dict[str, Any], plan: dict[str, Any]) -> tuple[doors.Greeting, ssl.SSLContext | None]:
    """Return what answers at a listener, and with which certificate."""
    if one["kind"] == "metadata":
        return doors.metadata(one["options"]), None
    if one["kind"] == "bucket":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(plan["certificate"])
        return doors.bucket(one["policy"], plan["partition"]), context
    return _greet, None


def _socket(kind: int, port: int) -> socket.socket:
    """Return a bound socket for both families; it takes packets for every address of its space."""
    one = socket.socket(socket.AF_INET6 if kind == socket.SOCK_STREAM else socket.AF_INET, kind)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_STREAM:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        one.bind(("::", port))
        one.listen(64)
    else:
        one.setsockopt(socket.IPPROTO_IP, PKTINFO, 1)
        one.bind(("0.0.0.0", port))
    one.setblocking(False)
    return one


async def _greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say where a connection came to; what is asked is not read."""
    here, *_ = writer.get_extra_info("sockname")
    writer.write(f"airgap lab {here.removeprefix('::ffff:')}\n".encode())
    await writer.drain()


def _datagrams(loop: asyncio.AbstractEventLoop, one: socket.socket, answer: Answer) -> None:
    def ready() -> None:
        data, told, _, sender = one.recvmsg(4096, socket.CMSG_SPACE(12))
        with contextlib.suppress(ValueError, OSError):
            body = answer(data, sender[0])
            here = told[0][2][8:12] if told else b"\0" * 4
            # The answer comes from the address that was asked, which may be any.
            back = [(socket.IPPROTO_IP, PKTINFO, struct.pack("=i4s4s", 0, here, b"\0" * 4))]
            one.sendmsg([body], back, 0, sender)

    loop.add_reader(one, ready)


def _resolver(data: dict[str, Any], vpc: str) -> Answer:
    """Return what answers names: a VPC's resolver, or the world's, which knows every name."""

    def answer(asked: bytes, sender: str) -> bytes:
        name, kind, end = wire.question(asked)
        if vpc:
            return wire.answered(asked, end, *names.answer(data, vpc, name, kind))
        return wire.answered(asked, end, "NOERROR", [data["otherwise"]] if kind == "A" else [])

    return answer


if __name__ == "__main__":
    asyncio.run(_main(json.loads(Path(sys.argv[1]).read_text())))
