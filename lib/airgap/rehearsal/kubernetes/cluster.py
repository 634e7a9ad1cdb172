"""One cluster: its objects, the rules that hold for them, and what it knows of the world around it."""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable

from airgap.rehearsal.kubernetes.authorization import Authorizer
from airgap.rehearsal.kubernetes.discovery import OpenAPI
from airgap.rehearsal.kubernetes.kinds import Kind, Kinds, core
from airgap.rehearsal.kubernetes.patches import Strategic
from airgap.rehearsal.kubernetes.refusals import not_found
from airgap.rehearsal.kubernetes.schemas import Schema, Schemas
from airgap.rehearsal.kubernetes.setting import ClusterFacts, Surroundings
from airgap.rehearsal.kubernetes.store import Object, Store
from airgap.rehearsal.kubernetes.validation import Validation

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
FIRST_ADDRESS = 20
FIRST_NODE_PORT = 30100


def suffix(length: int = 5) -> str:
    """Return letters as the API server ends generated names with."""
    return "".join(secrets.choice(_LETTERS) for _ in range(length))


class Cluster:
    """What handlers and controllers share; every use is under ``store.changed``."""

    def __init__(self, facts: ClusterFacts, around: Surroundings) -> None:
        self.around = around
        self.store = Store()
        self.authorizer = Authorizer(self.store)
        self.learn(facts)
        self.orders: deque[Callable[[], None]] = deque()
        self._addresses = FIRST_ADDRESS
        self._node_ports = FIRST_NODE_PORT

    def learn(self, facts: ClusterFacts) -> None:
        """Take on what EKS knows now; another version brings its own schemas."""
        self.facts = facts
        self.schemas = Schemas(facts.version)
        self.validation = Validation(self.schemas)
        self.strategic = Strategic(self.schemas)
        self.openapi = OpenAPI(self.store.kinds, self.schemas)

    @property
    def kinds(self) -> Kinds:
        """The resources that are served now."""
        return self.store.kinds

    def schema(self, kind: Kind, version: str) -> Schema:
        """Return the schema of a kind in a version; a custom kind's has the metadata that every object has."""
        if not kind.custom:
            return self.schemas.of(kind.group, version, kind.name)
        own = kind.schemas.get(version, {})
        meta = {"$ref": "#/$defs/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
        return {**own, "properties": {**own.get("properties", {}), "metadata": meta}}

    def need(self, kind: Kind, namespace: str, name: str) -> Object:
        """Return an object; a Refusal (404) where there is none."""
        item = self.store.get(kind, namespace, name)
        if item is None:
            raise not_found(kind, name)
        return item

    def namespace(self, name: str) -> Object | None:
        """Return a namespace's object, None where there is none."""
        return self.store.get(core("Namespace"), "", name)

    def address(self) -> str:
        """Return a service address that is free, of EKS's default range 172.20.0.0/16."""
        self._addresses += 1
        return f"172.20.{self._addresses // 250}.{self._addresses % 250 + 1}"

    def node_port(self) -> int:
        """Return a node port that is free."""
        self._node_ports += 1
        return self._node_ports

    def status(self, kind: Kind, item: Object, status: Object) -> Object:
        """Write the status of an object as its controller does: nothing changes where it says the same."""
        live = self.store.get(kind, item["metadata"].get("namespace", ""), item["metadata"]["name"])
        if live is None or live["metadata"]["uid"] != item["metadata"]["uid"]:
            return item
        return self.store.put(kind, {**live, "status": status})
