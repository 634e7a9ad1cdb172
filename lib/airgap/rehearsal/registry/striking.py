"""Faults and the journal, for requests of the registry protocol."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from airgap.rehearsal.face_listener import Dropped
from airgap.rehearsal.faults import FAULTS, REGISTRY_ERRORS
from airgap.rehearsal.identity import Caller
from airgap.rehearsal.journal import JOURNAL
from airgap.rehearsal.registry.refusing import RegistryError
from airgap.rehearsal.wire import Call


def called(operation: str, region: str, caller: Caller, agent: str, service: str = "ecr") -> Call:
    """Return a request as the journal and the faults see it, under the API operation that it stands for."""
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_USER_AGENT": agent}
    return Call(service, operation, region, caller, environ, b"")


@contextmanager
def recorded(call: Call) -> Iterator[None]:
    """Journal the request with what became of it."""
    try:
        yield
    except RegistryError as error:
        JOURNAL.add(call, error.status, error.code)
        raise
    JOURNAL.add(call, 200, None)


def strike(call: Call, resource: str) -> str:
    """Let a fault strike the request; return the name of one that alters the answer, or ''."""
    fault = FAULTS.strike(call, resource)
    if fault is None:
        return ""
    if fault.error in (*REGISTRY_ERRORS, "DropResponse"):
        return fault.error
    if fault.error == "Timeout":
        time.sleep(fault.seconds)
        raise Dropped
    raise _refusal(fault.error, fault.code, fault.message, call)


def _refusal(error: str, code: str, message: str, call: Call) -> RegistryError:
    if error == "Refused":
        return RegistryError(404 if code.endswith("UNKNOWN") else 400, code, message)
    denied = f"User: {call.caller.arn(call.partition)} is not authorized to perform: {call.name}"
    expired = "Your authorization token has expired. Reauthenticate and try again."
    return {
        "AccessDenied": RegistryError(403, "DENIED", denied),
        "ExpiredToken": RegistryError(403, "DENIED", expired),
        "Throttling": RegistryError(429, "TOOMANYREQUESTS", "Rate exceeded", {"Retry-After": "1"}),
        "InternalError": RegistryError(503, "UNAVAILABLE", "An internal error has occurred"),
    }[error]
