"""What a cluster's API stands in: the facts of its cluster, and what it asks of the rest of the rehearsal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from airgap.rehearsal import settling


@dataclass(frozen=True)
class AccessEntry:
    """An EKS access entry: an IAM principal, who it is in the cluster, and its access policies.

    ``policies`` holds (policy ARN, namespaces) pairs; no namespaces means the whole cluster.
    """

    principal_arn: str
    username: str
    groups: tuple[str, ...] = ()
    policies: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class NodeFacts:
    """One instance of a node group that has joined the cluster."""

    name: str
    private_ip: str
    zone: str
    role_arn: str
    instance_type: str
    nodegroup: str


@dataclass(frozen=True)
class ClusterFacts:
    """What EKS knows of a cluster; ``pod_identity`` holds (namespace, service account, role ARN)."""

    name: str
    account: str
    region: str
    version: str
    arn: str
    host: str
    access: tuple[AccessEntry, ...] = ()
    nodes: tuple[NodeFacts, ...] = ()
    pod_identity: tuple[tuple[str, str, str], ...] = ()

    def role_of(self, namespace: str, account: str) -> str:
        """Return the role that Pod Identity gives a service account, empty where it gives none."""
        found = (role for space, name, role in self.pod_identity if (space, name) == (namespace, account))
        return next(found, "")


@runtime_checkable
class Pulled(Protocol):
    """An image that a registry gave."""

    @property
    def digest(self) -> str:
        """The digest of its manifest, ``sha256:...``."""

    @property
    def image_id(self) -> str:
        """Its id as a container runtime reports it: the repository with the digest."""


@runtime_checkable
class Refused(Protocol):
    """An image that could not be had."""

    @property
    def reason(self) -> str:
        """The waiting reason of the container, such as ErrImagePull."""

    @property
    def message(self) -> str:
        """The words of the registry or of the network."""


class Registry(Protocol):
    """Where nodes pull from."""

    def pull(self, image: str, role_arn: str) -> Pulled | Refused:
        """Return what a node with this role gets when it pulls an image reference."""


@dataclass(frozen=True)
class Unreachable:
    """What a node says that reaches no registry."""

    reason: str
    message: str


class NoRegistry:
    """The lack of any registry."""

    def pull(self, image: str, role_arn: str) -> Unreachable:
        """Refuse as a runtime does where a name does not resolve."""
        host = image.split("/", 1)[0]
        return Unreachable(
            "ErrImagePull", f'failed to resolve reference "{image}": dial tcp: lookup {host}: no such host'
        )


def _nobody(*_: Any) -> None:
    """No token, secret or target group is known."""


def _nothing(_: str) -> str:
    """Nothing stands in the way."""
    return ""


def _no_group(arn: str, _: Sequence[tuple[str, int]]) -> str:
    return f"TargetGroupNotFound: Target groups '{arn}' not found"


@dataclass(frozen=True)
class Surroundings:
    """The callbacks through which a cluster's API sees the rest of the rehearsal.

    ``principal_of`` maps (bearer token, cluster name) to the caller's ARN, None for a token that proves nothing;
    ``secret_value`` maps (secret name, role ARN) to the secret's members (a text that is no JSON object is the member
    with an empty name), None where it is absent or not to be read;
    ``cut_off`` names, by a node's address, a service that a pull needs and the node does not reach, empty for none;
    ``register_targets`` puts (address, port) pairs into a target group, and returns the refusal, empty for none;
    ``clock`` is monotonic, in seconds.
    """

    cluster_of: Callable[[str], ClusterFacts | None]
    principal_of: Callable[[str, str], str | None] = _nobody
    registry: Registry = field(default_factory=NoRegistry)
    cut_off: Callable[[str], str] = _nothing
    secret_value: Callable[[str, str], dict[str, Any] | None] = _nobody
    register_targets: Callable[[str, Sequence[tuple[str, int]]], str] = _no_group
    clock: Callable[[], float] = settling.now
