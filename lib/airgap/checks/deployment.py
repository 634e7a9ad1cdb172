"""The first deployment as a chain: push, registry, pull, running pod, healthy target, live traffic (SUP-01, WEB-01).

Each link is judged by what was seen of it. The chain stops at its first broken link: what comes after that is not
judged. A broken link names its cause, the endpoint, rule, policy, role or object that broke it, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable, NamedTuple

from airgap.checks import deployment_causes, deployment_entry
from airgap.checks.check import Check, NotApplicable, Undecided, check
from airgap.checks.deployment_path import Cause
from airgap.checks.deployment_subject import (
    APPLICATION,
    DEPLOYED_READS,
    POD_READS,
    PUSHED_READS,
    TARGET_READS,
    binding,
    declared_images,
    entry_of,
    named,
    pods,
    pushed,
    subject,
    target_group,
    targets,
    workloads,
)
from airgap.checks.running import running
from airgap.checks.scope import Item
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import repository

REQUEST = "https:Get"
"""The recorded request for live traffic: from where it was asked, of which address, under which server name."""
Seen = Callable[[Intent, Estate], Iterator[str]]
Causes = Callable[[Intent, Estate], Iterator[Cause]]


class Link(NamedTuple):
    """One link: what must be seen, the calls that show it, and why it may be broken with the calls that tell."""

    name: str
    check: str
    title: str
    reads: tuple[str, ...]
    wrong: Seen
    causes: Causes
    cause_reads: tuple[str, ...]
    properties: tuple[str, ...]
    remedy: str


def _not_pushed(intent: Intent, estate: Estate) -> Iterator[str]:
    entry = entry_of(intent, estate)
    if not pushed(intent, estate):
        yield f"{repository(intent, entry)} does not hold {entry.digest}, which the lock pins"


def _not_registered(intent: Intent, estate: Estate) -> Iterator[str]:
    one = subject(intent, estate)
    if not workloads(estate):
        yield f"no Deployment {APPLICATION}/{APPLICATION} names the image"
    for workload in workloads(estate):
        yield from (
            f"the Deployment names {image}, not {one.reference}"
            for image in declared_images(workload)
            if image != one.reference
        )


def _not_pulled(intent: Intent, estate: Estate) -> Iterator[str]:
    one = subject(intent, estate)
    found = pods(estate)
    if not found:
        yield "the Deployment has no pod"
    for pod in found:
        for name, _, image_id in running(pod):
            where = f"pod {pod['metadata']['name']}, container {name}"
            if image_id and image_id.rpartition("@")[2] != one.entry.digest:
                yield f"{where}: it runs {image_id.rpartition('@')[2]}, and {one.entry.digest} was pushed"
            elif not image_id:
                yield f"{where}: {_waits(pod, name) or 'nothing was pulled'}"


def _waits(pod: Item, container: str) -> str:
    for one in dig(pod, "status.containerStatuses") or []:
        waiting = dig(one, "state.waiting") or {}
        if one.get("name") == container and waiting:
            return f"{waiting.get('reason')}: {waiting.get('message', '')}".rstrip(": ")
    return ""


def _not_running(intent: Intent, estate: Estate) -> Iterator[str]:
    for workload in workloads(estate):
        wanted, there = dig(workload, "spec.replicas"), dig(workload, "status.readyReplicas") or 0
        if there != wanted:
            yield f"{there} of {wanted} pods are ready"
    for pod in pods(estate):
        told = [text for name, _, _ in running(pod) if (text := _waits(pod, name))]
        yield from (f"pod {pod['metadata']['name']}: {text}" for text in told)


def _not_healthy(intent: Intent, estate: Estate) -> Iterator[str]:
    if not binding(estate) or not target_group(estate):
        yield "no target group has the pods"
        return
    held, port = targets(estate), intent.edge.target_port
    for pod in pods(estate):
        told = held.get((str(dig(pod, "status.podIP")), port))
        where = f"pod {pod['metadata']['name']} ({dig(pod, 'status.podIP')}:{port})"
        if told is None:
            yield f"{where} is no target of the group"
        elif told.get("State") == "initial":
            raise Undecided(f"{where} is being registered ({told.get('Reason')}); verify again in a minute")
        elif told.get("State") != "healthy":
            yield f"{where} is {told.get('State')}: {told.get('Reason')}: {told.get('Description', '')}".rstrip(": ")


def _not_live(intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of the way in is missing; where nothing is, what the recorded request shows. A rehearsal has none."""
    missing = [one.text for one in deployment_entry.not_entered(intent, estate)]
    if missing:
        yield from missing
    elif intent.embedded:
        raise NotApplicable("the way in is whole; a rehearsal has no packets, so no request can be answered through it")
    else:
        yield from _unanswered(estate.page(REQUEST) or {}, intent)


