"""What a failed call to the Kubernetes API means, and what stands in the way of one that got no answer."""

from __future__ import annotations

import json
import ssl
from dataclasses import dataclass
from typing import Any

from airgap.model import observation as obs

UNREACHED = "Unreachable"
_STATUS = {401: obs.DENIED, 403: obs.DENIED, 404: obs.ABSENT}
_AGAIN = (429, 500, 502, 503, 504)
_ENDED = (
    "the connection was taken and ended before an answer: what stands at the other end of the way, as the operations "
    "host of a tunnel, does not reach the API server: its name, its port or the cluster's security group"
)
_HINTS = {
    401: "the token was refused: the caller has no access entry, or its session has ended",
    403: "an access entry exists and Kubernetes RBAC refuses: the role needs this verb on this resource",
    404: "the API server does not serve this kind or has no such object",
}


@dataclass(frozen=True)
class Failure:
    """A failed call: the reason that the API server gave as its code, its message, and what usually is behind it."""

    status: str
    code: str
    message: str
    http: int = 0
    request_id: str = ""

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.http in _AGAIN or self.lost

    @property
    def lost(self) -> bool:
        """Whether no answer came; every write of the runbook is an apply or a delete, which may be repeated."""
        return self.http == 0 and self.code in ("Timeout", UNREACHED)


def answered(http: int, body: bytes, audit_id: str) -> Failure:
    """Return what an error answer means (Kubernetes API conventions: a ``Status`` object)."""
    try:
        told: dict[str, Any] = json.loads(body)
    except ValueError:
        told = {}
    message = str(told.get("message") or body[:200].decode("utf-8", "replace"))
    hint = _HINTS.get(http, "")
    code = str(told.get("reason") or http)
    return Failure(_STATUS.get(http, obs.FAILED), code, f"{message} ({hint})" if hint else message, http, audit_id)


def unanswered(error: Exception) -> Failure:
    """Return what an error of the connection means."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = "the certificate is not signed by the cluster's own authority, or is for another name"
            return Failure(obs.FAILED, "Certificate", f"{why}: {cause}")
        if isinstance(cause, (ssl.SSLEOFError, ConnectionResetError)):
            return Failure(obs.FAILED, UNREACHED, f"{_ENDED}: {cause}")
        if isinstance(cause, TimeoutError):
            return Failure(obs.FAILED, "Timeout", "the port is open and nothing answered in time")
        inner = getattr(cause, "reason", None)
        cause = cause.__cause__ or (inner if isinstance(inner, BaseException) else None) or cause.__context__
    return Failure(obs.FAILED, UNREACHED, str(error))
