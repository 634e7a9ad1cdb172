"""Packets that are told apart, and what is sent to hosts: read back, and never confused with answers."""

from __future__ import annotations

import ipaddress
import json
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from airgap.egress.rules import ICMP, ICMP6, TCP, UDP, Packet
from airgap.lab import wire
from airgap.lab.packets import MARK, build, checksum, read
from airgap.probes import asker, names, script

FOUR, SIX = ("10.0.0.1", "8.8.8.8"), ("2001:db8::1", "2600::1")


@pytest.mark.parametrize("ends", [FOUR, SIX])
@pytest.mark.parametrize(("protocol", "port"), [(TCP, 443), (UDP, 53), (ICMP, 2048), (ICMP6, 128 * 256), (50, 0)])
def test_a_packet_is_read_back(ends: tuple[str, str], protocol: int, port: int) -> None:
    packet = Packet(ipaddress.ip_address(ends[0]), ipaddress.ip_address(ends[1]), protocol, port)
    kind = port // 256 if protocol in (ICMP, ICMP6) else 0
    assert read(build(packet, 70_000)) == (70_000, protocol, kind)


def test_checksums_are_those_of_the_rfcs() -> None:
    packet = Packet(ipaddress.ip_address(FOUR[0]), ipaddress.ip_address(FOUR[1]), UDP, 53)
    data = build(packet, 7)
    assert checksum(data[:20]) == 0
    pseudo = data[12:20] + struct.pack("!II", len(data) - 20, UDP)
    assert checksum(pseudo + data[20:]) == 0
    assert checksum(b"\x00\x01\xf2\x03\xf4\xf5\xf6\xf7") == 0x220D, "RFC 1071, section 3"


def test_an_error_that_quotes_a_packet_is_another_one() -> None:
    packet = Packet(ipaddress.ip_address(FOUR[0]), ipaddress.ip_address(FOUR[1]), UDP, 53)
    quoted = build(packet, 7)
    error = quoted[:9] + bytes([ICMP]) + quoted[10:20] + b"\x03\x00" + b"\0" * 6 + quoted
    assert MARK in error
    assert read(error) is None


def test_what_is_no_packet_is_none() -> None:
    assert read(b"") is None
    assert read(b"\x45" + b"\0" * 30) is None


@pytest.fixture
def resolver() -> Iterator[int]:
    """A server of names on loopback that knows one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))

        def serve() -> None:
            for _ in range(2):
                data, sender = one.recvfrom(512)
                name, _, end = wire.question(data)
                known = ("NOERROR", ["192.0.2.1", "192.0.2.2"]) if name == "known.test" else ("NXDOMAIN", [])
                one.sendto(wire.answered(data, end, *known), sender)

        thread = threading.Thread(target=serve)
        thread.start()
        yield one.getsockname()[1]
        thread.join()


def test_names_are_asked_and_answered(resolver: int, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda own, to: connect(own, (to[0], resolver)))
    assert names.lookup("127.0.0.1", "known.test", 2.0) == (0, ["192.0.2.1", "192.0.2.2"])
    assert asker.dns({"ask": "other.test", "to": "127.0.0.1"}, None, {}) == ("refused", "NXDOMAIN")


@pytest.mark.parametrize("data", [b"", b"\0" * 12, b"\0" * 12 + b"\x07abc", b"\0" * 12 + b"\xff" * 40])
def test_a_question_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="a (name|question)"):
        wire.question(data)


def test_what_is_sent_to_a_host_runs_by_itself() -> None:
    """One program on standard input of any Python: nothing of ours is there to import."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        port = one.getsockname()[1]
        probes = [{"name": "open", "kind": "tcp", "to": "127.0.0.1", "port": port},
                  {"name": "closed", "kind": "tcp", "to": "127.0.0.1", "port": 1},
                  {"name": "nowhere", "kind": "tcp", "to": "no-such-name.test", "port": 1}]  # fmt: skip
        asked = json.dumps({"resolver": "127.0.0.1", "probes": probes})
        done = subprocess.run([sys.executable, "-I", "-", asked], input=script(), text=True,
                              capture_output=True, timeout=30)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [one["outcome"] for one in json.loads(done.stdout)] == ["answered", "refused", "refused"]
