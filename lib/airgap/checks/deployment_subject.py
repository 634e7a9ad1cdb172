"""What the first deployment is about: the application's locked image, its Deployment, its pods and its target group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from airgap.checks.check import NotApplicable, Undecided
from airgap.checks.registry import IMAGES, LISTED, LOCK, images_of, lock
from airgap.checks.running import PODS, objects
from airgap.checks.scope import Item, every
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, registry, repository

APPLICATION = "application"
"""The namespace of the application, its release, and the name of its Deployment and Service."""
DEPLOYMENTS = "kubernetes:ListDeployments"
BINDINGS = "kubernetes:ListTargetGroupBindings"
TARGET_GROUPS, HEALTH = "elbv2:DescribeTargetGroups", "elbv2:DescribeTargetHealth"

PUSHED_READS = (LOCK, LISTED, IMAGES)
DEPLOYED_READS = (*PUSHED_READS, DEPLOYMENTS)
POD_READS = (*DEPLOYED_READS, PODS)
TARGET_READS = (*POD_READS, BINDINGS, TARGET_GROUPS, HEALTH)


class Subject(NamedTuple):
    """The application as it was meant: its entry of the lock, its repository, and the reference that pods must have."""

    entry: Entry
    repository: str
    reference: str


def named(intent: Intent) -> str:
    """Return the application's image; raises ``NotApplicable`` where the params name none."""
    if not intent.images.application:
        raise NotApplicable("the params name no application: another pipeline brings it")
    return intent.images.application


def entry_of(intent: Intent, estate: Estate) -> Entry:
    """Return what the lock pins for the application; raises ``Undecided`` where it pins nothing."""
    found = lock(estate).find(named(intent))
    if found is None:
        raise Undecided(f"the lock pins no {intent.images.application}; run 'airgap mirror lock'")
    return found


def pushed(intent: Intent, estate: Estate) -> Mapping[str, Any]:
    """Return what the registry says of the locked image, empty where it does not hold it."""
    entry = entry_of(intent, estate)
    name = repository(intent, entry)
    if entry.digest not in images_of(name, estate):
        return {}
    page = estate.page(IMAGES, repositoryName=name) or {}
    return next(dict(one) for one in page["imageDetails"] if one["imageDigest"] == entry.digest)


def subject(intent: Intent, estate: Estate) -> Subject:
    """Return the application as the lock pins it."""
    entry = entry_of(intent, estate)
    place = repository(intent, entry)
    return Subject(entry, place, f"{registry(intent)}/{place}:{entry.tag}@{entry.digest}")


def workloads(estate: Estate) -> list[Item]:
    """Return the application's Deployment, where there is one."""
    return [one for one in objects(estate, DEPLOYMENTS) if _own(one)]


def _own(workload: Item) -> bool:
    meta = workload["metadata"]
    return (meta.get("namespace"), meta["name"]) == (APPLICATION, APPLICATION)


def pods(estate: Estate) -> list[Item]:
    """Return the application's pods, by the selectors of its Deployments; those that have ended are left out."""
    selectors = [dig(one, "spec.selector.matchLabels") or {} for one in workloads(estate)]
    return [
        one
        for one in objects(estate, PODS)
        if one["metadata"].get("namespace") == APPLICATION
        and dig(one, "status.phase") not in ("Succeeded", "Failed")
        and not one["metadata"].get("deletionTimestamp")
        and any(each and each.items() <= (one["metadata"].get("labels") or {}).items() for each in selectors)
    ]


def declared_images(workload: Item) -> Iterator[str]:
    """Yield the image of each container that a workload declares."""
    for member in ("initContainers", "containers"):
        for one in dig(workload, f"spec.template.spec.{member}") or []:
            yield str(one.get("image"))


def condition(item: Item, kind: str) -> Mapping[str, Any]:
    """Return a condition of an object's status, empty where it has none of this kind."""
    found = dig(item, "status.conditions") or []
    return next((one for one in found if one.get("type") == kind), {})


def binding(estate: Estate) -> Item:
    """Return the object that binds the application's pods to a target group, empty where there is none."""
    found = [one for one in objects(estate, BINDINGS) if one["metadata"].get("namespace") == APPLICATION]
    return found[0] if found else {}


def target_group(estate: Estate) -> Item:
    """Return the target group that the application's pods are bound to, empty where there is none."""
    arn = dig(binding(estate), "spec.targetGroupARN")
    found = [one for one in every(estate, TARGET_GROUPS, "TargetGroups") if one.get("TargetGroupArn") == arn]
    return found[0] if found else {}


def targets(estate: Estate) -> dict[tuple[str, int], Mapping[str, Any]]:
    """Return the health of each target of the application's group, by address and port."""
    group = target_group(estate)
    if not group:
        return {}
    listed = estate.items(HEALTH, "TargetHealthDescriptions", TargetGroupArn=group["TargetGroupArn"])
    return {(one["Target"]["Id"], int(one["Target"]["Port"])): one.get("TargetHealth") or {} for one in listed}
