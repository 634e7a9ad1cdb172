"""The table of contents of the product: every step, what it declares, and the checks that judge it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from airgap.checks import suite
from airgap.checks.check import Check
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources import controllers, identity, network
from airgap.resources.ai import AI
from airgap.resources.cluster import CLUSTER
from airgap.resources.data import DATA
from airgap.resources.edge import EDGE
from airgap.resources.endpoints import ENDPOINTS
from airgap.resources.first_deployment import FIRST_DEPLOYMENT
from airgap.resources.images import IMAGES
from airgap.resources.kind import Declaration, Kind
from airgap.resources.pipeline import PIPELINE
from airgap.resources.secrets import SECRETS


@dataclass(frozen=True)
class Step:
    """One notebook's worth of the environment."""

    number: int
    name: str
    title: str
    needs: tuple[str, ...] = ()
    declarations: tuple[Declaration, ...] = ()
    checks: tuple[Check, ...] = ()
    attests: bool = False
    """Whether it judges every step again, over the whole table of read calls."""

    @property
    def folder(self) -> str:
        """The name of its notebook and of its folder in a run, as ``02_network``."""
        return f"{self.number:02d}_{self.name}"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that it may declare."""
        return tuple(dict.fromkeys(kind for one in self.declarations for kind in one.kinds))

    @property
    def facts(self) -> tuple[str, ...]:
        """The calls that its declarations read before they can say what is wanted."""
        return tuple(dict.fromkeys(call for one in self.declarations for call in one.reads))

    def desired(self, intent: Intent, facts: Estate) -> Iterator[Desired]:
        """Yield every resource that the step wants."""
        for declaration in self.declarations:
            yield from declaration(intent, facts)


STEPS: tuple[Step, ...] = (
    Step(0, "preflight", "Preflight: what would fail later, told before the first write", checks=suite.PREFLIGHT),
    Step(
        1,
        "identity",
        "Identity: roles and keys",
        declarations=identity.IDENTITY,
        checks=suite.IDENTITY,
    ),
    Step(
        2,
        "network",
        "Network: a VPC without a way out",
        needs=("identity",),
        declarations=network.NETWORK,
        checks=suite.NETWORK,
    ),
    Step(
        3,
        "endpoints",
        "Endpoints: the only doors, each with its policy",
        needs=("network",),
        declarations=ENDPOINTS,
        checks=suite.ENDPOINTS,
    ),
    Step(
        4,
        "cluster",
        "Cluster: Kubernetes without a public address",
        needs=("endpoints",),
        declarations=CLUSTER,
        checks=suite.CLUSTER,
    ),
    Step(
        5,
        "images",
        "Images: mirrored by digest into a registry of our own",
        needs=("identity",),
        declarations=IMAGES,
        checks=suite.IMAGES,
    ),
    Step(
        6,
        "controllers",
        "Controllers: nothing runs that was not mirrored",
        needs=("cluster", "images"),
        declarations=(controllers.declare,),
        checks=suite.CONTROLLERS,
    ),
    Step(
        7,
        "data",
        "Data: stores without an address, encrypted and recoverable",
        needs=("endpoints",),
        declarations=DATA,
        checks=suite.DATA,
    ),
    Step(
        8,
        "secrets",
        "Secrets: passwords that nobody has seen",
        needs=("data", "controllers"),
        declarations=SECRETS,
        checks=suite.SECRETS,
    ),
    Step(
        9,
        "edge",
        "Edge: one entrance, by TLS and through a web ACL",
        needs=("network",),  # a load balancer takes minutes, and knows nothing of the cluster behind it
        declarations=EDGE,
        checks=suite.EDGE,
    ),
    Step(
        10,
        "ai",
        "AI: models by name, behind a guardrail, and nothing that is said leaves",
        needs=("endpoints",),
        declarations=AI,
        checks=suite.AI,
    ),
    Step(
        11,
        "pipeline",
        "Pipeline: releases get in, and nothing gets out",
        needs=("endpoints",),
        declarations=PIPELINE,
        checks=suite.PIPELINE,
    ),
    Step(
        12,
        "first_deployment",
        "First deployment: one chain, link after link",
        needs=("controllers", "edge", "secrets", "pipeline"),
        declarations=FIRST_DEPLOYMENT,
        checks=suite.FIRST_DEPLOYMENT,
    ),
    Step(
        13,
        "attest",
        "Attestation: everything verified again",
        needs=("controllers", "edge", "pipeline", "ai", "data", "secrets", "first_deployment"),
        checks=suite.ATTEST,
        attests=True,
    ),
)
