"""The hosts that hand out layers: registries redirect there with a signed address, as ECR does to S3."""

from __future__ import annotations

import re
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs

from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import Answered, Asked
from airgap.rehearsal.registry.blobs import blobs

KEPT = 10_000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")


@dataclass(frozen=True)
class Ticket:
    """What a signed address gives: one blob, and what a fault makes of its bytes."""

    digest: str
    twist: str


_tickets: OrderedDict[str, Ticket] = OrderedDict()


def url(host: str, path: str, digest: str, twist: str) -> str:
    """Return a signed address for a blob on a host."""
    signature = secrets.token_hex(32)
    _tickets[signature] = Ticket(digest, twist)
    while len(_tickets) > KEPT:
        _tickets.popitem(last=False)
    return f"https://{host}/{path}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature={signature}"


def answer(asked: Asked) -> Answered:
    """Hand out a blob, or a range of it; S3 refuses credentials beside the signature."""
    if asked.headers.get("Authorization") and ".s3." in asked.host:
        return _error(400, "InvalidArgument", "Only one auth mechanism allowed")
    signature = parse_qs(asked.query).get("X-Amz-Signature", [""])[0]
    ticket = _tickets.get(signature)
    if ticket is None or asked.method not in ("GET", "HEAD"):
        return _error(403, "AccessDenied", "Access Denied")
    size = blobs().file(ticket.digest).stat().st_size
    found = _RANGE.fullmatch(asked.headers.get("Range") or "")
    start = int(found[1]) if found else 0
    end = min(int(found[2]) + 1, size) if found and found[2] else size
    if found and start >= size:
        return Answered(416, {"Content-Range": f"bytes */{size}"})
    if ticket.twist == "TruncatedBlob":
        end = max(start, end // 2)
    headers = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "Content-Length": str(end - start)}
    if found:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return Answered(206 if found else 200, headers, _bytes(ticket, start, end))


def _bytes(ticket: Ticket, start: int, end: int) -> Iterator[bytes]:
    stop = start + (end - start) // 2 if ticket.twist == "DiesMidBlob" else end
    pieces = blobs().read(ticket.digest, start, stop)
    if ticket.twist == "AlteredBlob":
        first = next(pieces)
        yield bytes([first[0] ^ 1]) + first[1:]
    yield from pieces
    if stop < end:
        raise Dropped


def _error(status: int, code: str, message: str) -> Answered:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return Answered(status, {"Content-Type": "application/xml"}, body.encode())
