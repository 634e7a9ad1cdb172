"""Faces: what answers under names of its own over TLS, beside AWS's API: registries, clusters' Kubernetes APIs.

One listener on loopback serves them all; the TLS server name (or, where a client sends none, the ``Host`` header) says
which one is meant, and each name gets a certificate of the rehearsal's own authority when it is first asked for.
``GET /rehearsal/faces`` of the front gives ``{"tls_port", "ca_pem"}``: a client connects to 127.0.0.1 at that port and
names the true server. Clients that cannot do that use the same port as their ``HTTPS_PROXY``: ``CONNECT`` to any name
that has a face ends here too.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.message import Message
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airgap.rehearsal.face_listener import Listener


@dataclass(frozen=True)
class Asked:
    """One request: method, the server's name without port, decoded path, raw query, headers, and the body as a stream.

    ``body`` reads to the end of this request and no further, whether it came chunked or with a length.
    """

    method: str
    host: str
    path: str
    query: str
    headers: Message
    body: IO[bytes]


@dataclass(frozen=True)
class Answered:
    """One answer: an iterator as body is sent as it yields, chunked unless the headers give a ``Content-Length``."""

    status: int
    headers: dict[str, str]
    body: bytes | Iterator[bytes] = b""


Face = Callable[[Asked], Answered]

_PUBLIC = ("registry-1.docker.io", "ghcr.io", "public.ecr.aws", "quay.io", "registry.k8s.io")
_LAYERS = (
    "production.cloudflare.docker.com",
    "pkg-containers.githubusercontent.com",
    "d5l0dvt14r5h8.cloudfront.net",
    "cdn01.quay.io",
    "prod-registry-k8s-io-us-east-1.s3.dualstack.us-east-1.amazonaws.com",
)
# Which names have a face: a pattern of host names, and the module and function that answer, imported when first asked.
FACES: dict[str, str | Face] = {
    "*.dkr.ecr.*.amazonaws.com*": "airgap.rehearsal.registry.private:answer",
    "prod-*-starport-layer-bucket.s3.*.amazonaws.com*": "airgap.rehearsal.registry.layers:answer",
    "*.eks.amazonaws.com*": "airgap.rehearsal.kubernetes.face:answer",
    "auth.docker.io": "airgap.rehearsal.registry.public:token",
    **dict.fromkeys(_PUBLIC, "airgap.rehearsal.registry.public:answer"),
    **dict.fromkeys(_LAYERS, "airgap.rehearsal.registry.layers:answer"),
    "localhost": "airgap.rehearsal.registry.private:answer",
    "127.0.0.1": "airgap.rehearsal.registry.private:answer",
}


def face_of(host: str) -> Face | None:
    """Return what answers for a host name, None where nothing does."""
    for pattern, face in FACES.items():
        if fnmatchcase(host.lower(), pattern):
            if not isinstance(face, str):
                return face
            module, _, name = face.partition(":")
            found: Face = getattr(importlib.import_module(module), name)
            return found
    return None


class Faces:
    """The listener and what it keeps on disk; nothing is made before somebody asks for it."""

    def __init__(self) -> None:
        self._listener: Listener | None = None
        self._folder: Path | None = None
        self._given = False
        self._lock = threading.RLock()

    def keep_in(self, folder: Path) -> None:
        """Keep keys and layers in a folder that somebody else removes; without one it is a temporary folder."""
        with self._lock:
            self._folder, self._given = folder, True

    @property
    def folder(self) -> Path:
        """The folder for keys and layers."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="airgap-faces-"))
            return self._folder

    @property
    def listener(self) -> Listener:
        """The listener, which serves from the moment when it is first asked for."""
        from airgap.rehearsal.face_listener import Listener

        with self._lock:
            if self._listener is None:
                self._listener = Listener(self.folder)
                self._listener.start()
            return self._listener

    def close(self) -> None:
        """End the listener and remove what was temporary; another use begins anew."""
        with self._lock:
            if self._listener is not None:
                self._listener.close()
            if self._folder is not None and not self._given:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._listener, self._folder, self._given = None, None, False


# One for the process, as moto's state is.
SERVED = Faces()


def about(*_: Any) -> dict[str, Any]:
    """Return the port of the listener on 127.0.0.1 and the certificate of its authority in PEM."""
    return {"tls_port": SERVED.listener.port, "ca_pem": ca_pem()}


def ca_pem() -> str:
    """Return the certificate of the rehearsal's authority in PEM."""
    return SERVED.listener.authority.pem
