"""Faults on demand: what a test or a rehearsed incident makes the embedded AWS do wrong.

A fault names an operation (``ec2:DescribeSubnets``, with ``*`` for parts), an error and how many times it strikes:

- ``AccessDenied``, ``Throttling``, ``InternalError``, ``ExpiredToken``: refused with the service's own code for it;
- ``Refused``: refused with ``code`` and ``message``, such as those of a principal that IAM has not spread yet;
- ``Timeout``: nothing is done and no answer comes for ``seconds`` (5), then the connection ends;
- ``DropResponse``: the operation is done and its answer is lost.

Requests of the registry protocol go by the API operation that they stand for (``ecr:PutImage``, and ``oci:...`` at the
stand-ins of public registries), and a fault may name the images that it strikes (``resource``, such as
``registry.k8s.io/pause``). They have further errors, which alter an answer: ``MovedTag``, ``MissingPlatform``,
``WrongDigest`` of a manifest, ``TruncatedBlob``, ``AlteredBlob``, ``DiesMidBlob`` of a layer.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from airgap.rehearsal.wire import Call, Refusal

REGISTRY_ERRORS = ("MovedTag", "MissingPlatform", "WrongDigest", "TruncatedBlob", "AlteredBlob", "DiesMidBlob")
ERRORS = (
    *("AccessDenied", "Throttling", "InternalError", "ExpiredToken", "Refused", "Timeout", "DropResponse"),
    *REGISTRY_ERRORS,
)
# How the services that are not rest-json or json spell the same refusal.
_DENIED = {"ec2": "UnauthorizedOperation", "query": "AccessDenied", "rest-xml": "AccessDenied"}
_THROTTLED = {"ec2": "RequestLimitExceeded", "query": "Throttling", "rest-xml": "SlowDown"}
_EXPIRED = {"ec2": "RequestExpired", "query": "ExpiredToken", "rest-xml": "ExpiredToken"}
_FAILED = {"ec2": "InternalError", "query": "InternalFailure", "rest-xml": "InternalError"}


@dataclass
class Fault:
    """One fault: the pattern of operations, the error, strikes left (None: for ever), seconds of a Timeout."""

    operation: str
    error: str
    times: int | None = 1
    seconds: float = 5.0
    code: str = ""
    message: str = ""
    resource: str = "*"

    @classmethod
    def read(cls, document: Any) -> Fault:
        """Return the fault that a JSON document describes; ValueError where it describes none."""
        fields = document if isinstance(document, dict) else {}
        unknown = set(fields) - set(cls.__dataclass_fields__)
        coded = fields.get("error") != "Refused" or fields.get("code")
        known = fields.get("error") in ERRORS and coded and isinstance(fields.get("operation"), str)
        if unknown or not known:
            raise ValueError(f'a fault is {{"operation": "ec2:DescribeSubnets", "error": one of {", ".join(ERRORS)}}}')
        return cls(**fields)


class Faults:
    """The faults that are set, in the order in which they were set."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Set a further fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()

    def strike(self, call: Call, resource: str = "") -> Fault | None:
        """Return the fault that strikes this call (of an image, at a registry), and count the strike; else None."""
        with self._lock:
            for fault in self._faults:
                meant = fnmatchcase(call.name, fault.operation) and fnmatchcase(resource, fault.resource)
                if fault.times != 0 and meant and (resource or fault.error not in REGISTRY_ERRORS):
                    fault.times = None if fault.times is None else fault.times - 1
                    return fault
        return None


# One for the process: faces are struck by the same faults as the front.
FAULTS = Faults()


def refusal(call: Call, fault: Fault) -> Refusal:
    """Return the refusal of a fault, in the words of the call's service."""
    if fault.error == "AccessDenied":
        message = f"User: {call.caller.arn(call.partition)} is not authorized to perform: {call.name}"
        return Refusal(_DENIED.get(call.protocol, "AccessDeniedException"), message, 403)
    if fault.error == "Throttling":
        status = 503 if call.protocol in ("ec2", "rest-xml") else 400
        return Refusal(_THROTTLED.get(call.protocol, "ThrottlingException"), "Rate exceeded", status)
    if fault.error == "ExpiredToken":
        code = _EXPIRED.get(call.protocol, "ExpiredTokenException")
        return Refusal(code, "The security token included in the request is expired", 400)
    if fault.error == "Refused":
        return Refusal(fault.code, fault.message, 400)
    return Refusal(_FAILED.get(call.protocol, "InternalFailure"), "An internal error has occurred", 500)
