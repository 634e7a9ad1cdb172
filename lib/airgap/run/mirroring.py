"""The mirror of an environment: what its charts and params name, locked, copied, saved and loaded."""

from __future__ import annotations

from collections.abc import Iterable

from airgap.cloud.session import Cloud
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, registry, repository
from airgap.oci.mirror import Mirror, raised
from airgap.oci.records import Records
from airgap.oci.session import Clock
from airgap.oci.ways import network

PLATFORMS = {"AL2023_x86_64_STANDARD": "linux/amd64", "AL2023_ARM_64_STANDARD": "linux/arm64"}
"""What an image must be made for, by the machine image of the nodes that run it."""


def mirror_of(cloud: Cloud, intent: Intent) -> Mirror:
    """Return the mirror of an environment, which asks as the cloud's caller and records where the cloud records."""
    recorder, clock = cloud.recorder, cloud.clock
    return Mirror(
        registry(intent),
        cloud.registry_token,
        lambda entry: repository(intent, entry),
        network(cloud.world, registry(intent)),
        Records(recorder.journal.append, recorder.pages.keep, cloud.world, cloud.account, cloud.region, recorder.now),
        Clock(clock.now, clock.sleep),
        cloud.stop,
        platforms(intent),
    )


def platforms(intent: Intent) -> tuple[str, ...]:
    """Return the platforms that every image must have: those of the node groups."""
    return tuple(sorted({PLATFORMS[group.ami_type] for group in intent.cluster.node_groups}))


def copy(mirror: Mirror, entries: Iterable[Entry]) -> None:
    """Copy what the mirror lacks of some entries; raises what went wrong."""
    raised(mirror.copy(Lock(tuple(entries))))
