"""The first deployment on real components: its image pushed, mirrored, pulled by digest, run, and asked over HTTPS.

What runs is what the runbook renders, by the lock that the runbook's own mirror makes here; what of it the engine is
not given is said (``lab/reduced``). Proxy, rules and health checks are those that the step ``edge`` declares.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from airgap.errors import AirgapError, UsageError
from airgap.lab import engine as engines
from airgap.lab import images, packages, proxy
from airgap.lab.engine import Engine
from airgap.lab.kernel import inside
from airgap.lab.reduced import Reduced, reduced
from airgap.lab.street import Street, street
from airgap.model import edge
from airgap.model.intent import Intent
from airgap.model.mirror import Lock, private, registry, repository
from airgap.model.probes import ANSWERED, told
from airgap.oci.mirror import raised
from airgap.oci.registry import Repository
from airgap.probes import asker
from airgap.resources import edge_balancer, edge_firewall, edge_listeners
from airgap.run import supply as supplies
from airgap.run.data_planes import fields_of
from airgap.run.supply import Supply

RELEASE = "application"
PUSH, REGISTRY, PULL, RUNNING, HEALTHY, LIVE = (
    "push",
    "registry",
    "pull",
    "running pod",
    "target healthy",
    "live traffic",
)
"""The links of the chain, by the names of the checks that judge it in an account."""
UNSHOWN = (
    "AWS's own rules behind the web ACL: the lab's are the OWASP core set's about the same attacks",
    "ECR's immutable tags and its referrers API, and nodes that pull by their roles",
    "what the cluster itself decides: admission, network policies, autoscaling, the controllers and their webhooks",
    "restarts by liveness, and hooks at a pod's end; chain.json lists all that the engine was not given",
)
"""What of the workload a lab cannot show, for whoever reads what it did."""
KEPT = ("chain.json", "nginx.conf", "rules.conf", "audit.json")
PATIENCE = 15.0
"""Seconds in which a pod must answer as healthy; the declared interval is not waited for."""


@dataclass
class Chain:
    """What was done and seen, link by link, in order; the file has it at each moment."""

    file: Path
    links: list[dict[str, Any]] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def add(self, link: str, said: str, **facts: Any) -> None:
        """Add what was seen of a link."""
        after = round(time.monotonic() - self._began, 2)
        self.links.append({"Link": link, "Said": said, "After": after, "Facts": facts})
        self.file.write_text(json.dumps(self.links, indent=1) + "\n")


@dataclass
class Workload:
    """The deployment as it stands: pods in their namespaces, or why none runs here."""

    supply: Supply
    chain: Chain
    lock: Lock
    reference: str
    given: Reduced
    place: Street
    containers: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    """Whom the engine asked while it pulled."""
    targets: list[str] = field(default_factory=list)
    unusable: str = ""


@contextlib.contextmanager
def standing(intent: Intent, folder: Path, tell: Callable[[str], None] = print) -> Iterator[Workload]:
    """Bring the deployment up to healthy pods, and end it with the context; ``folder`` keeps logs and the record.

    Where this machine runs no container the record says why and no pod stands; any other failure is raised.
    """
    if os.geteuid() != 0:
        raise UsageError("The workload needs namespaces and containers that root alone may make", "anything", "as root")
    if not intent.images.application:
        raise UsageError("The params name no application, so there is nothing to run", "anything", "images.application")
    folder.mkdir(parents=True, exist_ok=True)
    packages.installed(*engines.PACKAGES, *proxy.PACKAGES, tell=tell)
    chain = Chain(folder / "chain.json")
    with contextlib.ExitStack() as stack:
        supply = stack.enter_context(supplies.supply(intent, folder, tell))
        lock, reference = _mirrored(supply, chain)
        given = reduced(supply.render(RELEASE))
        place = stack.enter_context(street(*addresses(intent, len(given.pods))))
        one = Workload(supply, chain, lock, reference, given, place)
        podman = stack.enter_context(engines.engine(folder / "engine", supply.tools(supply.inside)))
        one.unusable = engines.unusable(podman, images.trial(folder))
        if one.unusable:
            chain.add(PULL, f"skipped: {one.unusable}")
        else:
            _run(one, podman)
        yield one


def addresses(intent: Intent, pods: int) -> tuple[str, list[str]]:
    """Return the addresses of the edge and of pods: the tenth and following ones of the declared subnets."""
    network = intent.network
    tiers = {"public": network.public_subnets, "ingress": network.ingress_subnets, "private": network.private_subnets}
    first = tiers[edge.tier(intent)][0]
    private_subnets = network.private_subnets
    found = [str(ip_network(private_subnets[one % len(private_subnets)].cidr)[20 + one]) for one in range(pods)]
    return str(ip_network(first.cidr)[10]), found


def _mirrored(supply: Supply, chain: Chain) -> tuple[Lock, str]:
    """Push, lock and mirror; return the lock, and the reference by digest that manifests name."""
    intent, pushed = supply.intent, supplies.fill(supply)
    chain.add(PUSH, "skopeo pushed the application upstream", image=intent.images.application, digest=pushed)
    lock = supply.lock()
    entry = lock.find(intent.images.application or "")
    if entry is None or entry.digest != pushed:
        raise AirgapError(f"the lock has {entry and entry.digest}, and {pushed} was pushed", "the private registry")
    same = sum(one in lock.entries for one in supplies.environment_lock(intent).entries)
    mirror = supply.mirror()
    raised(mirror.copy(lock))
    there = Repository(mirror.session(registry(intent)), repository(intent, entry)).digest(entry.digest)
    if there != pushed:
        raise AirgapError(f"the private registry has {there or 'nothing'}, and {pushed} was pushed", "anything else")
    said = f"the lock was made and mirrored: {len(lock.entries)} entries, {same} of them as reviewed beside the params"
    chain.add(REGISTRY, said, repository=repository(intent, entry), digest=there, attached=list(entry.signatures))
    return lock, private(intent, entry)


def _run(one: Workload, podman: Engine) -> None:
    """Pull by digest, run every pod in its namespace, and wait until each is healthy."""
    before = len(one.supply.inside.asked)
    digest = podman.pull(one.reference)
    one.asked = sorted({name for name, _ in one.supply.inside.asked[before:]})
    one.chain.add(PULL, "the engine pulled it by digest", image=one.reference, digest=digest, asked=one.asked)
    for name in sorted({name for name, _ in one.given.secrets}):
        podman.secret(name, {key: secrets.token_hex(16) for each, key in one.given.secrets if each == name})
    for pod, space in zip(one.given.pods, one.place.pods, strict=True):
        one.containers += podman.play(pod, space)
    for container in one.containers:
        held = engines.enforced(container)
        facts = {"container": container["Name"], "image": container["ImageName"], **held}
        one.chain.add(RUNNING, "the kernel holds it to what is declared", **facts)
    one.chain.add(RUNNING, "what of the manifests the engine was not given", left_out=list(one.given.left_out))
    _await_healthy(one, podman)


def _await_healthy(one: Workload, podman: Engine) -> None:
    """Ask every pod as the declared target group does, from where the load balancer stands."""
    group = fields_of(one.supply.intent, edge_balancer.declare)["target-group:app"]
    probe = {"name": "health", "kind": "http", "clear": True, "port": group["port"], "path": group["health_path"],
             "headers": {"User-Agent": "ELB-HealthChecker/2.0"}}  # fmt: skip
    codes = group["health_codes"].split(",")
    for address in one.place.targets:
        end, good = time.monotonic() + PATIENCE, 0
        while good < group["healthy_after"]:
            with inside(one.place.edge):
                answer = asker.attempt({**probe, "to": address}, None)
            healthy = answer["outcome"] == ANSWERED and answer["detail"].split()[0] in codes
            good = good + 1 if healthy else 0
            if time.monotonic() > end:
                said = " ".join(podman.logs(each["Name"]) for each in one.containers)[-400:]
                raise AirgapError(f"the pod at {address} is not healthy: {answer['detail']} {said}", "anything else")
            time.sleep(0 if healthy else 0.05)
        one.targets.append(f"{address}:{group['port']}")
        said = f"{group['health_path']} was answered {group['healthy_after']} times as declared"
        one.chain.add(HEALTHY, said, target=one.targets[-1], codes=group["health_codes"])


@contextlib.contextmanager
def entrance(
    one: Workload, listeners: Sequence[Mapping[str, Any]] = (), rules: Iterable[Mapping[str, Any]] | None = None
) -> Iterator[proxy.Configuration]:
    """Put the proxy before the healthy pods, with the declared listeners and rules unless others are given."""
    intent = one.supply.intent
    declared = fields_of(intent, edge_listeners.declare)
    served = listeners or [declared["listener:https"], declared["listener:http"]]
    folder = one.supply.folder / f"proxy-{secrets.token_hex(2)}"
    pem = one.supply.authority.issue([intent.edge.domain])
    acl = list(edge_firewall.rules(intent) if rules is None else rules)
    made = proxy.configured(served, acl, one.place.address, one.targets, pem, folder)
    ports = [int(each["port"]) for each in served]
    with proxy.proxy(made, one.place.address, ports, one.place.edge, folder):
        yield made


def show(intent: Intent, folder: Path, tell: Callable[[str], None] = print) -> list[dict[str, Any]]:
    """Bring the deployment up, try it, take it down, and return what came of each attempt (``model.probes``).

    The ordered record of the chain stays in ``folder`` as ``chain.json``, beside logs and the proxy's configuration.
    """
    try:
        return _shown(intent, folder, tell)
    finally:
        _tidy(folder)


def _tidy(folder: Path) -> None:
    """Leave logs, the record and the proxy's configuration, and nothing of what was copied, nor any password."""
    for one in sorted(folder.rglob("*"), reverse=True):
        if one.is_dir() and not one.is_symlink():
            with contextlib.suppress(OSError):
                one.rmdir()
        elif one.suffix != ".log" and one.name not in KEPT:
            one.unlink()


def _shown(intent: Intent, folder: Path, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    from airgap.run import workload_probes

    with standing(intent, folder, tell) as one:
        found = [*workload_probes.registry(one), *workload_probes.running(one)]
        if one.unusable:
            return [*found, *workload_probes.skipped(one)]
        with entrance(one) as made:
            met = workload_probes.entry(one)
        by_name = {each["name"]: each for each in met}
        good = sum(told(each, by_name)[0] == "pass" for each in met)
        said = f"a client at the entrance: {good} of {len(met)} attempts came to what they must"
        attempts = {name: f"{each['outcome']}: {each['detail']}" for name, each in by_name.items()}
        one.chain.add(LIVE, said, not_stood_in_for=list(made.left_out), attempts=attempts)
    return [*found, *met]
