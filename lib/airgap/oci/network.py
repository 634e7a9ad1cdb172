"""How registries are reached: proxies for what is outside alone, and certificate authorities of one's own."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import urllib3

TIMEOUT = urllib3.Timeout(connect=10, read=60)
CONNECTIONS = 16


@dataclass(frozen=True)
class Route:
    """A way: the URL of a proxy ('' for none), and PEM certificates that are trusted beside the system's."""

    proxy: str = ""
    ca_pem: str = ""


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
        # Through a proxy urllib3 would wait for each small part's receipt (Nagle): 40 ms for every blob.
        "socket_options": [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
    }
    return urllib3.ProxyManager(route.proxy, **options) if route.proxy else urllib3.PoolManager(**options)
