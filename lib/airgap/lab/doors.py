"""What answers over HTTP behind a door of the twin: buckets behind S3's gateway endpoint, and the metadata service.

A request through the endpoint meets its recorded policy. AWS itself is not here: the policy is read by this project's
evaluator (``model.policy``), and what that cannot tell is answered as a fault, which shows nothing.
Sources: S3 API Reference, "Error responses"; VPC PrivateLink guide, "Control access using endpoint policies".
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from airgap.egress.network import Network
from airgap.model.policy import ALLOW, DENY, FULL_ACCESS, Request, evaluate, parse

Greeting = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SOMEBODY = "999999999999"
"""The account that owns whatever is not the environment's own."""
PATIENCE = 10.0
ANONYMOUS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"), ()),
    "aws:ResourceAccount": (SOMEBODY,),
    "aws:ResourceOrgID": (),
}
"""What is known of a request without credentials for an object of a stranger (IAM User Guide)."""


def s3_endpoints(network: Network) -> Iterator[tuple[str, str, Any]]:
    """Yield (endpoint, Region, policy) of each gateway endpoint of S3."""
    for one in network.facts.items("VpcEndpoints"):
        _, _, rest = str(one.get("ServiceName", "")).partition("amazonaws.")
        region, _, service = rest.partition(".")
        if one.get("VpcEndpointType") == "Gateway" and service == "s3":
            held = one.get("PolicyDocument")
            policy = json.loads(held) if isinstance(held, str) else held or FULL_ACCESS
            yield str(one["VpcEndpointId"]), region, policy


def bucket(policy: Any, partition: str) -> Greeting:
    """Return what answers a request for an object; everybody may read every one, so the policy alone refuses."""
    document = parse(policy)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request by what the policy says of it."""
        asked = await _request(reader)
        name = asked.get("host", "").partition(".s3.")[0]
        arn = f"arn:{partition}:s3:::{name}{asked[':path'].partition('?')[0]}"
        said = evaluate(document, Request("s3:GetObject", arn, "", "Anonymous", context=ANONYMOUS))
        status = {ALLOW: "200 OK", DENY: "403 Forbidden"}.get(said.outcome, "500 Internal Server Error")
        code = {ALLOW: "", DENY: "AccessDenied"}.get(said.outcome, "InternalError")
        body = f"<Error><Code>{code}</Code><Message>{said.reason}</Message></Error>" if code else "lab"
        await _say(writer, status, body)

    return answer


def metadata(options: Mapping[str, Any]) -> Greeting:
    """Return what answers as an instance's metadata service by its options."""
    tokens: set[str] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request by the options."""
        asked = await _request(reader)
        status, body = _metadata(options, asked, tokens)
        if asked[":method"] == "PUT":
            # The limit is of the answer's packets; only who stands near enough gets a token.
            writer.get_extra_info("socket").setsockopt(socket.IPPROTO_IP, socket.IP_TTL, options["hops"])
        await _say(writer, status, body)

    return answer


def _metadata(options: Mapping[str, Any], asked: Mapping[str, str], tokens: set[str]) -> tuple[str, str]:
    if not options["enabled"]:
        return "403 Forbidden", ""
    if asked[":method"] == "PUT" and asked[":path"] == "/latest/api/token":
        tokens.add(f"token-{len(tokens)}")
        return "200 OK", f"token-{len(tokens) - 1}"
    if options["tokens"] and asked.get("x-aws-ec2-metadata-token") not in tokens:
        return "401 Unauthorized", ""
    known = {"/latest/meta-data/instance-id": options["instance"]}
    return ("200 OK", known[asked[":path"]]) if asked[":path"] in known else ("404 Not Found", "")


async def _request(reader: asyncio.StreamReader) -> dict[str, str]:
    """Return the headers of a request in small letters, with ``:method`` and ``:path``."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE)
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, *_ = (*first.split(" "), "", "")
    headers = {name.strip().lower(): value.strip() for name, _, value in (one.partition(":") for one in lines) if name}
    return {**headers, ":method": method, ":path": path}


async def _say(writer: asyncio.StreamWriter, status: str, body: str) -> None:
    head = (
        f"HTTP/1.1 {status}\r\nServer: airgap lab\r\nContent-Length: {len(body.encode())}\r\nConnection: close\r\n\r\n"
    )
    writer.write((head + body).encode())
    await writer.drain()


def closing(greeting: Greeting) -> Greeting:
    """Return a greeting that ends its connection whatever becomes of it; whoever asks nonsense gets no answer."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer, and close."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError):
            await greeting(reader, writer)
        with contextlib.suppress(OSError):
            writer.close()

    return answer
