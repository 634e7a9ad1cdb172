"""A repository in a registry: its manifests and blobs, read and written."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3
from urllib3.exceptions import HTTPError

from airgap.errors import BrokenContent, RegistryFailed
from airgap.oci.content import ACCEPT, INDEXES, MANIFEST_LIMIT, OCI_INDEX, Descriptor, Manifest
from airgap.oci.session import Answer, Ask, Session, unsigned

PIECE = 1 << 18
_UNPUBLISHED = "nothing of the image was published"
_ODD = "something on the way may answer in the registry's stead: look at the proxy, and at what the registry is"


class Died(Exception):
    """A connection that ended in the middle of a blob; whoever copies it goes on from where it stopped."""


@dataclass(frozen=True)
class Repository:
    """One repository of one registry."""

    session: Session
    name: str

    def __str__(self) -> str:
        """Return registry and repository."""
        return f"{self.session.host}/{self.name}"

    def manifest(self, reference: str) -> Manifest | None:
        """Return what a tag or digest names, its bytes verified; None where nothing does, or no repository is there."""
        ask = self._ask("GetManifest", "GET", f"manifests/{reference}", {"reference": reference}, {"Accept": ACCEPT})
        answer = self.session.send(ask)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.session.refused(ask, answer)
        if len(answer.data) > MANIFEST_LIMIT:
            raise BrokenContent(
                f"{self} gave a manifest of {len(answer.data)} bytes for {reference}", "nothing of it was published"
            )
        digest = reference if reference.startswith("sha256:") else answer.headers.get("Docker-Content-Digest", "")
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        return Manifest.verified(answer.data, media_type, digest, f"{self} for {reference}")

    def digest(self, reference: str) -> str:
        """Return the digest that a tag or digest has there, without its bytes; '' where it has none."""
        ask = self._ask("HeadManifest", "HEAD", f"manifests/{reference}", {"reference": reference}, {"Accept": ACCEPT})
        answer = self.session.send(ask)
        if answer.status == 404:
            return ""
        if answer.status != 200:
            raise self.session.refused(ask, answer)
        found = answer.headers.get("Docker-Content-Digest", "")
        if found:
            return found
        manifest = self.manifest(reference)
        return manifest.digest if manifest else ""

    def put(self, manifest: Manifest, tag: str = "") -> None:
        """Publish a manifest, under its digest or a tag; what it names must be there."""
        reference = tag or manifest.digest
        headers = {"Content-Type": manifest.media_type}
        params = {"reference": reference, "digest": manifest.digest}
        ask = self._ask("PutManifest", "PUT", f"manifests/{reference}", params, headers, manifest.body)
        answer = self.session.send(ask)
        if answer.status not in (200, 201, 202):
            raise self.session.refused(ask, answer)
        told = answer.headers.get("Docker-Content-Digest", manifest.digest)
        if told != manifest.digest:
            raise BrokenContent(f"{self} says that it keeps {told} where {manifest.digest} was sent")

    def tags(self) -> list[str]:
        """Return all tags, '[]' where the repository is not there."""
        found: list[str] = []
        path = "tags/list?n=1000"
        while path:
            ask = self._ask("ListTags", "GET", path, {})
            answer = self.session.send(ask)
            if answer.status == 404:
                return []
            if answer.status != 200:
                raise self.session.refused(ask, answer)
            found += _tags(answer, str(self))
            following = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
            path = following if 'rel="next"' in answer.headers.get("Link", "") else ""
        return found

    def referrers(self, digest: str) -> list[Descriptor]:
        """Return what refers to a manifest: by the referrers API, or by the tag that stands for it where there is none.

        https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#unavailable-referrers-api
        """
        ask = self._ask("ListReferrers", "GET", f"referrers/{digest}", {"digest": digest})
        answer = self.session.send(ask)
        listed = answer.headers.get("Content-Type", "").partition(";")[0].strip() in INDEXES
        if answer.status == 200 and listed:
            return Manifest.verified(answer.data, OCI_INDEX, "", str(self)).children()
        if answer.status not in (200, 400, 404, 405):
            raise self.session.refused(ask, answer)
        tagged = self.manifest(digest.replace(":", "-"))
        return tagged.children() if tagged else []

    def size(self, digest: str) -> int | None:
        """Return the size of a blob in bytes, None where it is not there."""
        ask = self._ask("HeadBlob", "HEAD", f"blobs/{digest}", {"digest": digest})
        answer = self.session.send(ask)
        if answer.status == 404:
            return None
        if answer.status != 200:
            raise self.session.refused(ask, answer)
        return int(answer.headers.get("Content-Length") or 0)

    def read(self, digest: str, start: int = 0) -> Generator[bytes]:
        """Yield the bytes of a blob from ``start`` on; Died where the connection ends before the blob does."""
        headers = {"Range": f"bytes={start}-"} if start else {}
        ask = self._ask("GetBlob", "GET", f"blobs/{digest}", {"digest": digest, "start": str(start)}, headers)
        answer = self.session.send(ask, stream=True)
        try:
            if answer.status not in (200, 206):
                raise self.session.refused(ask, answer)
            yield from _pieces(answer.raw, 0 if answer.status == 206 else start)
        except (HTTPError, OSError) as error:
            raise Died(f"{self.session.host}: {type(error).__name__}") from error
        finally:
            answer.raw.close()
            answer.raw.release_conn()

    def mount(self, digest: str, source: str) -> bool:
        """Take a blob from another repository of the registry; False where the registry does not do that."""
        query = urlencode({"mount": digest, "from": source})
        ask = self._ask("MountBlob", "POST", f"blobs/uploads/?{query}", {"digest": digest, "from": source})
        answer = self.session.send(ask)
        if answer.status == 202:
            self.cancel(self._place(answer))
        elif answer.status not in (201, 404):
            raise self.session.refused(ask, answer)
        return answer.status == 201

    def begin(self) -> str:
        """Begin an upload, and return where it goes."""
        ask = self._ask("StartUpload", "POST", "blobs/uploads/", {})
        answer = self.session.send(ask)
        if answer.status != 202:
            raise self.session.refused(ask, answer)
        return self._place(answer)

    def send(self, place: str, pieces: Iterable[bytes], start: int, length: int) -> str:
        """Send a part of an upload, and return where the next goes; Died where the registry did not take it whole."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        headers["Content-Range"] = f"{start}-{start + length - 1}"
        ask = self._ask("SendBlob", "PATCH", place, {"start": str(start), "length": str(length)}, headers, pieces)
        used = self.session.authorization(ask)
        try:
            answer = self.session.attempt(ask, used, False)
        except (HTTPError, OSError) as error:
            raise Died(f"{self.session.host}: {type(error).__name__}") from error
        if answer.status in (202, 204):
            return self._place(answer)
        if answer.status in (400, 401, 403, 413) and not (unsigned(answer) and self.session.renew(used, answer, ask)):
            raise self.session.refused(ask, answer)
        self.session.rest(answer)
        raise Died(f"{self.session.host}: HTTP {answer.status}")

    def refusal(self) -> RegistryFailed | None:
        """Return the refusal that a single byte gets; None where it gets none.

        A registry that refuses a blob may hang up while it is sent, so that its answer is never read.
        """
        place = self.begin()
        headers = {"Content-Type": "application/octet-stream", "Content-Range": "0-0"}
        ask = self._ask("SendBlob", "PATCH", place, {"start": "0", "length": "1"}, headers, b"\0")
        answer = self.session.send(ask)
        if answer.status in (401, 403):
            return self.session.refused(ask, answer)
        self.cancel(place)
        return None

    def received(self, place: str) -> tuple[str, int] | None:
        """Return where an upload goes on and how many bytes of it came; None where the registry forgot it."""
        ask = self._ask("UploadStatus", "GET", place, {})
        answer = self.session.send(ask)
        if answer.status != 204:
            return None
        end = answer.headers.get("Range", "0-0").rpartition("-")[2]
        if not end.isdigit():
            return None
        # The specification cannot tell no byte from one: both are 0-0. One byte fewer is safe, as it is sent again.
        return self._place(answer), int(end) + 1 if int(end) else 0

    def finish(self, place: str, digest: str, body: bytes = b"") -> None:
        """End an upload as the blob of a digest, with its last bytes; BrokenContent where the registry has others."""
        ask = self._ask(
            "PutBlob",
            "PUT",
            _with(place, digest),
            {"digest": digest},
            {"Content-Type": "application/octet-stream"},
            body,
        )
        answer = self.session.send(ask)
        if answer.status == 400:
            raise BrokenContent(
                f"{self} received other bytes than those of {digest}", "the blob was not published", "run again"
            )
        if answer.status not in (201, 204):
            raise self.session.refused(ask, answer)

    def cancel(self, place: str) -> None:
        """Give an upload up; registries forget what nobody ends, so nothing depends on it."""
        ask = self._ask("CancelUpload", "DELETE", place, {})
        with suppress(HTTPError):
            self.session.attempt(ask, self.session.authorization(ask), False)

    def _ask(self, call: str, method: str, path: str, params: dict[str, str], headers: dict[str, str] | None = None,
             body: bytes | Iterable[bytes] | None = None) -> Ask:  # fmt: skip
        whole = path if path.startswith("/") or "://" in path else f"/v2/{self.name}/{path}"
        return Ask(call, method, whole, self.name, params, headers or {}, body)

    def _place(self, answer: Answer) -> str:
        if "Location" not in answer.headers:
            raise RegistryFailed(f"{self} does not say where an upload goes on", _UNPUBLISHED, _ODD)
        return str(answer.headers["Location"])


def _tags(answer: Answer, where: str) -> list[str]:
    try:
        return list(json.loads(answer.data).get("tags") or [])
    except (ValueError, AttributeError, TypeError) as error:
        raise RegistryFailed(f"{where} lists its tags in no form that is known", _UNPUBLISHED, _ODD) from error


def _with(place: str, digest: str) -> str:
    return f"{place}{'&' if '?' in place else '?'}digest={digest}"


def _pieces(answer: urllib3.BaseHTTPResponse, skipped: int) -> Iterator[bytes]:
    """Yield the body after its first ``skipped`` bytes, which a server that knows no ranges sends all the same."""
    while piece := answer.read(PIECE):
        if skipped >= len(piece):
            skipped -= len(piece)
            continue
        yield piece[skipped:]
        skipped = 0
