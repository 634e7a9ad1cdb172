"""What stands beside an instance: its metadata service, and behind a node a pod, one hop further from both.

The service answers as the instance's recorded options say, and its hop limit is that of its packets: this machine's
kernel drops what has gone too far. A pod leaves its node under the node's address, as the VPC CNI sends what goes out
of a VPC.
Sources: EC2 API Reference, InstanceMetadataOptionsResponse; EC2 User Guide, "Use IMDSv2"; EKS User Guide, "External
source network address translation".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.egress.facts import Item
from airgap.egress.interfaces import addresses
from airgap.egress.network import Network
from airgap.lab.space import LAST, Space
from airgap.lab.twin import Builder

ADDRESS = "169.254.169.254"
POD = "169.254.172.2"
"""The address of a pod on its node; nothing but its node ever sees it."""
NODE = "eks:nodegroup-name"
"""The tag by which EKS marks the instances of its node groups."""


def beside(builder: Builder) -> None:
    """Stand a metadata service beside each recorded instance, and a pod behind each node."""
    for name, instance in _instances(builder.network):
        if not builder.has(name):
            continue
        host = builder.of(name)
        service = builder.twin.space(f"imds-{name}", "metadata", f"the metadata service of {instance['InstanceId']}")
        near, far = builder.twin.link(host, "imds", service, "s")
        service.ip.append(f"addr add {ADDRESS}/32 dev lo")
        service.route("0.0.0.0/0", far, metric=LAST)
        own = next(one for one in addresses(builder.network.interfaces[name]) if ":" not in one)
        host.ip.append(f"route add {ADDRESS}/32 dev {near} src {own}")
        if any(tag.get("Key") == NODE for tag in instance.get("Tags") or []):
            _pod(builder, host, own)


def _pod(builder: Builder, host: Space, leaves_as: str) -> None:
    pod = builder.twin.space(f"pod-{host.name}", "pod", f"a pod on {host.name}")
    near, far = builder.twin.link(host, "pod", pod, "eth")
    pod.ip.append(f"addr add {POD}/32 dev {far}")
    pod.route("0.0.0.0/0", far, metric=LAST)
    host.route(f"{POD}/32", near)
    host.rule("conceal", f'ip saddr {POD} oifname != "{near}" snat ip to {leaves_as}')


def _instances(network: Network) -> Iterator[tuple[str, Item]]:
    """Yield the id of each instance's first interface, with the instance."""
    known = {str(each["InstanceId"]): each for one in network.facts.items("Reservations")
             for each in one.get("Instances") or []}  # fmt: skip
    seen = set()
    for name, interface in network.interfaces.items():
        owner = str((interface.get("Attachment") or {}).get("InstanceId"))
        if owner in known and owner not in seen:
            seen.add(owner)
            yield name, known[owner]


def options(network: Network) -> dict[str, Mapping[str, Any]]:
    """Return the metadata options of each instance, by the id of the interface beside which its service stands.

    What is not recorded is what EC2 admits where nobody says otherwise: no token is needed, and one hop.
    """
    return {
        name: {
            "enabled": held.get("HttpEndpoint") != "disabled",
            "tokens": held.get("HttpTokens") == "required",
            "hops": int(held.get("HttpPutResponseHopLimit") or 1),
            "instance": str(instance["InstanceId"]),
        }
        for name, instance in _instances(network)
        for held in [instance.get("MetadataOptions") or {}]
    }
