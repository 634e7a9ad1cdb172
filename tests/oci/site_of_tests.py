"""What the tests of the mirror work with: a registry of ECR, stand-ins of public ones, and a mirror between them."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Any

from airgap.model.mirror import Entry, Lock
from airgap.oci import ways
from airgap.oci.content import OCI_INDEX, digest_of
from airgap.oci.lockfile import pinned
from airgap.oci.mirror import Mirror
from airgap.oci.network import Network
from airgap.oci.records import Records
from airgap.oci.session import Clock
from airgap.rehearsal.registry import protocol, public, samples

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PAUSE = "registry.k8s.io/pause:3.10"
BUSYBOX = "busybox:1.37.0"
PLATFORMS = ("linux/amd64", "linux/arm64")


class Site:
    """One account with its repositories, and the mirror."""

    def __init__(self, aws: Any, folder: Path, **options: Any) -> None:
        self.aws, self.folder = aws, folder
        self.ecr = aws.client("ecr")
        self.route = ways.network("rehearsal", HOST, {"AWS_ENDPOINT_URL": aws.url}).outside
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.pages: list[bytes] = []
        self.slept: list[float] = []
        self.tokens = 0
        self.made: list[Mirror] = []
        self.mirror = self.another(**options)

    def another(self, **options: Any) -> Mirror:
        """Return a mirror that knows nothing of what another one did."""
        where = ("rehearsal", "123456789012", "us-east-1")
        records = Records(self._append, self._keep, *where, lambda: "2026-01-01T00:00:00Z")
        network, clock = Network(self.route, self.route), Clock(sleep=self.slept.append)
        mirror = Mirror(HOST, self.token, self.repository, network, records, clock, **options)
        self.made.append(mirror)
        return mirror

    def close(self) -> None:
        """End all connections."""
        for mirror in self.made:
            mirror.network.close()

    def _append(self, event: str, data: Any) -> str:
        self.events.append((event, dict(data)))
        return str(len(self.events))

    def _keep(self, page: bytes) -> str:
        self.pages.append(page)
        return digest_of(page)

    def token(self) -> str:
        self.tokens += 1
        return str(self.ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"])

    def repository(self, entry: Entry) -> str:
        return f"mirror/{pinned(entry).name}"

    def locked(self, *references: str) -> Lock:
        """Return the lock of references, with an immutable repository for each."""
        lock = self.resolve(*references)
        self.repositories(lock)
        return lock

    def resolve(self, *references: str, **options: Any) -> Lock:
        """Return the lock of references as their registries have them."""
        mirror = self.another(**options) if options else self.mirror
        return mirror.resolve(dict.fromkeys(references, "tests"))

    def repositories(self, lock: Lock) -> None:
        for name in sorted({self.repository(entry) for entry in lock.entries}):
            self.ecr.create_repository(repositoryName=name, imageTagMutability="IMMUTABLE")

    def fault(self, operation: str, error: str, **more: Any) -> None:
        self.aws.control("POST", "/faults", {"operation": operation, "error": error, **more})

    def calls(self, event: str = "write") -> list[str]:
        return [data["call"] for kind, data in self.events if kind == event]

    def images(self, entry: Entry) -> list[dict[str, Any]]:
        found = self.ecr.describe_images(repositoryName=self.repository(entry))["imageDetails"]
        return sorted(found, key=lambda one: one["imageDigest"])

    def tags(self, entry: Entry) -> dict[str, str]:
        return {tag: one["imageDigest"] for one in self.images(entry) for tag in one.get("imageTags", [])}

    def publish(self, *layers: bytes, host: str = "quay.io", name: str = "", tag: str = "1.0") -> str:
        """Publish an image of one platform with these layers in a stand-in, and return its reference."""
        repository = name or f"test/{secrets.token_hex(8)}"
        config = ("application/vnd.oci.image.config.v1+json", b'{"os":"linux","architecture":"amd64"}')
        typed = [("application/vnd.oci.image.layer.v1.tar", layer) for layer in layers]
        item = samples.artifact("", typed, config=config)
        public.publish(host, repository, tag, item.manifest, item.contents)
        return f"{host}/{repository}:{tag}"

    def publish_index(self, entries: list[dict[str, Any]], name: str, host: str = "quay.io", tag: str = "1.0") -> str:
        """Publish an index over manifests that need not be there."""
        body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()
        public.publish(host, name, tag, protocol.Manifest(digest_of(body), OCI_INDEX, body), [])
        return f"{host}/{name}:{tag}"
