"""The first deployment as a chain: each link with what was seen of it, how it stands, and what broke it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airgap.checks import deployment
from airgap.checks.check import OPEN, NotApplicable
from airgap.checks.deployment_subject import (
    BINDINGS,
    binding,
    declared_images,
    named,
    pods,
    pushed,
    targets,
    workloads,
)
from airgap.checks.running import running
from airgap.model.canonical import dig
from airgap.model.finding import FAIL
from airgap.model.observation import NotObserved
from airgap.views.look import Look
from airgap.views.table import STATUS, Code, Facts, Table, not_read

CHAIN_READS = tuple(dict.fromkeys(call for one in deployment.CHECKS for call in one.reads))
APPLICATION_READS = (BINDINGS,)
COLUMNS = ("link", "what was seen", "how it stands", "what is so, and what to do")


def chain(look: Look) -> Table:
    """Return the links in their order; after the first broken one nothing is judged."""
    rows: list[Any] = []
    for link, one in zip(deployment.LINKS, deployment.CHECKS, strict=True):
        for found in one.findings(look.intent, look.estate):
            told: Any = found.message
            if found.status == FAIL:
                told = tuple(found.message.split("; cause: "))
            rows.append((link.name, _seen(link.name, look), STATUS[found.status], told))
    return Table("The chain", COLUMNS, rows)


def _seen(name: str, look: Look) -> Any:
    """Return the facts of one link; what was not read is said, and why."""
    try:
        return _SEEN[name](look)
    except NotObserved as cause:
        return not_read(f"{cause.call}: {cause.reason}")
    except OPEN:
        return ""


def _pushed(look: Look) -> Any:
    told = pushed(look.intent, look.estate)
    return (Code(told["imageDigest"]), f"pushed {told.get('imagePushedAt')}") if told else ""


def _deployed(look: Look) -> Any:
    return tuple(Code(image) for workload in workloads(look.estate) for image in declared_images(workload))


def _pulled(look: Look) -> Any:
    return tuple(
        f"{pod['metadata']['name']} on {dig(pod, 'spec.nodeName')}: {image_id.rpartition('@')[2] or 'nothing'}"
        for pod in pods(look.estate)
        for _, _, image_id in running(pod)
    )


def _ran(look: Look) -> Any:
    return tuple(f"{pod['metadata']['name']}: {dig(pod, 'status.phase')}" for pod in pods(look.estate))


def _registered(look: Look) -> Any:
    found = targets(look.estate)
    return tuple(f"{address}:{port} {told.get('State')}" for (address, port), told in sorted(found.items()))


def _asked(look: Look) -> Any:
    if look.intent.embedded:
        return "no request: a rehearsal has no packets"
    told = look.estate.page(deployment.REQUEST) or {}
    return (f"from {told.get('place')}, at {told.get('address')}", f"{told.get('protocol')}, {told.get('status')}")


_SEEN: dict[str, Callable[[Look], Any]] = {
    "push": _pushed,
    "registry": _deployed,
    "pull": _pulled,
    "running pod": _ran,
    "target healthy": _registered,
    "live traffic": _asked,
}


def application(look: Look) -> Facts:
    """Return what is released, from which image, and to which target group its pods are bound."""
    try:
        source = named(look.intent)
    except NotApplicable as cause:
        return Facts("The application", [("release", str(cause))])
    intent, edge = look.intent, look.intent.edge
    bound = dig(binding(look.estate), "spec.targetGroupARN") or "not bound yet"
    return Facts(
        "The application",
        [
            ("image", Code(source)),
            ("chart", Code(intent.images.charts["application"])),
            ("namespace", Code("application")),
            ("port and health check", f"{edge.target_port}, {edge.health_path}"),
            ("secret", Code(intent.secrets.external_secret)),
            ("target group", Code(str(bound))),
            ("asked for as", f"https://{edge.domain}{edge.health_path}"),
        ],
    )
