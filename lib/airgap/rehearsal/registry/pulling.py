"""A node's pull: what containerd would find in ECR with the rights of the node's role, without moving bytes.

Only private registries answer in a cluster without a way out; the name of any other does not resolve.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from airgap.rehearsal.identity import Caller
from airgap.rehearsal.registry import rights
from airgap.rehearsal.registry.private import HOST, Repositories
from airgap.rehearsal.registry.protocol import INDEXES, Manifest
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.store import MOTO

# What AmazonEC2ContainerRegistryPullOnly gives, and a pull needs.
ACTIONS = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
_IMAGE = re.compile(r"(?P<host>[^/]+)/(?P<name>[^@:]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?")


@dataclass(frozen=True)
class Pulled:
    """An image on a node: the digest that its reference resolved to, and the ``imageID`` that its pod shows."""

    digest: str
    image_id: str


@dataclass(frozen=True)
class Refused:
    """Why there is no image: the waiting reason of the container, and its message."""

    reason: str
    message: str


class _Missing(Exception):
    """What containerd says of an image that it cannot have."""


def pull(image: str, role_arn: str, platform: str = "linux/amd64") -> Pulled | Refused:
    """Pull an image as a node with a role does; the digest is the one that the registry has for the reference."""
    found = _IMAGE.fullmatch(image)
    if found is None:
        return Refused("InvalidImageName", f'Failed to apply default image tag "{image}": invalid reference format')
    host, name = found["host"], found["name"]
    where = HOST.fullmatch(host)
    if where is None:
        outside = f'failed to resolve reference "{image}": dial tcp: lookup {host}: no such host'
        return Refused("ErrImagePull", outside)
    reference = found["digest"] or found["tag"] or "latest"
    try:
        with MOTO:
            _permitted(role_arn, where[1], where[2], name)
            digest = _resolved(Repositories(where[1], where[2]), name, reference, platform)
    except (RegistryError, _Missing) as error:
        return Refused("ErrImagePull", f'failed to pull and unpack image "{image}": {error}')
    return Pulled(digest, f"{host}/{name}@{digest}")


def _permitted(role_arn: str, account: str, region: str, name: str) -> None:
    caller = Caller(role_arn.split(":")[4], role_arn.rpartition("/")[2], "i-0123456789abcdef0")
    if not rights.allowed(caller, "ecr:GetAuthorizationToken", account, region):
        raise _Missing("unexpected status from HEAD request: 401 Unauthorized: no basic auth credentials")
    for action in ACTIONS:
        if not rights.allowed(caller, action, account, region, name):
            raise _Missing(f"403 Forbidden: {role_arn} is not authorized to perform: {action} on repository {name}")


def _resolved(shelf: Repositories, name: str, reference: str, platform: str) -> str:
    """Return the digest of a reference whose image for the platform is whole."""
    top = _manifest(shelf, name, reference)
    document = json.loads(top.body)
    if top.media_type in INDEXES:
        wanted = [one["digest"] for one in document["manifests"] if _platform(one) == platform]
        if not wanted:
            raise _Missing(f"no match for platform in manifest: {platform} not found")
        document = json.loads(_manifest(shelf, name, wanted[0]).body)
    for layer in (document["config"], *document["layers"]):
        if shelf.size(name, layer["digest"]) is None:
            raise _Missing(f"failed to copy: could not fetch content descriptor {layer['digest']}: not found")
    return top.digest


def _manifest(shelf: Repositories, name: str, reference: str) -> Manifest:
    found = shelf.manifest(name, reference)
    if found is None:
        raise _Missing(f"failed to resolve reference {name}@{reference}: not found")
    return found


def _platform(entry: dict[str, dict[str, str]]) -> str:
    platform = entry.get("platform", {})
    return "/".join(platform[part] for part in ("os", "architecture", "variant") if part in platform)
