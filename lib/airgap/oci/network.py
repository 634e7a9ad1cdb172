"""How registries are reached: proxies for what is outside alone, and certificate authorities of one's own."""

from __future__ import annotations

import re
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3

TIMEOUT = urllib3.Timeout(connect=10, read=60)
CONNECTIONS = 16
# Where ECR keeps layers: https://docs.aws.amazon.com/AmazonECR/latest/userguide/vpc-endpoints.html
_LAYERS = re.compile(r"prod-[a-z0-9-]+-starport-layer-bucket\.s3\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")


@dataclass(frozen=True)
class Route:
    """A way: the URL of a proxy ('' for none), and PEM certificates that are trusted beside the system's."""

    proxy: str = ""
    ca_pem: str = ""


def by_listener(port: int, ca_pem: str) -> Network:
    """Return the network of a rehearsal: every name is answered by its listener on loopback."""
    route = Route(f"http://127.0.0.1:{port}", ca_pem)
    return Network(route, route)


def of_environment(variables: Mapping[str, str], registry: str) -> Network:
    """Return the network of a real site: ``HTTPS_PROXY`` to the outside, nothing to an ECR registry and its layers.

    ``AWS_CA_BUNDLE`` names certificates that are trusted beside the system's.
    """
    bundle = variables.get("AWS_CA_BUNDLE", "")
    pem = Path(bundle).read_text() if bundle else ""
    proxy = variables.get("HTTPS_PROXY") or variables.get("https_proxy", "")
    return Network(Route(proxy, pem), Route("", pem), lambda host: host == registry or bool(_LAYERS.fullmatch(host)))


def nothing_is_inside(_: str) -> bool:
    """Say that a host is outside, whichever it is."""
    return False


@dataclass
class Network:
    """The two ways, and which hosts are inside; connections are kept and shared by all threads."""

    outside: Route = Route()
    inside: Route = Route()
    is_inside: Callable[[str], bool] = nothing_is_inside
    _pools: dict[Route, urllib3.PoolManager] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pool(self, host: str) -> urllib3.PoolManager:
        """Return the connections of the way to a host."""
        route = self.inside if self.is_inside(host) else self.outside
        with self._lock:
            if route not in self._pools:
                self._pools[route] = _pool(route)
            return self._pools[route]

    def close(self) -> None:
        """End all connections; another request opens new ones."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()
            self._pools.clear()


def _pool(route: Route) -> urllib3.PoolManager:
    context = ssl.create_default_context()
    if route.ca_pem:
        context.load_verify_locations(cadata=route.ca_pem)
    options: dict[str, Any] = {
        "ssl_context": context,
        "maxsize": CONNECTIONS,
        "timeout": TIMEOUT,
        "retries": False,
    }
    return urllib3.ProxyManager(route.proxy, **options) if route.proxy else urllib3.PoolManager(**options)
