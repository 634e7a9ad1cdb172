"""References to images and charts: ``registry/repository:tag@digest``, as container engines and Helm write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from airgap.errors import UsageError

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# Docker's names for its own registry, and the host that answers.
_HUB, _HUB_HOSTS = "docker.io", ("docker.io", "index.docker.io", "registry-1.docker.io")
_HUB_ENDPOINT = "registry-1.docker.io"


@dataclass(frozen=True, order=True)
class Reference:
    """One image or chart: its registry (host, with a port where it has one), repository, and tag, digest or both."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Return the reference that a text names, Docker's short names written out; UsageError where it names none."""
        rest, _, digest = text.removeprefix("oci://").partition("@")
        head, slash, tail = rest.partition("/")
        named = bool(slash) and ("." in head or ":" in head or head == "localhost")
        registry, path = (head, tail) if named else (_HUB, rest)
        repository, colon, tag = path.partition(":")
        if registry in _HUB_HOSTS:
            registry = _HUB
            repository = repository if "/" in repository else f"library/{repository}"
        good = _REPOSITORY.fullmatch(repository) and (not colon or _TAG.fullmatch(tag))
        if not good or ("@" in text and not DIGEST.fullmatch(digest)):
            raise UsageError(
                f"{text!r} is no image reference",
                action="write registry/repository:tag or registry/repository@sha256:...",
            )
        return cls(registry, repository, tag, digest)

    @property
    def endpoint(self) -> str:
        """The host that answers for the registry."""
        return _HUB_ENDPOINT if self.registry == _HUB else self.registry

    @property
    def name(self) -> str:
        """Registry and repository."""
        return f"{self.registry}/{self.repository}"

    def at(self, digest: str) -> Reference:
        """Return the same reference pinned to a digest."""
        return replace(self, digest=digest)

    def __str__(self) -> str:
        """Return the reference as text, which ``parse`` reads again."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.name}{tag}" + (f"@{self.digest}" if self.digest else "")
