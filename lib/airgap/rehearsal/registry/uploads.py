"""Blobs by the registry protocol: looked for, handed out elsewhere, mounted and uploaded in parts."""

from __future__ import annotations

import io

from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faces import Answered
from airgap.rehearsal.registry.blobs import Upload, blobs
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.registry.routing import Request, Shelf, route


@route("HEAD", r"/blobs/(?P<reference>[^/]+)", "BatchCheckLayerAvailability")
def head_blob(shelf: Shelf, request: Request, _: str) -> Answered:
    """Whether a blob is there, and its size."""
    size = _held(shelf, request)
    headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size), "Accept-Ranges": "bytes"}
    return Answered(200, {**headers, "Docker-Content-Digest": request.reference})


@route("GET", r"/blobs/(?P<reference>[^/]+)", "GetDownloadUrlForLayer")
def get_blob(shelf: Shelf, request: Request, twist: str) -> Answered:
    """Where the bytes of a blob are: another host hands them out."""
    _held(shelf, request)
    url = shelf.layer_url(request.repository, request.reference, twist)
    return Answered(307, {"Location": url, "Docker-Content-Digest": request.reference})


def _held(shelf: Shelf, request: Request) -> int:
    size = shelf.size(request.repository, request.reference)
    if size is None:
        raise RegistryError(404, "BLOB_UNKNOWN", f"The layer '{request.reference}' is not in '{request.repository}'")
    return size


@route("POST", r"/blobs/uploads/?", "InitiateLayerUpload")
def begin_upload(shelf: Shelf, request: Request, _: str) -> Answered:
    """A blob begins, or is there already in another repository."""
    shelf.size(request.repository, f"sha256:{0:064x}")
    digest, source = request.query.get("mount"), request.query.get("from")
    size = shelf.mountable(source, request.repository, digest) if digest and source else None
    if digest and size is not None:
        shelf.keep(request.repository, digest, size)
        return _created(request, digest)
    return _progress(202, request, blobs().begin(request.repository), 0)


@route("GET", r"/blobs/uploads/(?P<reference>[^/]+)", "UploadLayerPart")
def upload_status(shelf: Shelf, request: Request, _: str) -> Answered:
    """How much of a blob has come."""
    return _progress(204, request, request.reference, _upload(request).size)


@route("PATCH", r"/blobs/uploads/(?P<reference>[^/]+)", "UploadLayerPart")
def upload_part(shelf: Shelf, request: Request, twist: str) -> Answered:
    """A part of a blob, which begins where the last one ended."""
    if twist == "DiesMidBlob":
        half = int(request.asked.headers.get("Content-Length") or 0) // 2
        blobs().append(_upload(request), io.BytesIO(request.asked.body.read(half)))
        raise Dropped
    size = _append(request)
    return _progress(202, request, request.reference, size)


@route("PUT", r"/blobs/uploads/(?P<reference>[^/]+)", "CompleteLayerUpload")
def end_upload(shelf: Shelf, request: Request, _: str) -> Answered:
    """The last part of a blob, and its digest."""
    size = _append(request)
    digest = request.query.get("digest", "")
    blobs().file(digest)
    blobs().finish(request.reference, _upload(request), digest)
    shelf.keep(request.repository, digest, size)
    return _created(request, digest)


@route("DELETE", r"/blobs/uploads/(?P<reference>[^/]+)", "UploadLayerPart")
def end_without(shelf: Shelf, request: Request, _: str) -> Answered:
    """An upload that nobody wants any more."""
    blobs().forget(request.reference, _upload(request))
    return Answered(204, {})


def _upload(request: Request) -> Upload:
    return blobs().upload(request.reference, request.repository)


def _append(request: Request) -> int:
    upload = _upload(request)
    start = (request.asked.headers.get("Content-Range") or "").partition("-")[0]
    if start and int(start) != upload.size:
        progress = _progress(416, request, request.reference, upload.size)
        raise RegistryError(416, "BLOB_UPLOAD_INVALID", f"{upload.size} bytes have come", progress.headers)
    return blobs().append(upload, request.asked.body)


def _progress(status: int, request: Request, upload: str, size: int) -> Answered:
    location = f"/v2/{request.repository}/blobs/uploads/{upload}"
    return Answered(status, {"Location": location, "Docker-Upload-UUID": upload, "Range": f"0-{max(size - 1, 0)}"})


def _created(request: Request, digest: str) -> Answered:
    return Answered(201, {"Location": f"/v2/{request.repository}/blobs/{digest}", "Docker-Content-Digest": digest})
