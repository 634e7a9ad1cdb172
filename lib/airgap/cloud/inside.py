"""Calls that are made inside the VPC: a client as any other, whose requests go by a given way to the true TLS name.

botocore serialises, signs and parses as always; only the connection is another (its ``before-send`` event).
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

HTTPS = 443


class Way(Protocol):
    """A way to a host and port inside the VPC."""

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the address and port to connect to; raises ``Unreachable`` with what stands in the way."""

    def close(self) -> None:
        """End what was opened."""


@dataclass
class Inward:
    """Directly where an AWS name resolves within the VPC, as private DNS of an endpoint makes it; else another way.

    The first name decides for all: S3's gateway endpoint has no private names.
    """

    cidr: str
    otherwise: Way
    by: str = ""
    """How it went: a private address, or ``operations host``."""

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the host itself inside the VPC, and what the other way gives outside."""
        self.by = self.by or self._inside(host, port)
        if self.by != "operations host":
            return host, port
        return self.otherwise.open(host, port)

    def _inside(self, host: str, port: int) -> str:
        try:
            address = str(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][4][0])
        except socket.gaierror:
            return "operations host"
        network = ipaddress.ip_network(self.cidr)
        return address if ipaddress.ip_address(address) in network else "operations host"

    def close(self) -> None:
        """End the other way."""
        self.otherwise.close()


def go(client: Any, way: Way) -> None:
    """Make a client's requests go by a way, under the true TLS server name, which its certificate must bear."""
    from botocore.awsrequest import AWSResponse
    from botocore.exceptions import EndpointConnectionError
    from botocore.httpsession import get_cert_path
    from urllib3 import HTTPSConnectionPool
    from urllib3.exceptions import HTTPError

    def send(request: Any, **_: Any) -> Any:
        url = urlsplit(request.url)
        address, port = way.open(str(url.hostname), url.port or HTTPS)
        pool = HTTPSConnectionPool(
            address,
            port,
            server_hostname=url.hostname,
            assert_hostname=url.hostname,
            cert_reqs="CERT_REQUIRED",
            ca_certs=os.environ.get("AWS_CA_BUNDLE") or get_cert_path(True),
            timeout=60,
        )
        headers = {
            name: value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
        }
        target = f"{url.path or '/'}{'?' + url.query if url.query else ''}"
        asked = {**headers, "Host": url.netloc}
        try:
            answer = pool.urlopen(
                request.method, target, body=request.body, headers=asked, retries=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
        except HTTPError as error:
            raise EndpointConnectionError(endpoint_url=request.url, error=error) from error
        return AWSResponse(request.url, answer.status, answer.headers, answer)

    client.meta.events.register("before-send", send)
