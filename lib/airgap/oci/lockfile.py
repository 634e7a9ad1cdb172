"""The lock of images and charts, made from what registries have: digests, platforms, sizes, and what refers to them.

The file is ``model.mirror``'s. A signature in it is ``TAG@DIGEST`` or ``ARTIFACT-TYPE@DIGEST``: signatures, SBOMs and
attestations alike. The copier copies what an entry names and nothing else, so that whoever reviewed the lock reviewed
what gets in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from airgap.errors import BrokenContent, MissingPlatform, MovedTag, RegistryFailed, UsageError
from airgap.model.mirror import CHART, IMAGE, Entry, Lock
from airgap.oci import signatures
from airgap.oci.content import Descriptor, Manifest
from airgap.oci.reference import DIGEST, Reference
from airgap.oci.registry import Repository
from airgap.oci.transfer import Incoming, Source

# Where cosign puts what refers to a digest in registries without the referrers API.
SUFFIXES = (".sig", ".att", ".sbom")
HELM = "application/vnd.cncf.helm.config.v1+json"
_SIGNATURES = ("cosign", "signature", "sigstore", "notary")


@dataclass(frozen=True, order=True)
class Attached:
    """What refers to an image: a signature, SBOM or attestation, by its tag, or (no tag) by its subject and type."""

    digest: str
    kind: str = ""
    tag: str = ""

    @property
    def signs(self) -> bool:
        """Whether it is a signature."""
        return self.tag.endswith(".sig") or any(word in self.kind for word in _SIGNATURES)

    def __str__(self) -> str:
        """Return it as the lock has it."""
        return f"{self.tag or self.kind}@{self.digest}"


def attached(entry: Entry) -> list[Attached]:
    """Return what refers to an entry; a tag is known by its suffix."""
    found = []
    for text in entry.signatures:
        name, _, digest = text.rpartition("@")
        found.append(Attached(digest, "", name) if name.endswith(SUFFIXES) else Attached(digest, name))
    return found


def signed(entry: Entry) -> bool:
    """Say whether a signature comes with an entry."""
    return any(one.signs for one in attached(entry))


def pinned(entry: Entry) -> Reference:
    """Return where an entry comes from, pinned; without its tag where that was made of the digest."""
    found = Reference.parse(entry.source)
    return Reference(
        found.registry, found.repository, "" if entry.tag == own_tag(entry.digest) else entry.tag, entry.digest
    )


def own_tag(digest: str) -> str:
    """Return the tag under which an image is mirrored whose source has none."""
    return f"digest-{digest.removeprefix('sha256:')[:12]}"


def text_of(lock: Lock) -> str:
    """Return the lock file: sorted, indented, one newline at its end; the same lock gives the same bytes."""
    return json.dumps(lock.as_data(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def parse(text: str) -> Lock:
    """Return the lock of a file; UsageError, naming what is wrong, where it is none."""
    try:
        lock = Lock.from_data(json.loads(text))
        for entry in lock.entries:
            _check(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"the lock file cannot be read: {error}", action="lock the images again") from error
    return lock


def _check(entry: Entry) -> None:
    pinned(entry)
    for digest in (entry.digest, *(one.digest for one in attached(entry))):
        if not DIGEST.fullmatch(digest):
            raise ValueError(f"{entry.reference}: {digest!r} is no sha256 digest")


def resolve(source: Repository, reference: Reference, component: str = "", platforms: Iterable[str] = ()) -> Entry:
    """Return the entry of a reference, for a component, as the registry has it now.

    MissingPlatform where it lacks one of ``platforms`` (an artifact such as a chart has none and lacks none),
    MovedTag where the reference has a digest and its tag names another, RegistryFailed where there is no such thing.
    """
    reference = reference if reference.tag or reference.digest else replace(reference, tag="latest")
    root = source.manifest(reference.digest or reference.tag)
    if root is None:
        raise RegistryFailed(f"{reference} is not there", "nothing was locked", "correct the name or the tag")
    if reference.digest and reference.tag:
        still_named(source, reference)
    needed = tuple(platforms)
    found = platforms_of(source, root)
    check_platforms(str(reference), found, needed)
    images = [root, *children(source, root)]
    referring = sorted(set(_attached(source, images)))
    extra = [one for one in (source.manifest(item.digest) for item in referring) if one is not None]
    return Entry(
        kind=CHART if root.kind == HELM else IMAGE,
        source=reference.name,
        tag=reference.tag or own_tag(root.digest),
        digest=root.digest,
        platforms=found,
        size=total([*images, *extra]),
        signatures=tuple(sorted(map(str, referring))),
        component=component,
        archive=archive_of(root).digest if root.kind == HELM else "",
        claims=tuple(signatures.claims(source, extra)),
    )


def archive_of(chart: Manifest) -> Descriptor:
    """Return the archive of a chart: its layer of that type; BrokenContent where it has none."""
    for blob in chart.blobs():
        if blob.media_type.startswith("application/vnd.cncf.helm.chart.content.v1.tar"):
            return blob
    raise BrokenContent(f"the chart {chart.digest} has no archive", "nothing was locked", "ask its publisher")


def still_named(source: Source, reference: Reference) -> None:
    """Raise MovedTag where the tag of a pinned reference names another digest now, or nothing."""
    now = source.digest(reference.tag)
    if now != reference.digest:
        raise MovedTag(
            f"{reference.name}:{reference.tag} was locked as {reference.digest} and names {now or 'nothing'} now",
            "nothing of it was copied",
            "find out who moved it and why, then lock it again and review the difference",
        )


def check_platforms(name: str, found: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Raise MissingPlatform where a needed platform is not there; artifacts have none and lack none."""
    missing = [one for one in needed if found and one not in found]
    if missing:
        raise MissingPlatform(
            f"{name} lacks {', '.join(missing)}; it has {', '.join(found)}",
            "nothing of it was copied",
            "choose a release that has the platform, or take the platform out of the params",
        )


