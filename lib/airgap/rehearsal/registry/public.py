"""Stand-ins of public registries: the host names that charts pull from, with small images of our own.

Each asks for a bearer token of its token server first, as Docker Hub does, anonymously and for one repository. Anybody
may push to them, with a token for pushing: that is how a rehearsal publishes a chart.
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs

from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import SERVED, Answered, Asked
from airgap.rehearsal.identity import DEFAULT, REGION
from airgap.rehearsal.registry import layers, samples
from airgap.rehearsal.registry.blobs import blobs
from airgap.rehearsal.registry.protocol import Manifest, Request, requested
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.registry.striking import called, strike
from airgap.rehearsal.wire import Call

TOKEN_SECONDS = 300
# Where each stand-in sends for tokens, and for layers; no realm: it asks for no token.
HOSTS: dict[str, tuple[str, str]] = {
    "registry-1.docker.io": ("https://auth.docker.io/token", "production.cloudflare.docker.com"),
    "ghcr.io": ("https://ghcr.io/token", "pkg-containers.githubusercontent.com"),
    "public.ecr.aws": ("https://public.ecr.aws/token/", "d5l0dvt14r5h8.cloudfront.net"),
    "quay.io": ("https://quay.io/v2/auth", "cdn01.quay.io"),
    "registry.k8s.io": ("", "prod-registry-k8s-io-us-east-1.s3.dualstack.us-east-1.amazonaws.com"),
}


@dataclass
class Repository:
    """One repository: manifests and tags by digest, and the layers that it has."""

    manifests: dict[str, Manifest] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    layers: dict[str, int] = field(default_factory=dict)


# By the folder of the server that has their layers, host and name.
_repositories: dict[tuple[Path, str, str], Repository] = {}
_tokens: dict[str, tuple[str, float]] = {}
_lock = threading.RLock()


def answer(asked: Asked) -> Answered:
    """Answer one request of the registry protocol, or hand out a token."""
    realm, _ = HOSTS[asked.host]
    if realm == f"https://{asked.host}{asked.path}":
        return token(asked)
    try:
        if asked.path in ("/v2", "/v2/"):
            _admitted(asked, realm, "")
            return Answered(200, {"Docker-Distribution-Api-Version": "registry/2.0"}, b"{}")
        found = requested(asked)
        if found is None:
            raise RegistryError(404, "UNSUPPORTED", "The operation is unsupported")
        request, handler = found
        _admitted(asked, realm, _scope(request))
        call = called(request.operation, REGION, DEFAULT, asked.headers.get("User-Agent", ""), "oci")
        twist = _struck(call, asked, realm, request)
        given = handler(Public(asked.host), request, twist)
    except RegistryError as error:
        return error.answered()
    if twist == "DropResponse":
        raise Dropped
    return given


def _struck(call: Call, asked: Asked, realm: str, request: Request) -> str:
    """Let a fault strike; a token that has expired is answered with the challenge, as every bearer registry does."""
    try:
        return strike(call, f"{asked.host}/{request.repository}")
    except RegistryError as error:
        if realm and "expired" in error.message:
            _tokens.clear()
            _admitted(asked, realm, _scope(request))
        raise


def token(asked: Asked) -> Answered:
    """Hand out a token for the scope that is asked for."""
    scope = parse_qs(asked.query).get("scope", [""])[0]
    text = secrets.token_urlsafe(32)
    _tokens[text] = (scope, time.time() + TOKEN_SECONDS)
    document = {"token": text, "expires_in": TOKEN_SECONDS}
    return Answered(200, {"Content-Type": "application/json"}, json.dumps(document).encode())


def _scope(request: Request) -> str:
    acts = "pull" if request.asked.method in ("GET", "HEAD") else "pull,push"
    return f"repository:{request.repository}:{acts}"


def _admitted(asked: Asked, realm: str, scope: str) -> None:
    if not realm:
        return
    scheme, _, text = (asked.headers.get("Authorization") or "").partition(" ")
    held, until = _tokens.get(text, ("", 0.0))
    if scheme.lower() == "bearer" and until > time.time() and (held == scope or held == scope + ",push" or not scope):
        return
    challenge = f'Bearer realm="{realm}",service="{asked.host}"' + (f',scope="{scope}"' if scope else "")
    raise RegistryError(401, "UNAUTHORIZED", "authentication required", {"Www-Authenticate": challenge})


def publish(host: str, repository: str, tag: str | None, manifest: Manifest, contents: list[bytes]) -> str:
    """Put a manifest and its blobs into a stand-in, and return its digest; a push over the wire does the same."""
    shelf = Public(host)
    with _lock:
        _repositories.setdefault((SERVED.folder, host, repository), Repository())
        for content in contents:
            shelf.keep(repository, blobs().add(content), len(content))
        shelf.put(repository, tag, manifest)
    return manifest.digest


class Public:
    """The repositories of one stand-in; what it always has is made when a repository is first asked for."""

    def __init__(self, host: str) -> None:
        self.host = host

    def _repository(self, name: str, making: bool = False) -> Repository:
        with _lock:
            key = (SERVED.folder, self.host, name)
            if key not in _repositories:
                tags = samples.tags(self.host, name)
                if not tags and not making:
                    raise RegistryError(404, "NAME_UNKNOWN", f"repository name not known to registry: {name}")
                _repositories[key] = Repository()
                for tag in tags:
                    self._sample(name, tag)
            return _repositories[key]

    def _sample(self, name: str, tag: str) -> None:
        for item in samples.published(self.host, name, tag):
            publish(self.host, name, item.tag, item.manifest, item.contents)

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return what a tag or digest names, None where nothing does."""
        held = self._repository(repository)
        with _lock:
            return held.manifests.get(held.tags.get(reference, reference))

    def manifests(self, repository: str) -> list[Manifest]:
        """Return all manifests."""
        with _lock:
            return list(self._repository(repository).manifests.values())

    def put(self, repository: str, tag: str | None, manifest: Manifest) -> None:
        """Keep a manifest, and let a tag name it from now on."""
        held = self._repository(repository)
        with _lock:
            held.manifests[manifest.digest] = manifest
            if tag:
                held.tags[tag] = manifest.digest

    def size(self, repository: str, digest: str) -> int | None:
        """Return the size of a blob, None where the repository does not have it; asking makes no repository known."""
        making = digest == f"sha256:{0:064x}"
        return self._repository(repository, making).layers.get(digest)

    def keep(self, repository: str, digest: str, size: int) -> None:
        """Note that the repository has a blob."""
        self._repository(repository).layers[digest] = size

    def mountable(self, source: str, target: str, digest: str) -> int | None:
        """A blob of another repository may be mounted."""
        with _lock:
            held = _repositories.get((SERVED.folder, self.host, source))
            return held.layers.get(digest) if held else None

    def tags(self, repository: str) -> list[str]:
        """Return all tags."""
        return list(self._repository(repository).tags)

    def layer_url(self, repository: str, digest: str, twist: str) -> str:
        """Return a signed address at the registry's host for layers."""
        return layers.url(HOSTS[self.host][1], f"{repository}/{digest}", digest, twist)