def _unanswered(told: Mapping[str, Any], intent: Intent) -> Iterator[str]:
    asked = f"asked from {told.get('place', 'nowhere')}, at {told.get('address', 'no address')}"
    if told.get("server_name") != intent.edge.domain:
        yield f"nobody proved to be {intent.edge.domain}: {told.get('refused', 'no handshake')} ({asked})"
        return
    if told.get("protocol") != "TLSv1.3":
        yield f"the connection was {told.get('protocol') or 'not made'}, not TLS 1.3 ({asked})"
    if told.get("status") != 200:
        yield f"{intent.edge.health_path} was answered with {told.get('status')} ({asked})"


def _no_cause(intent: Intent, estate: Estate) -> Iterator[Cause]:
    return iter(())


LINKS: tuple[Link, ...] = (
    Link("push", "deployment-pushed",
         "The application's image was pushed: the registry holds the digest that was locked",
         PUSHED_READS, _not_pushed, deployment_causes.not_pushed, deployment_causes.PUSH_READS,
         ("SUP-01",), "mend the cause, then apply the step images"),
    Link("registry", "deployment-registered",
         "What is deployed names the environment's own registry and the digest that was pushed",
         DEPLOYED_READS, _not_registered, deployment_causes.not_registered, (),
         ("SUP-01",), "apply the step first_deployment"),
    Link("pull", "deployment-pulled",
         "Nodes have pulled that digest from the registry",
         POD_READS, _not_pulled, deployment_causes.not_pulled, deployment_causes.PULL_READS,
         ("SUP-01",), "mend the cause; the nodes try again by themselves"),
    Link("running pod", "deployment-running",
         "Every pod of the application runs and is ready",
         POD_READS, _not_running, deployment_causes.not_running, deployment_causes.RUN_READS,
         ("SUP-01",), "mend the cause, then verify again"),
    Link("target healthy", "deployment-healthy",
         "Every pod is a healthy target of the load balancer's group",
         TARGET_READS, _not_healthy, deployment_entry.not_healthy, deployment_entry.HEALTH_READS,
         ("SUP-01",), "mend the cause; the load balancer asks again by itself"),
    Link("live traffic", "deployment-live",
         "A request under the true server name is answered through certificate, web ACL and load balancer",
         (*TARGET_READS, *deployment_entry.ENTRY_READS, REQUEST), _not_live, _no_cause, (),
         ("WEB-01",), "mend the way in, then verify again from where the load balancer can be asked"),
)  # fmt: skip
"""The chain, in its order."""


def _checked(number: int) -> Check:
    link = LINKS[number]
    reads = dict.fromkeys(call for one in LINKS[: number + 1] for call in one.reads)

    def population(intent: Intent, estate: Estate) -> list[tuple[str, None]]:
        named(intent)
        return [(f"link {number + 1} of {len(LINKS)}: {link.name}", None)]

    @check(
        link.check,
        link.title,
        severity="high",
        properties=link.properties,
        reads=tuple(dict.fromkeys((*reads, *link.cause_reads))),
        remedy=link.remedy,
        over=population,
    )
    def judge(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
        for one in LINKS[:number]:
            if any(True for _ in one.wrong(intent, estate)):
                raise Undecided(f"the link before it, {one.name}, is broken: nothing after it is judged")
        found = False
        for text in link.wrong(intent, estate):
            found = True
            yield text
        if found:
            yield from _told(link, intent, estate)

    return judge


def _told(link: Link, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each cause of a broken link, or that what was read holds none."""
    explained = link.causes is _no_cause
    for one in dict.fromkeys(link.causes(intent, estate)):
        explained = True
        yield f"cause: {one.text}"
    if not explained:
        yield "no cause stands in what was read; look at the events in the cluster and at CloudTrail"


CHECKS: tuple[Check, ...] = tuple(_checked(number) for number in range(len(LINKS)))
