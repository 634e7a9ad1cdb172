"""The Kubernetes API of one cluster: one request in, one answer out, or a stream of changes.

No thread of its own: controllers act before each request is answered and while watches wait, so what a write answers is
what was written, and what follows from it comes after, by the rehearsal's latencies.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from typing import Any

from airgap.rehearsal.faces import Answered
from airgap.rehearsal.faces import Asked as Incoming
from airgap.rehearsal.kubernetes import (
    addons,
    birth,
    deleting,
    discovery,
    reading,
    requests,
    reviews,
    subresources,
    writing,
)
from airgap.rehearsal.kubernetes.authorization import Asked
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.controllers import Loop
from airgap.rehearsal.kubernetes.identities import User, caller
from airgap.rehearsal.kubernetes.kinds import Kind
from airgap.rehearsal.kubernetes.refusals import Refusal, no_such_path, not_allowed
from airgap.rehearsal.kubernetes.requests import Request
from airgap.rehearsal.kubernetes.setting import ClusterFacts, Surroundings
from airgap.rehearsal.kubernetes.store import Object

_JSON = {"Content-Type": "application/json"}


def _answer(code: int, document: Any, warnings: list[str] | None = None) -> Answered:
    headers = dict(_JSON)
    if isinstance(document, str):
        return Answered(code, {"Content-Type": "text/plain"}, document.encode())
    if warnings:
        headers["Warning"] = ", ".join(f"299 - {json.dumps(text)}" for text in warnings)
    body = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    return Answered(code, headers, body)


def refused(refusal: Refusal) -> Answered:
    """Return a refusal as an answer."""
    return _answer(refusal.code, refusal.status())


class Gone(LookupError):
    """There is no live cluster behind a host name."""


class KubernetesApi:
    """The API of the cluster behind a host name; Gone where there is none, or none any more."""

    def __init__(self, host: str, around: Surroundings) -> None:
        facts = around.cluster_of(host)
        if facts is None:
            raise Gone(f"no cluster answers at {host}")
        self.host = host
        self.around = around
        self.cluster = Cluster(facts, around)
        self.loop = Loop(self.cluster)
        with self.cluster.store.changed:
            birth.populate(self.cluster)

    def __call__(self, asked: Incoming) -> Answered:
        """Answer one request; each answer names it, as the audit log does."""
        answered = self._answered(asked)
        return replace(answered, headers={"Audit-Id": str(uuid.uuid4()), **answered.headers})

    def _answered(self, asked: Incoming) -> Answered:
        body = asked.body.read()
        facts = self.around.cluster_of(self.host)
        if facts is None:
            raise Gone(f"no cluster answers at {self.host}")
        try:
            user = caller(asked.headers.get("Authorization", ""), facts, self.around)
            with self.cluster.store.changed:
                self.tick(facts)
                return self._route(asked, user, body)
        except Refusal as error:
            return refused(error)

    def tick(self, facts: ClusterFacts | None = None) -> float | None:
        """Let controllers act; return the moment of the clock when one of them wants to act next."""
        facts = facts or self.around.cluster_of(self.host)
        if facts is not None and facts != self.cluster.facts:
            self.cluster.learn(facts)
            self.loop.wake()
        while self.cluster.orders:
            self.cluster.orders.popleft()()
        return self.loop.run()

    def install_addon(
        self, name: str, version: str, images: tuple[str, ...], namespace: str = addons.NAMESPACE
    ) -> None:
        """Bring in an add-on of EKS before the next request; takes no lock, so AWS's side may call it under its own."""
        self.cluster.orders.append(lambda: addons.install(self.cluster, name, version, images, namespace))

    def remove_addon(self, name: str) -> None:
        """Take an add-on away before the next request; takes no lock either."""
        self.cluster.orders.append(lambda: addons.remove(self.cluster, name))

    def addon_ready(self, name: str) -> bool:
        """Say whether all pods of an add-on are ready; the caller holds no lock that a callback needs."""
        with self.cluster.store.changed:
            self.tick()
            return addons.ready(self.cluster, name)

    def _route(self, asked: Incoming, user: User, body: bytes) -> Answered:
        user = self._impersonated(asked, user)
        path = asked.path.rstrip("/") or "/"
        steps = path.split("/")[1:]
        depth = {"api": 3, "apis": 4}.get(steps[0], 99)
        if len(steps) >= depth:
            return self._resource(asked, user, path, body)
        self.cluster.authorizer.require(user, Asked(_PATH_VERBS.get(asked.method, asked.method.lower()), path=path))
        if asked.method not in ("GET", "HEAD"):
            raise not_allowed()
        return _answer(200, self._document(steps))

    def _impersonated(self, asked: Incoming, user: User) -> User:
        """Return whom a caller acts as (``kubectl --as``), which it needs a right for."""
        name, groups = asked.headers.get("Impersonate-User", ""), asked.headers.get_all("Impersonate-Group") or []
        for plural, one in (("users", name), *(("groups", group) for group in groups)):
            if one:
                kind = Kind("", ("v1",), plural[:-1].title(), plural, namespaced=False)
                self.cluster.authorizer.require(user, Asked("impersonate", "", plural, name=one), kind)
        return User(name, (*groups, "system:authenticated")) if name else user

    def _document(self, steps: list[str]) -> Any:
        kinds = self.cluster.kinds
        if steps == ["version"]:
            return discovery.version(self.cluster.facts.version)
        if steps[0] in ("healthz", "livez", "readyz"):
            return "ok"
        if steps == ["api"]:
            return discovery.versions(self.host)
        if steps == ["apis"]:
            return discovery.groups(kinds)
        if steps == ["openapi", "v3"]:
            return self.cluster.openapi.index()
        group, version = _group_version(steps[2:] if steps[:2] == ["openapi", "v3"] else steps)
        served = kinds.groups().get(group)
        if served is None or (version and version not in served):
            raise no_such_path()
        if steps[0] == "openapi":
            return self.cluster.openapi.document(group, version)
        return discovery.resources(kinds, group, version) if version else discovery.group(group, served)

    def _resource(self, asked: Incoming, user: User, path: str, body: bytes) -> Answered:
        place = requests.place(path, self.cluster.kinds)
        params = requests.params(asked.query)
        verb = requests.verb(asked.method, place.name, params)
        kind = place.kind
        action = Asked(verb, kind.group, kind.plural, place.subresource, place.namespace, place.name)
        self.cluster.authorizer.require(user, action, kind)
        request = Request(
            verb,
            user,
            kind,
            place.version,
            place.namespace if kind.namespaced else "",
            place.name,
            place.subresource,
            params,
            asked.headers.get("User-Agent") or "",
            (asked.headers.get("Content-Type") or "application/json").split(";")[0].strip(),
            asked.headers.get("Accept") or "",
            body,
        )
        return self._handled(request)

    def _handled(self, request: Request) -> Answered:
        kind, cluster = request.kind, self.cluster
        if request.subresource:
            found = subresources.handle(cluster, request)
            if found is not None:
                return _answer(*found)
        elif request.verb not in kind.verbs:
            raise not_allowed()
        if kind.plural.endswith("reviews"):
            return _answer(201, reviews.answered(cluster, request.user, request.item()))
        if request.verb == "watch":
            return Answered(200, dict(_JSON), reading.watched(cluster, request, self.tick))
        if request.verb == "list":
            return _answer(200, reading.listed(cluster, request))
        if request.verb in ("delete", "deletecollection"):
            return self._delete(request)
        if request.verb == "get":
            return self._shown(request, 200, cluster.need(kind, request.namespace, request.name), [])
        if request.verb == "create" and (request.name or request.subresource):
            raise not_allowed()
        written = _WRITES[request.verb](cluster, self._may_create(request))
        return self._shown(request, written.code, written.item, written.warnings)

    def _may_create(self, request: Request) -> Request:
        """A patch that applies creates what is not there, for which its caller needs that verb as well."""
        if request.verb == "patch" and request.patch == "apply" and not request.subresource:
            kind = request.kind
            if self.cluster.store.get(kind, request.namespace, request.name) is None:
                action = Asked("create", kind.group, kind.plural, "", request.namespace, request.name)
                self.cluster.authorizer.require(request.user, action, kind)
        return request

    def _shown(self, request: Request, code: int, item: Object, warnings: list[str]) -> Answered:
        item = reading.seen(request.kind, request.version, item)
        table = reading.as_asked(request, [item], item["metadata"].get("resourceVersion", ""))
        return _answer(code, item if table is None else table, warnings)

    def _delete(self, request: Request) -> Answered:
        cluster, kind = self.cluster, request.kind
        how = deleting.options(request)
        if request.verb == "delete":
            item = cluster.need(kind, request.namespace, request.name)
            return _answer(200, deleting.delete(cluster, kind, item, how))
        listed = reading.listed(cluster, replace(request, accept=""))
        test = reading.selected(request)
        for item in cluster.store.all(kind, request.namespace):
            if test(item):
                deleting.delete(cluster, kind, item, how)
        return _answer(200, listed)


_WRITES = {"create": writing.create, "update": writing.update, "patch": writing.patch}
_PATH_VERBS = {"GET": "get", "HEAD": "head", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def _group_version(steps: list[str]) -> tuple[str, str]:
    if steps and steps[0] == "api" and len(steps) == 2:
        return "", steps[1]
    if steps and steps[0] == "apis" and len(steps) in (2, 3):
        return steps[1], steps[2] if len(steps) == 3 else ""
    raise no_such_path()
