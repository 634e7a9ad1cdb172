"""One request for live traffic: over TLS and under the true server name, from wherever the load balancer can be asked.

That is here, where its own name leads to an address that answers, or else the operations host, at one of its private
addresses. What is recorded says which. A certificate that does not prove the name is a fact, no failure to look.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airgap.cloud.session import Cloud
from airgap.errors import Unreachable
from airgap.kube.reach import Inside, Way
from airgap.model import observation as obs
from airgap.model.canonical import dig
from airgap.model.edge import balancer
from airgap.model.intent import Intent
from airgap.model.observation import Observation

REQUEST = "https:Get"
LIMIT = 15.0
"""Seconds for the connection, the handshake and the answer, each."""


@dataclass(frozen=True)
class Entrance:
    """A load balancer as it can be asked: its DNS name, and its private addresses."""

    name: str
    addresses: Sequence[str]


def observe(
    cloud: Cloud, intent: Intent, page: Callable[[str], Mapping[str, Any]], tunnel: Callable[[], Way]
) -> Observation:
    """Record one request through the load balancer; a rehearsal has no packets, so there is none to make."""
    if cloud.world != "aws":
        why = "a rehearsal has no packets"
        return cloud.unanswered(REQUEST, {}, why, vantage="traffic", status=obs.UNSUPPORTED)
    inside = tunnel()
    try:
        told = request(intent.edge.domain, intent.edge.health_path, entrance(cloud, intent, page), Inside(), inside)
    except Unreachable as cause:
        return cloud.unanswered(REQUEST, {}, f"{cause.what}; next: {cause.action}", vantage="traffic")
    finally:
        inside.close()
    asked = cloud.asked(REQUEST, {}, "regional", "traffic") | {"system": "https", "method": "TEST"}
    return cloud.recorder.answered(asked, told, (), {}, "")


def entrance(cloud: Cloud, intent: Intent, page: Callable[[str], Mapping[str, Any]]) -> Entrance:
    """Return the load balancer of the params as it can be asked; raises ``Unreachable`` where there is none."""
    name = balancer(intent)
    seen = cloud.read("elbv2:DescribeLoadBalancers", {"Names": [name]}, absent=("LoadBalancerNotFound",))[-1]
    found = dig(page(seen.page), "LoadBalancers") if seen.status == obs.OK else []
    if not found:
        raise Unreachable(f"There is no load balancer {name}", "live traffic", "apply the step edge")
    described = [{"Name": "description", "Values": [f"ELB app/{name}/*"]}]
    seen = cloud.read("ec2:DescribeNetworkInterfaces", {"Filters": described})[-1]
    placed = dig(page(seen.page), "NetworkInterfaces[].PrivateIpAddress") if seen.status == obs.OK else []
    return Entrance(str(found[0]["DNSName"]), tuple(placed or ()))


def request(domain: str, path: str, entrance: Entrance, here: Way, inside: Way, port: int = 443) -> dict[str, Any]:
    """Return what a request showed: place, address, server name, TLS, and the status; raises ``Unreachable``."""
    try:
        to, place, address = here.open(entrance.name, port), "here", entrance.name
    except Unreachable as outside:
        if not entrance.addresses:
            raise
        address, place = entrance.addresses[0], "the operations host"
        try:
            to = inside.open(address, port)
        except Unreachable as cause:
            raise Unreachable(f"{outside.what}; {cause.what}", "the load balancer", cause.action) from cause
    return {"place": place, "address": address, **_asked(to, domain, path)}


def _asked(to: tuple[str, int], domain: str, path: str) -> dict[str, Any]:
    context = ssl.create_default_context()
    try:
        with (
            socket.create_connection(to, timeout=LIMIT) as plain,
            context.wrap_socket(plain, server_hostname=domain) as secure,
        ):
            return {"server_name": domain, **_handshake(secure), **_answer(secure, domain, path)}
    except ssl.SSLCertVerificationError as error:
        return {"server_name": "", "refused": error.verify_message}
    except ssl.SSLError as error:
        return {"server_name": "", "refused": error.reason}
    except OSError as error:
        what = f"{to[0]}:{to[1]} did not answer for {domain} ({error})"
        action = "look at the load balancer's listener, its security group and its targets"
        raise Unreachable(what, "the load balancer", action) from error


def _handshake(secure: ssl.SSLSocket) -> dict[str, Any]:
    certificate: Mapping[str, Any] = secure.getpeercert() or {}
    issuer = dict(pair for part in certificate.get("issuer", ()) for pair in part)
    cipher = secure.cipher()
    return {
        "protocol": secure.version(),
        "cipher": cipher[0] if cipher else "",
        "issuer": issuer.get("organizationName") or issuer.get("commonName", ""),
        "not_after": certificate.get("notAfter", ""),
    }


def _answer(secure: ssl.SSLSocket, domain: str, path: str) -> dict[str, Any]:
    """Ask for one path; of the answer only its status and its server's name are kept."""
    secure.sendall(f"GET {path} HTTP/1.1\r\nHost: {domain}\r\nConnection: close\r\n\r\n".encode())
    answer = http.client.HTTPResponse(secure)
    answer.begin()
    return {"path": path, "status": answer.status, "server": answer.getheader("Server", "")}