def children(source: Source, root: Manifest) -> list[Manifest]:
    """Return the manifests below an index, at any depth; MissingPlatform where one is not there."""
    found: list[Manifest] = []
    for child in root.children():
        manifest = source.manifest(child.digest)
        if manifest is None:
            raise MissingPlatform(
                f"{source} lacks {child.digest} ({child.platform or 'no platform'}), which its {root.digest} names",
                "nothing of it was copied",
                "ask the publisher: the image is incomplete",
            )
        found += [manifest, *children(source, manifest)]
    return found


def platforms_of(source: Repository, root: Manifest) -> tuple[str, ...]:
    """Return the platforms of an image, sorted; those of an artifact, or unknown ones, are none."""
    if root.is_index:
        named = {child.platform for child in root.children()}
        return tuple(sorted(one for one in named if one and not one.startswith("unknown")))
    if not root.kind.endswith(("image.config.v1+json", "container.image.v1+json")):
        return ()
    config = Descriptor.read(root.document["config"], root.digest)
    read = b"".join(Incoming(source, config, source.session).pieces())
    document = Manifest(config.digest, config.media_type, read).document
    parts = [str(document[part]) for part in ("os", "architecture", "variant") if document.get(part)]
    return ("/".join(parts),) if parts else ()


def _attached(source: Repository, images: list[Manifest]) -> Iterator[Attached]:
    for image in images:
        yield from _tagged(source, image.digest)
        for one in source.referrers(image.digest):
            yield Attached(one.digest, one.artifact_type)
            yield from _tagged(source, one.digest)
            yield from (Attached(second.digest, second.artifact_type) for second in source.referrers(one.digest))


def _tagged(source: Repository, digest: str) -> Iterator[Attached]:
    for suffix in SUFFIXES:
        tag = digest.replace(":", "-") + suffix
        found = source.digest(tag)
        if found:
            yield Attached(found, "", tag)


def total(manifests: Iterable[Manifest]) -> int:
    """Return the bytes of manifests and of the blobs that they name, each counted once."""
    sizes = {one.digest: len(one.body) for one in manifests}
    for manifest in manifests:
        sizes.update((blob.digest, blob.size) for blob in manifest.blobs())
    return sum(sizes.values())
