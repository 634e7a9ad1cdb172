"""The front of the embedded AWS: every request passes here on its way to the supplement or to moto.

It finds out who calls which operation, lets a fault strike, answers or refuses by the tables of ``hook``, hands the
rest to moto, and turns whatever moto does not implement into the error that AWS has for an unknown operation.

Requests of the rehearsal itself (no signature needed):

- ``GET /rehearsal``: pid and number of calls;
- ``GET /rehearsal/calls``: every call so far, as ``journal.Entry``; ``DELETE`` forgets them;
- ``POST /rehearsal/faults`` with a fault (see ``faults``); ``DELETE`` takes all away;
- ``POST /rehearsal/latency`` with ``{"ec2:CreateNatGateway": seconds, ...}`` (see ``settling``); ``DELETE`` goes back;
- ``POST /rehearsal/skip`` with ``{"seconds": n}``: what is due within these seconds is finished at once;
- ``GET /rehearsal/faces``: where registries and Kubernetes APIs answer over TLS (see ``faces``);
- ``POST /rehearsal/reset``: an empty account again.
"""

from __future__ import annotations

import io
import json
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import Any

from moto.backends import ALT_SERVICE_NAMES
from moto.core.base_backend import BackendDict
from moto.core.exceptions import ServiceException
from moto.core.model_instances import reset_model_data
from moto.core.utils import get_service_model
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.exceptions import HTTPException

from airgap.rehearsal import faces, hook, idempotence, paging, settling, store
from airgap.rehearsal.faults import FAULTS, Fault, refusal
from airgap.rehearsal.identity import ACCOUNT, REGION
from airgap.rehearsal.journal import JOURNAL
from airgap.rehearsal.principals import resolve
from airgap.rehearsal.wire import Call, Refusal, Reply, backend_of, credential_scope, parse, render, target

log = logging.getLogger(__name__)


class Dropped(ConnectionError):
    """The connection ends without an answer."""


