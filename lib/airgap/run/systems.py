"""The systems that a step reads and writes: AWS's API, and what stands inside the VPC, behind one pair of calls."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airgap.cloud.session import Cloud
from airgap.errors import AirgapError, MissingPredecessor, Unreachable
from airgap.model import observation as obs
from airgap.model.canonical import dig
from airgap.model.cluster import ADMIN_POLICY, deployer_role, role_arn
from airgap.model.inference import models
from airgap.model.intent import Intent
from airgap.model.mirror import Entry
from airgap.model.observation import Observation
from airgap.resources import releases
from airgap.run import beside, live_traffic, pinned, trying

if TYPE_CHECKING:
    from airgap.kube.cluster import Cluster
    from airgap.kube.reach import Way
    from airgap.oci.mirror import Mirror

KUBERNETES, COPY = "kubernetes", "oci:Copy"
OF_MODELS = {"bedrock:GetFoundationModel": "modelIdentifier", "bedrock:GetFoundationModelAvailability": "modelId"}
"""Calls that are made for declared models alone, with the parameter that names one: Bedrock offers a hundred others."""


@dataclass
class Systems:
    """What the run may ask and change; a call's service says which system answers it."""

    cloud: Cloud
    intent: Intent
    root: Path
    page: Callable[[str], Mapping[str, Any]]
    account: str = ""
    region: str = ""
    stop: threading.Event = field(default_factory=threading.Event)
    _cluster: Cluster | None = None
    tries: bool = False
    """Whether test calls may be made: in mode apply."""
    _mirror: Mirror | None = None
    _elevated: bool = False
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Stand where the cloud stands."""
        self.account, self.region, self.stop = self.cloud.account, self.cloud.region, self.cloud.stop
        self._trying = trying.Trying(self.cloud, self.intent, self.page, self._tunnel, self.tries)

    def client(self, service: str, region: str = "") -> Any:
        """Return the botocore client of a service, for reading only."""
        return self.cloud.client(service, region)

    def nothing_to_read(self, call: str, listed: str, **how: Any) -> list[Observation]:
        """Record that there was nothing to ask for."""
        return self.cloud.nothing_to_read(call, listed, **how)

    def read(self, call: str, params: Mapping[str, Any], **how: Any) -> list[Observation]:
        """Make one read call where it is answered; what cannot be reached is an observation too."""
        if call in pinned.READS:
            return self._file(call, params)
        if call in beside.KEPT:
            return [beside.observe(call, self.cloud, self.root, self.intent)]
        if call.startswith(trying.PREFIX):
            return [self._trying.read(call)]
        if call in OF_MODELS and params.get(OF_MODELS[call]) not in models(self.intent):
            return []
        if call == live_traffic.REQUEST:
            return [live_traffic.observe(self.cloud, self.intent, self.page, self._tunnel)]
        if not call.startswith(f"{KUBERNETES}:"):
            return self.cloud.read(call, params, **how)
        if params.get("cluster") != self.intent.cluster.name:
            return []
        try:
            return self.cluster().read(call, params, absent=how.get("absent", ()))
        except (Unreachable, MissingPredecessor) as cause:
            return [self.cloud.unanswered(call, params, f"{cause.what}; next: {cause.action}", vantage="vpc")]

    def _file(self, call: str, params: Mapping[str, Any]) -> list[Observation]:
        """Record what a file of this environment says, in its present form, or that there is none."""
        if not pinned.lock_file(self.root, self.intent.environment).exists():
            return [self.cloud.unanswered(call, params, "no image is locked yet", vantage="file", status=obs.ABSENT)]
        if params.get("release") not in (None, *(one.name for one in releases.every(self.intent))):
            return [self.cloud.unanswered(call, params, "it is not released here", vantage="file", status=obs.ABSENT)]
        try:
            body = pinned.READS[call](self.root, self.intent, params)
        except AirgapError as cause:
            return [self.cloud.unanswered(call, params, f"{cause.what}; next: {cause.action}", vantage="file")]
        asked = self.cloud.asked(call, params, "regional", "file") | {"system": "file"}
        return [self.cloud.recorder.answered(asked, body, (), {}, "")]

    def write(self, call: str, params: Mapping[str, Any], *, resource: str = "", retry: tuple[str, ...] = (),
              ignore: tuple[str, ...] = ()) -> dict[str, Any]:  # fmt: skip
        """Make one write call where it is answered; a copy is journalled as the requests that it takes."""
        if call == COPY:
            self._copy(Entry.from_data(params["entry"]))
            return {}
        if not call.startswith(f"{KUBERNETES}:"):
            return self.cloud.write(call, params, resource=resource, retry=retry, ignore=ignore)
        self._elevate()
        # EKS lets a caller in some seconds after it was told to.
        return self.cluster().write(call, params, resource=resource, retry=(*retry, "Forbidden"))

    def _copy(self, entry: Entry) -> None:
        """Copy one image or chart into the environment's registry, with all that refers to it."""
        from airgap.run.mirroring import copy, mirror_of

        self.cloud.may_write()
        with self._lock:
            self._mirror = self._mirror or mirror_of(self.cloud, self.intent)
        copy(self._mirror, (entry,))

    def _elevate(self) -> None:
        """Let the deployer administer the cluster for as long as this step writes in it; ``lower`` takes it back.

        Whoever makes a role in a cluster must have every right that is in it, so no standing role could do this.
        """
        with self._lock:
            if not self._elevated:
                self._associate("eks:AssociateAccessPolicy", accessScope={"type": "cluster"})
                self._elevated = True

    def lower(self) -> None:
        """Take back what ``_elevate`` gave, after an interruption too: the one write that it leaves to be made."""
        with self._lock:
            if not self._elevated:
                return
            interrupted = self.stop.is_set()
            self.stop.clear()
            try:
                self._associate("eks:DisassociateAccessPolicy")
                self._elevated = False
            finally:
                if interrupted:
                    self.stop.set()

    def _associate(self, call: str, **more: Any) -> None:
        policy = f"arn:{self.intent.partition}:eks::aws:cluster-access-policy/{ADMIN_POLICY}"
        principal = role_arn(self.intent, deployer_role(self.intent))
        named = {"clusterName": self.intent.cluster.name, "principalArn": principal, "policyArn": policy}
        self.cloud.write(call, {**named, **more}, resource="access-entry:deployer")

    def cluster(self) -> Cluster:
        """Return the cluster of the params, connected; raises where there is none or no way to it."""
        from airgap.kube.cluster import Cluster

        with self._lock:
            if self._cluster is None:
                self._cluster = Cluster(
                    self.intent.cluster.name,
                    self.account,
                    self.region,
                    self.cloud.world,
                    self.endpoint(),
                    self.way(),
                    self.cloud.cluster_token(self.intent.cluster.name),
                    self.cloud.recorder,
                    principal=self.cloud.principal,
                    stop=self.stop,
                    sleep=self.cloud.clock.sleep,
                    may_write=self.cloud.may_write,
                )
            return self._cluster

    def close(self) -> None:
        """End the ways that were opened."""
        if self._cluster is not None:
            self._cluster.close()
            self._cluster = None
        self._trying.close()
        if self._mirror is not None:
            self._mirror.network.close()
            self._mirror = None

    def endpoint(self) -> Any:
        """Return the cluster's host and its own authority."""
        import base64

        from airgap.kube.cluster import Endpoint

        name = self.intent.cluster.name
        seen = self.cloud.read("eks:DescribeCluster", {"name": name}, absent=("ResourceNotFoundException",))[-1]
        cluster = dig(self.page(seen.page), "cluster") if seen.status == obs.OK else None
        if not cluster or not cluster.get("endpoint"):
            raise MissingPredecessor(
                f"Cluster {name} does not exist", "anything in it", "run 04_cluster in mode apply first"
            )
        host = str(cluster["endpoint"]).removeprefix("https://")
        return Endpoint(host, base64.b64decode(cluster["certificateAuthority"]["data"]).decode())

    def way(self) -> Way:
        """Return the way to what stands inside: directly, where it answers, or through the operations host."""
        from airgap.kube.reach import Embedded, Inside, embedded_listener

        if self.cloud.world != "aws":
            return Embedded(embedded_listener(os.environ["AWS_ENDPOINT_URL"]))
        return Inside(self._tunnel())

    def _tunnel(self) -> Way:
        from airgap.kube.tunnel import SessionManager

        endpoint = str(self.cloud.client("ssm").meta.endpoint_url)
        return SessionManager(self._operations_host(), self.region, self.cloud.start_session, endpoint)

    def _operations_host(self) -> str:
        """Return the instance id of the operations host, '' where there is none."""
        wanted = [
            {"Name": "tag:airgap:environment", "Values": [self.intent.environment]},
            {"Name": "tag:airgap:key", "Values": ["instance:operations-host"]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        seen = self.cloud.read("ec2:DescribeInstances", {"Filters": wanted})[-1]
        found = dig(self.page(seen.page), "Reservations[].Instances[].InstanceId") if seen.status == obs.OK else []
        return str(found[0]) if found else ""
