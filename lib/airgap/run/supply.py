"""The supply chain of an environment on real registries of the lab: an upstream, the private one, and the product's own
lock, mirror and rendering between them.

Both registries answer to their true names, so nothing that the product writes or renders is rewritten. The upstream has
what the lock of the environment names; the application alone is another image, since the rehearsal's holds no program.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airgap import params
from airgap.lab import images, packages, registries
from airgap.lab.doorway import Doorway, doorway
from airgap.lab.images import Item
from airgap.lab.registries import Authority, Registry, tool
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, registry, repository
from airgap.oci.content import Manifest, digest_of
from airgap.oci.mirror import Mirror
from airgap.oci.network import Network, Route
from airgap.oci.records import Records
from airgap.oci.reference import Reference
from airgap.oci.registry import Repository
from airgap.oci.signin import Basic
from airgap.run import locking, pinned
from airgap.run.mirroring import platforms

AT_ONCE = 8
"""Images that are put upstream at once."""


@dataclass
class Supply:
    """Two registries that answer, the ways to them, and a folder with params of its own for what is locked here.

    ``outside`` leads to both registries, ``inside`` to the private one alone; ``events`` is what the mirror journals.
    """

    intent: Intent
    folder: Path
    authority: Authority
    upstream: Registry
    private: Registry
    outside: Doorway
    inside: Doorway
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """The folder that stands for the project: its ``params`` hold the lock and the charts of the lab."""
        return self.folder / "site"

    def mirror(self, place: Callable[[Entry], str] | None = None, way: Doorway | None = None) -> Mirror:
        """Return the environment's mirror as the product makes it, but for the way to the registries."""
        route = Route((way or self.outside).url, self.authority.pem)
        return Mirror(
            registry(self.intent),
            lambda: self.private.token,
            place or (lambda entry: repository(self.intent, entry)),
            Network(route, route),
            Records(lambda event, data: self._keep(event, data), place="lab"),
            platforms=platforms(self.intent),
            sign_ins={host: Basic(lambda: self.upstream.token) for host in self.upstream_hosts},
            signers=self.intent.images.signers,
        )

    def _keep(self, event: str, data: Mapping[str, Any]) -> str:
        self.events.append((event, dict(data)))
        return str(len(self.events))

    @property
    def upstream_hosts(self) -> list[str]:
        """The names to which the upstream answers."""
        return [host for host, port in self.outside.ways.items() if port == self.upstream.port]

    def tools(self, way: Doorway, *, signed_in: bool = True) -> dict[str, str]:
        """Return the environment of skopeo, Podman and Helm for one of the ways."""
        tokens = dict.fromkeys(self.upstream_hosts, self.upstream.token) | {registry(self.intent): self.private.token}
        name = ("outside" if way is self.outside else "inside") + ("" if signed_in else "-stranger")
        return registries.surroundings(self.folder / name, way.url, self.authority.pem, tokens if signed_in else {})

    def publish(self, host: str, name: str, items: Iterable[Item]) -> None:
        """Push items to the upstream by the distribution protocol, as publishers' tools do."""
        there = Repository(self.mirror().session(host), name)
        for one in images.complete(items):
            for content in one.contents:
                if there.size(digest_of(content)) is None:
                    there.finish(there.begin(), digest_of(content), content)
            there.put(Manifest(one.manifest.digest, one.manifest.media_type, one.manifest.body), one.tag or "")

    def push(self, items: Sequence[Item], name: str) -> None:
        """Push items to the upstream with skopeo, and what it cannot push by the protocol.

        That is what has no tag, and (skopeo 1.9) an index that says the artifact types of its members.
        """
        place = self.folder / "layouts" / name.replace("/", "-")
        env = self.tools(self.outside)
        for tag in images.layout(place, items):
            words = ("copy", "--all", "--preserve-digests", f"oci:{place}:{tag}", f"docker://{name}:{tag}")
            tool(["skopeo", *words], env)
        found = Reference.parse(name)
        self.publish(found.endpoint, found.repository, items)

    def lock(self) -> Lock:
        """Lock what the charts and the params name, as ``airgap mirror lock`` does, into the folder's own params."""
        return locking.lock(self.root, self.intent, self.mirror(), lambda image, text: None)

    def render(self, release: str) -> list[dict[str, Any]]:
        """Return the objects of a release as the runbook renders them, by the lock of the lab."""
        objects: list[dict[str, Any]] = pinned.render(self.root, self.intent, release)["objects"]
        return objects


@contextlib.contextmanager
def supply(intent: Intent, folder: Path, tell: Callable[[str], None]) -> Iterator[Supply]:
    """Start both registries, empty, until the context ends; ``tell`` says what is installed."""
    packages.installed(*registries.PACKAGES, *images.PACKAGES, tell=tell)
    authority = Authority(folder)
    locked = environment_lock(intent)
    hosts = sorted({Reference.parse(one.reference).endpoint for one in locked.entries})
    own = registry(intent)
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(registries.registry("upstream", hosts, folder, authority))
        private = stack.enter_context(registries.registry("private", [own], folder, authority))
        outside = stack.enter_context(doorway({**dict.fromkeys(hosts, upstream.port), own: private.port}))
        inside = stack.enter_context(doorway({own: private.port}))
        one = Supply(intent, folder, authority, upstream, private, outside, inside)
        (one.root / "params" / "charts").mkdir(parents=True, exist_ok=True)
        yield one


def environment_lock(intent: Intent) -> Lock:
    """Return the lock that is reviewed beside the params."""
    return Lock.from_data(pinned.read_lock(params.project_root(), intent))


def fill(one: Supply) -> str:
    """Put what the lock names upstream, the lab's own application in the application's place; return its digest."""
    reference = Reference.parse(one.intent.images.application or "")
    made = images.application(reference.name, reference.tag, one.intent.edge.health_path)

    def put(found: Reference) -> None:
        one.publish(found.endpoint, found.repository, images.published(found.endpoint, found.repository, found.tag))

    every = [Reference.parse(entry.reference) for entry in environment_lock(one.intent).entries]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(put, [each for each in every if each != reference]))
    one.push(made, reference.name)
    return next(item.manifest.digest for item in made if item.tag == reference.tag)
