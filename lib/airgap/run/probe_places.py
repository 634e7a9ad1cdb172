"""Where the services of an environment stand, for live probes: what its latest run recorded, and whom they trust."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from airgap.egress.facts import Facts
from airgap.errors import AirgapError
from airgap.model import data_stores
from airgap.model.edge import HTTPS, balancer
from airgap.model.intent import Intent
from airgap.model.mirror import Lock, repository
from airgap.model.probe_list import OTHERS, RDS, Endpoint, Image, Places
from airgap.run import pinned
from airgap.run.estates import documents

CACHE_PORT = 6379


def places(root: Path, intent: Intent) -> Places:
    """Return where services stand and what hosts are, by the latest run; nowhere where there was none."""
    from airgap.run.context import reports_root

    source = reports_root(root) / intent.environment / "latest"
    if not source.exists():
        return Places()
    facts = Facts(documents(source.resolve()))
    return Places(
        database=_database(facts, intent), cache=_cache(facts, intent), entry=_entry(facts, intent),
        image=_image(root, intent), roles=roles(facts),
    )  # fmt: skip


def roles(facts: Facts) -> dict[str, str]:
    """Return what each instance is, by its own id and by those of its interfaces."""
    found = {}
    for one in facts.items("Reservations"):
        for instance in one.get("Instances") or []:
            tags = {str(tag["Key"]): str(tag["Value"]) for tag in instance.get("Tags") or []}
            node = "eks:nodegroup-name" in tags
            host = tags.get("airgap:key") == "instance:operations-host"
            found[str(instance["InstanceId"])] = "node" if node else "host" if host else "instance"
    for one in facts.items("NetworkInterfaces"):
        owner = str((one.get("Attachment") or {}).get("InstanceId"))
        if owner in found:
            found[str(one["NetworkInterfaceId"])] = found[owner]
    return found


def _answered(facts: Facts, call: str, member: str) -> Iterable[Mapping[str, Any]]:
    return (item for one in facts.asked(call) for item in one.body.get(member) or [])


def _database(facts: Facts, intent: Intent) -> Endpoint | None:
    for one in _answered(facts, "rds:DescribeDBInstances", "DBInstances"):
        if one.get("DBInstanceIdentifier") == intent.data.postgres_name and one.get("Endpoint"):
            return Endpoint(str(one["Endpoint"]["Address"]), int(one["Endpoint"].get("Port", data_stores.PORT)))
    return None


def _cache(facts: Facts, intent: Intent) -> Endpoint | None:
    for one in _answered(facts, "elasticache:DescribeReplicationGroups", "ReplicationGroups"):
        first: Mapping[str, Any] = next(iter(one.get("NodeGroups") or []), {})
        end = one.get("ConfigurationEndpoint") or first.get("PrimaryEndpoint")
        if end and one.get("ReplicationGroupId") == intent.name("cache"):
            return Endpoint(str(end["Address"]), int(end.get("Port", CACHE_PORT)))
    return None


def _entry(facts: Facts, intent: Intent) -> Endpoint | None:
    for one in _answered(facts, "elbv2:DescribeLoadBalancers", "LoadBalancers"):
        if one.get("LoadBalancerName") == balancer(intent):
            return Endpoint(str(one["DNSName"]), HTTPS)
    return None


def _image(root: Path, intent: Intent) -> Image | None:
    """Return the application's image by the lock; None where the params name none, or nothing is pinned."""
    try:
        lock = Lock.from_data(pinned.read_lock(root, intent))
    except AirgapError:
        return None
    found = lock.find(intent.images.application) if intent.images.application else None
    return Image(repository(intent, found), found.digest) if found else None


def authorities(intent: Intent) -> dict[str, str]:
    """Return the certificates that probes trust, in PEM, by name: RDS's of the Region, and of another as strangers."""
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificates

    from airgap.resources.packages import AUTHORITIES, CODE

    given = intent.data.rds_authorities or ""
    every = load_pem_x509_certificates((given + (CODE / AUTHORITIES).read_text()).encode())
    named = [(one.subject.rfc4514_string(), one.public_bytes(Encoding.PEM).decode()) for one in every]
    others = next((pem for name, pem in named if f" {intent.region} " not in name and pem not in given), "")
    own = [pem for name, pem in named if f" {intent.region} " in name]
    return {RDS: given or "".join(own), OTHERS: others}
