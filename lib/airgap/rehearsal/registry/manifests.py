"""Manifests, tags and referrers by the registry protocol."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airgap.rehearsal.faces import Answered, Asked
from airgap.rehearsal.registry.blobs import blobs, digest_of
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.registry.routing import INDEX, INDEXES, Manifest, Request, Shelf, route
from airgap.rehearsal.registry.twisting import TWISTED

MANIFEST_LIMIT = 4 << 20


@route("HEAD GET", r"/manifests/(?P<reference>[^/]+)", "BatchGetImage")
def get_manifest(shelf: Shelf, request: Request, twist: str) -> Answered:
    """A manifest by tag or digest."""
    found = shelf.manifest(request.repository, request.reference)
    if found is None:
        raise RegistryError(404, "MANIFEST_UNKNOWN", "Requested image not found")
    found = TWISTED[twist](found) if twist in TWISTED else found
    headers = {"Content-Type": found.media_type, "Docker-Content-Digest": found.digest}
    return Answered(200, {**headers, "Content-Length": str(len(found.body))}, found.body)


@route("PUT", r"/manifests/(?P<reference>[^/]+)", "PutImage")
def put_manifest(shelf: Shelf, request: Request, _: str) -> Answered:
    """A manifest pushed: everything that it names must be there."""
    body = request.asked.body.read(MANIFEST_LIMIT + 1)
    if len(body) > MANIFEST_LIMIT:
        raise RegistryError(413, "SIZE_INVALID", "The image manifest is larger than 4 MiB")
    document = _document(body)
    manifest = Manifest(digest_of(body), _media_type(request.asked, document), body)
    by_digest = request.reference.startswith("sha256:")
    if by_digest and request.reference != manifest.digest:
        message = f"The digest '{request.reference}' is not that of the manifest"
        raise RegistryError(400, "DIGEST_INVALID", message)
    lacking = absent(shelf, request.repository, document, manifest.media_type)
    if lacking:
        what = "Images" if manifest.media_type in INDEXES else "Layers"
        message = f"{what} with digests '{lacking}' required for pushing into '{request.repository}' do not exist"
        raise RegistryError(400, "MANIFEST_BLOB_UNKNOWN", message)
    shelf.put(request.repository, None if by_digest else request.reference, manifest)
    headers = {"Location": f"/v2/{request.repository}/manifests/{manifest.digest}"}
    if "subject" in document:
        headers["OCI-Subject"] = document["subject"]["digest"]
    return Answered(201, {**headers, "Docker-Content-Digest": manifest.digest})


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError as error:
        raise RegistryError(400, "MANIFEST_INVALID", "The manifest is not JSON") from error
    if not isinstance(document, dict) or document.get("schemaVersion") != 2:
        raise RegistryError(400, "MANIFEST_INVALID", "The manifest has no schemaVersion 2")
    return document


def _media_type(asked: Asked, document: dict[str, Any]) -> str:
    declared = asked.headers.get("Content-Type", "").partition(";")[0].strip()
    own = document.get("mediaType", declared)
    if not own or (declared and own != declared):
        raise RegistryError(400, "MANIFEST_INVALID", f"The manifest says {own or 'nothing'}, its header {declared}")
    return str(own)


def absent(shelf: Shelf, repository: str, document: dict[str, Any], media_type: str) -> list[str]:
    """Return the digests that a manifest or index names and that are not in the repository yet."""
    if media_type in INDEXES:
        children = [child["digest"] for child in document.get("manifests", [])]
        return [one for one in children if shelf.manifest(repository, one) is None]
    named = [one["digest"] for one in (document.get("config"), *document.get("layers", [])) if one]
    return [one for one in named if shelf.size(repository, one) is None]


@route("GET", r"/tags/list", "ListImages")
def list_tags(shelf: Shelf, request: Request, _: str) -> Answered:
    """The tags, in pages of ``n`` after ``last``."""
    tags = [tag for tag in sorted(shelf.tags(request.repository)) if tag > request.query.get("last", "")]
    limit = int(request.query.get("n") or 1000)
    headers = {"Content-Type": "application/json"}
    if len(tags) > limit:
        headers["Link"] = f'</v2/{request.repository}/tags/list?n={limit}&last={tags[limit - 1]}>; rel="next"'
    return Answered(200, headers, json.dumps({"name": request.repository, "tags": tags[:limit]}).encode())


@route("GET", r"/referrers/(?P<reference>[^/]+)", "ListImageReferrers")
def list_referrers(shelf: Shelf, request: Request, _: str) -> Answered:
    """An index of what refers to a digest, of one artifact type where that is asked for."""
    blobs().file(request.reference)
    wanted = request.query.get("artifactType")
    found = [one for one in referrers(shelf, request.repository, request.reference)
             if wanted in (None, one["artifactType"])]  # fmt: skip
    document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
    filtered = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
    return Answered(200, {"Content-Type": INDEX, **filtered}, json.dumps(document).encode())


def referrers(shelf: Shelf, repository: str, digest: str) -> Iterator[dict[str, Any]]:
    """Yield the descriptors of the manifests whose subject is a digest."""
    for manifest in shelf.manifests(repository):
        document = json.loads(manifest.body)
        if document.get("subject", {}).get("digest") != digest:
            continue
        kind = document.get("artifactType") or document.get("config", {}).get("mediaType", "")
        yield {
            "mediaType": manifest.media_type,
            "digest": manifest.digest,
            "size": len(manifest.body),
            "artifactType": kind,
            "annotations": document.get("annotations", {}),
        }