class Front:
    """The application behind the listener: one call in, one reply out."""

    def __init__(self) -> None:
        self.moto = DomainDispatcherApplication(_service_app)
        self.journal = JOURNAL
        self.faults = FAULTS
        self.lock = store.MOTO

    def __call__(self, environ: dict[str, Any], body: bytes) -> Reply:
        """Answer one HTTP request; Dropped where a fault says that no answer is to come."""
        path = environ["PATH_INFO"]
        if path == "/rehearsal" or path.startswith("/rehearsal/"):
            return self._control(environ["REQUEST_METHOD"], path, body)
        call = self._read(environ, body)
        if call is None:
            return self._unknown(environ, body)
        return self._serve(call)

    def _read(self, environ: dict[str, Any], body: bytes) -> Call | None:
        scope = credential_scope(environ)
        if scope is None:
            return None
        key, region, signing_name = scope
        found = target(environ, body, signing_name)
        if found is None:
            return None
        service, operation, params = found
        return Call(service, operation, region, resolve(key, region), environ, body, params)

    def _unknown(self, environ: dict[str, Any], body: bytes) -> Reply:
        """Unsigned requests (presigned downloads, metadata) go to moto as they are; signed ones name no operation."""
        if credential_scope(environ) is None or environ["PATH_INFO"].startswith("/moto-api"):
            return self._moto(environ, body)
        message = json.dumps({"__type": "UnknownOperationException", "message": "No such operation"})
        headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": "UnknownOperationException"}
        return Reply(400, headers, message.encode(), "UnknownOperationException")

    def _serve(self, call: Call) -> Reply:
        fault = self.faults.strike(call)
        if fault is not None and fault.error == "Timeout":
            time.sleep(fault.seconds)
            raise Dropped
        reply = self._struck(call, fault)
        for name in [name for name in reply.headers if name.lower() == "x-amzn-requestid"]:
            del reply.headers[name]
        reply.headers["x-amzn-RequestId"] = call.request_id
        reply.body = reply.body.replace(b"<requestId>request-id<", f"<requestId>{call.request_id}<".encode())
        self.journal.add(call, reply.status, reply.error)
        if fault is not None and fault.error == "DropResponse":
            raise Dropped
        return reply

    def _struck(self, call: Call, fault: Fault | None) -> Reply:
        if fault is not None and fault.error != "DropResponse":
            return render(call, refusal(call, fault))
        with self.lock:
            try:
                reply = idempotence.recall(call)
                if reply is None:
                    reply = self._answer(call)
                    idempotence.remember(call, reply)
                return reply
            except (Refusal, ServiceException) as error:
                return render(call, error)
            except HTTPException as error:
                return Reply(error.code or 500, dict(_JSON), (error.description or "").encode(), type(error).__name__)
            except NotImplementedError as error:
                return render(call, unknown_operation(call, str(error)))
            except Exception as error:
                # moto raises whatever its bugs raise; a client sees a 500 with a request id, the log has where it was.
                log.exception("%s failed", call.name)
                return render(call, Refusal("InternalFailure", f"{type(error).__name__}: {error}", 500))

    def _answer(self, call: Call) -> Reply:
        key = (call.service, call.operation)
        for judge in (*hook.BEFORE.get((call.service, "*"), ()), *hook.BEFORE.get(key, ())):
            judge(call)
        if call.service == "ec2" and call.params.get("DryRun"):
            raise Refusal("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412)
        answer = hook.ANSWERS.get(key)
        result = answer(call) if answer is not None else hook.PassOn.TO_MOTO
        if not isinstance(result, hook.PassOn):
            return render(call, paging.page(call, result or {}))
        reply = self._moto(self._addressed(call), call.body)
        if reply.status == 404 and b"<!doctype html>" in reply.body[:64].lower():
            raise unknown_operation(call)
        return self._amended(call, reply) if reply.status < 300 else reply

    def _addressed(self, call: Call) -> dict[str, Any]:
        """moto takes the account from a header before it looks at the access key."""
        return dict(call.environ, HTTP_X_MOTO_ACCOUNT_ID=call.account)

    def _amended(self, call: Call, reply: Reply) -> Reply:
        amend = hook.AFTER.get((call.service, call.operation), ())
        if not amend and not paging.wanted(call):
            return reply
        members = parse(call, reply)
        for change in amend:
            change(call, members)
        return render(call, paging.page(call, members))

    def _moto(self, environ: dict[str, Any], body: bytes) -> Reply:
        environ = dict(environ, **{"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))})
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
            started[:] = [(status, headers)]
            return lambda _: None

        written: Iterable[bytes] = self.moto(environ, start)
        content = b"".join(written)
        status, headers = started[0]
        return Reply(int(status.split()[0]), dict(headers), content)

    def warm(self, services: Iterable[str]) -> None:
        """Load what the first call to each service would wait for."""
        for service in services:
            with self.lock:
                get_service_model(service)
                backend_of(service, ACCOUNT, REGION)
                package = ALT_SERVICE_NAMES.get(service, service)
                if package not in self.moto.app_instances:
                    self.moto.app_instances[package] = create_backend_app(package)

    def _control(self, method: str, path: str, body: bytes) -> Reply:
        action = _CONTROLS.get((method, path))
        if action is None:
            return _json(404, {"error": f"there is no {method} {path}"})
        try:
            return _json(200, action(self, json.loads(body or b"{}")))
        except (ValueError, TypeError) as error:
            return _json(400, {"error": str(error)})

    def about(self, _: Any) -> dict[str, Any]:
        """Return the process and how many calls it has answered."""
        return {"pid": os.getpid(), "calls": len(self.journal.entries())}

    def reset(self, _: Any) -> dict[str, Any]:
        """Empty every account and forget calls, faults and latencies."""
        with self.lock:
            BackendDict.reset()
            reset_model_data()
            store.reset()
            idempotence.reset()
        self.faults.clear()
        self.journal.clear()
        settling.reset()
        return {}


def _service_app(service: Any) -> Any:
    if service is None:
        raise NotImplementedError
    return create_backend_app(service)


def unknown_operation(call: Call, detail: str = "") -> Refusal:
    """Return the error for an operation, or a part of it, that neither moto nor the supplement has."""
    code = "InvalidAction" if call.protocol in ("ec2", "query") else "UnknownOperationException"
    return Refusal(code, f"The rehearsal has no {call.name} {detail}".rstrip(), 400)


_JSON = {"Content-Type": "application/json"}


def _json(status: int, document: Any) -> Reply:
    return Reply(status, dict(_JSON), json.dumps(document).encode())


def _set_fault(front: Front, document: Any) -> Any:
    front.faults.add(Fault.read(document))
    return {}


_CONTROLS: dict[tuple[str, str], Callable[[Front, Any], Any]] = {
    ("GET", "/rehearsal"): Front.about,
    ("POST", "/rehearsal/reset"): Front.reset,
    ("GET", "/rehearsal/calls"): lambda front, _: front.journal.as_json(),
    ("DELETE", "/rehearsal/calls"): lambda front, _: front.journal.clear(),
    ("POST", "/rehearsal/faults"): _set_fault,
    ("DELETE", "/rehearsal/faults"): lambda front, _: front.faults.clear(),
    ("POST", "/rehearsal/latency"): lambda _, table: settling.configure(table),
    ("POST", "/rehearsal/skip"): lambda _, document: settling.skip(float(document.get("seconds"))),
    ("GET", "/rehearsal/faces"): faces.about,
    ("DELETE", "/rehearsal/latency"): lambda *_: settling.reset(),
}
