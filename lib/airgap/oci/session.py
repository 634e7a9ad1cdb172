"""Requests to one registry: signed in, tried again where that is safe, redirected without credentials, recorded."""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, SSLError

from airgap.errors import Interrupted, RegistryFailed
from airgap.model.canonical import digest
from airgap.oci.network import Network
from airgap.oci.records import Records
from airgap.oci.signin import Anonymous, SignIn

ATTEMPTS = 6
# A token may be refused again at once: other threads' answers were on the way when it was renewed.
RENEWALS = 3
LONGEST_PAUSE = 60.0
# Manifests are at most 4 MiB; lists of tags and referrers come in pages.
LARGEST_ANSWER = 8 << 20
_AGAIN = {408, 425, 429, 500, 502, 503, 504}
_REDIRECTS = {301, 302, 303, 307, 308}
_HOPS = 5
_KEEP = "nothing of the image was published; what was copied before stays and is not copied again"


@dataclass
class Clock:
    """Time as the product sees it; tests inject their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Ask:
    """One request: its name in the journal, method, path or URL, repository, what it is about, headers and body."""

    call: str
    method: str
    path: str
    repository: str
    params: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | Iterable[bytes] | None = None

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method not in ("GET", "HEAD") and self.call != "UploadStatus"

    @property
    def scope(self) -> str:
        """What it needs of the repository, as a token server is asked for it."""
        return f"repository:{self.repository}:{'pull' if self.method in ('GET', 'HEAD') else 'pull,push'}"


@dataclass(frozen=True)
class Answer:
    """One answer: status, headers, and the body, or (``raw``) the connection that a blob streams from."""

    status: int
    headers: Mapping[str, str]
    data: bytes
    raw: urllib3.BaseHTTPResponse


@dataclass
class Session:
    """One registry as one caller; safe to use from several threads."""

    host: str
    network: Network
    sign_in: SignIn | None = None
    records: Records = Records()
    clock: Clock = field(default_factory=Clock)
    stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._signed: SignIn = self.sign_in or Anonymous(self.network.pool)
        self._turns: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def turn(self, digest: str) -> threading.Lock:
        """Return the lock that whoever brings a blob here holds, so that nobody else brings it at the same time."""
        with self._lock:
            return self._turns.setdefault(digest, threading.Lock())

    def send(self, ask: Ask, *, stream: bool = False) -> Answer:
        """Return the answer, whatever its status; RegistryFailed where none that says anything was to be had.

        Refusals for want of a good token are answered with a new one, throttling and server errors are tried again
        after the time that the registry asks for. A body that is an iterator is sent once.
        """
        once = ask.body is not None and not isinstance(ask.body, bytes)
        renewals = 0
        for attempt in range(1, ATTEMPTS + 1):
            self.go_on()
            used = self._signed.header(ask.scope)
            try:
                answer = self.attempt(ask, used, stream)
            except HTTPError as error:
                if once or attempt == ATTEMPTS or isinstance(error, SSLError):
                    raise self.failed(ask, f"{type(error).__name__}: {error}") from error
                self._pause(attempt)
                continue
            if once or attempt == ATTEMPTS or 200 <= answer.status < 400:
                return answer
            if unsigned(answer) and renewals < RENEWALS and self.renew(used, answer, ask):
                renewals += 1
            elif answer.status in _AGAIN:
                self._pause(attempt, answer.headers.get("Retry-After"))
            else:
                return answer
        raise AssertionError("unreachable: the last attempt returns or raises")

    def attempt(self, ask: Ask, authorization: str, stream: bool) -> Answer:
        """Make the request once, with what redirects follow, and record it."""
        url = urljoin(f"https://{self.host}/", ask.path)
        params = {"registry": self.host, "repository": ask.repository, **ask.params}
        written = self.records.writing(ask.call, params) if ask.writes else ""
        status, answer = 0, None
        try:
            answer = self._followed(ask, url, authorization, stream)
            status = answer.status
            return answer
        finally:
            headers = answer.headers if answer is not None else {}
            if ask.writes:
                self.records.written(written, status, headers)
            else:
                page = _page(answer) if answer is not None and status == 200 and not stream else None
                self.records.read(ask.call, params, status, headers, page)

    def _followed(self, ask: Ask, url: str, authorization: str, stream: bool) -> Answer:
        headers = {"User-Agent": "airgap", **ask.headers}
        for _ in range(_HOPS):
            where = urlsplit(url)
            if where.scheme != "https":
                raise HTTPError(f"sent to {where.scheme}://{where.hostname}, which is not https")
            ours = where.netloc == self.host
            signed = {**headers, "Authorization": authorization} if authorization and ours else headers
            pool = self.network.pool(where.hostname or "")
            answer = pool.request(
                ask.method, url, body=ask.body, headers=signed, redirect=False, preload_content=False,
                decode_content=False,
            )  # fmt: skip
            if answer.status not in _REDIRECTS or ask.method not in ("GET", "HEAD"):
                streamed = stream and answer.status in (200, 206)
                return Answer(answer.status, answer.headers, b"" if streamed else _whole(answer), answer)
            answer.drain_conn()
            url = urljoin(url, answer.headers.get("Location", ""))
        raise HTTPError("redirected in circles")

    def renew(self, used: str, answer: Answer, ask: Ask) -> bool:
        """Get new credentials after a refusal; False where there are none to be had.

        RegistryFailed where the token server does not answer, or says nothing that makes sense.
        """
        challenge = answer.headers.get("Www-Authenticate", "")
        for attempt in range(1, ATTEMPTS):
            try:
                return self._signed.renew(used, challenge, ask.scope)
            except (HTTPError, ValueError) as error:
                if isinstance(error, SSLError) or attempt == ATTEMPTS - 1:
                    raise self.failed(ask, f"its token server gave none: {error}") from error
                self._pause(attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def authorization(self, ask: Ask) -> str:
        """Return the header with which a request is signed now."""
        return self._signed.header(ask.scope)

    def go_on(self) -> None:
        """Raise Interrupted where somebody asked for an end."""
        if self.stop.is_set():
            raise Interrupted("The copying was interrupted", _KEEP, "run again: it goes on where it stopped")

    def rest(self, answer: Answer) -> None:
        """Wait as long as a registry asks for that has too much to do, where it says how long."""
        if answer.status in _AGAIN and answer.headers.get("Retry-After"):
            self._pause(1, answer.headers["Retry-After"])

    def _pause(self, attempt: int, asked: str | None = None) -> None:
        seconds = _seconds(asked, self.clock.now()) if asked else 0.2 * 2**attempt * (0.5 + random.random() / 2)
        self.clock.sleep(min(seconds, LONGEST_PAUSE))

    def failed(self, ask: Ask, why: str) -> RegistryFailed:
        """Return the error for a request that the registry did not answer."""
        what = f"{self.host} did not answer {ask.call} of {ask.repository}: {why}"
        action = (
            "check the way to the registry and run again: it goes on where it stopped; a site that has none gets the "
            "images by file ('airgap mirror save' outside, 'airgap mirror load' inside)"
        )
        return RegistryFailed(what, _KEEP, action)

    def refused(self, ask: Ask, answer: Answer) -> RegistryFailed:
        """Return the error for an answer that is none of those expected, in the registry's own words."""
        what = f"{self.host} refused {ask.call} of {ask.repository}: HTTP {answer.status} {said(answer)}".rstrip()
        action = {
            401: "check the credentials for the registry",
            403: "check the caller's permissions, the repository's policy and the endpoint's policy",
            404: "create the repository first: registries do not make one for a push",
            429: "wait, or sign in to the registry for a higher rate limit",
        }.get(answer.status, "see what the registry says, and run again")
        return RegistryFailed(what, _KEEP, action)


