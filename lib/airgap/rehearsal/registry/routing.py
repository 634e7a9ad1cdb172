"""Which request of the registry protocol asks for what, and the nouns that its answers are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qs

from airgap.rehearsal.faces import Answered, Asked

INDEX = "application/vnd.oci.image.index.v1+json"
INDEXES = (INDEX, "application/vnd.docker.distribution.manifest.list.v2+json")


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as it was pushed: digest, media type and bytes."""

    digest: str
    media_type: str
    body: bytes


class Shelf(Protocol):
    """What a registry holds; every method raises RegistryError where the repository does not exist."""

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return what a tag or digest names, None where nothing does."""

    def put(self, repository: str, tag: str | None, manifest: Manifest) -> None:
        """Keep a manifest, under a tag too where one is given; RegistryError where it is refused."""

    def size(self, repository: str, digest: str) -> int | None:
        """Return the size of a blob in bytes, None where the repository does not have it."""

    def keep(self, repository: str, digest: str, size: int) -> None:
        """Note that the repository has a blob."""

    def mountable(self, source: str, target: str, digest: str) -> int | None:
        """Return the size of a blob that may be mounted from another repository, None where it may not be."""

    def tags(self, repository: str) -> list[str]:
        """Return all tags."""

    def manifests(self, repository: str) -> list[Manifest]:
        """Return all manifests."""

    def layer_url(self, repository: str, digest: str, twist: str) -> str:
        """Return where the bytes of a blob are handed out, with what a fault makes of them."""


@dataclass(frozen=True)
class Request:
    """One request: operation as IAM names it (``BatchGetImage``), repository, and the tag, digest or upload id."""

    asked: Asked
    operation: str
    repository: str
    reference: str
    query: dict[str, str]


Handler = Callable[["Shelf", Request, str], Answered]
_NAME = r"/v2/(?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)"
_ROUTES: list[tuple[str, re.Pattern[str], str, Handler]] = []


def route(methods: str, path: str, operation: str) -> Callable[[Handler], Handler]:
    """Register what answers methods of a path below a repository, and the IAM action that it needs."""

    def register(handler: Handler) -> Handler:
        _ROUTES.extend((method, re.compile(_NAME + path), operation, handler) for method in methods.split())
        return handler

    return register


def requested(asked: Asked) -> tuple[Request, Handler] | None:
    """Return what a path below a repository asks for, None where nothing is there."""
    for method, pattern, operation, handler in _ROUTES:
        found = pattern.fullmatch(asked.path)
        if method == asked.method and found:
            query = {name: values[-1] for name, values in parse_qs(asked.query).items()}
            reference = found.groupdict().get("reference") or ""
            return Request(asked, operation, found["repository"], reference, query), handler
    return None