def _page(answer: Answer) -> dict[str, Any]:
    """Return what an answer says of a manifest or blob, with the document itself where it is one."""
    page: dict[str, Any] = {"size": int(answer.headers.get("Content-Length") or len(answer.data))}
    page["digest"] = answer.headers.get("Docker-Content-Digest", "")
    page["mediaType"] = answer.headers.get("Content-Type", "")
    try:
        page["document"] = json.loads(answer.data)
    except ValueError:
        page["sha256"] = digest(answer.data)
    return page


def _whole(answer: urllib3.BaseHTTPResponse) -> bytes:
    """Return the body of an answer, which is no larger than any manifest may be."""
    data = answer.read(LARGEST_ANSWER + 1)
    if len(data) > LARGEST_ANSWER:
        answer.close()
        raise HTTPError(f"the answer is larger than {LARGEST_ANSWER} bytes")
    answer.release_conn()
    return data


def unsigned(answer: Answer) -> bool:
    """Return whether a new token may help. ECR says 403 of a token that has expired: https://docs.aws.amazon.com/AmazonECR/latest/userguide/common-errors-docker.html"""
    return answer.status == 401 or (answer.status == 403 and "expired" in said(answer))


def said(answer: Answer) -> str:
    """Return code and message of a registry's refusal."""
    try:
        found: list[dict[str, Any]] = json.loads(answer.data)["errors"]
        return "; ".join(f"{one.get('code', '')} {one.get('message', '')}".strip() for one in found)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""


def _seconds(asked: str, now: float) -> float:
    """Return the seconds of a ``Retry-After`` (RFC 9110, 10.2.3): a number, or a date."""
    try:
        return max(0.0, float(asked))
    except ValueError:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - now)
