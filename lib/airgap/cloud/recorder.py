"""The recorder: every answer becomes a redacted page and an observation, every write two journal lines."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airgap.cloud.failures import request_id
from airgap.model import observation as obs
from airgap.model.canonical import canonical_bytes, plain
from airgap.model.journal import Journal, PageStore
from airgap.model.observation import Observation
from airgap.model.recording import FailedCall
from airgap.model.redaction import Redactor

BODY_SHA256, BODY_SIZE = "x-airgap-body-sha256", "x-airgap-body-size"


class Recorder:
    """Records reads and writes of one step into its journal and page store."""

    def __init__(self, journal: Journal, pages: PageStore, now: Callable[[], str], redactor: Redactor) -> None:
        self.journal, self.pages, self.now, self.redactor = journal, pages, now, redactor
        self.writes = 0
        """Writes that were begun here, answered or not."""

    def body_received(self, response_dict: Mapping[str, Any], **_: Any) -> None:
        """Botocore's ``before-parse``: add digest and size of the body as received to the headers of the answer.

        They travel with the answer, as several pages may be received before the first is recorded.
        """
        body = response_dict.get("body", b"")
        raw = body if isinstance(body, bytes) else b""
        response_dict["headers"][BODY_SHA256] = hashlib.sha256(raw).hexdigest()
        response_dict["headers"][BODY_SIZE] = str(len(raw))

    def page(self, client: Any, operation: str, asked: Mapping[str, Any], answer: Mapping[str, Any], number: int,
             last: bool) -> Observation:  # fmt: skip
        """Keep one page of an answer and journal the observation of it."""
        body = _without_streams({key: value for key, value in answer.items() if key != "ResponseMetadata"})
        shape = client.meta.service_model.operation_model(operation).output_shape
        headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        sensitive = sensitive_paths(shape, body)
        return self.answered(asked, body, sensitive, headers, request_id(answer), number, last)

    def answered(
        self, asked: Mapping[str, Any], body: Mapping[str, Any], sensitive: Sequence[str], headers: Mapping[str, str],
        request_id: str, number: int = 1, last: bool = True,
    ) -> Observation:  # fmt: skip
        """Keep one page of any system's answer, redacted, and journal the observation of it."""
        safe, redacted = self.redactor.redact(plain(body), sensitive)
        data = canonical_bytes(safe)
        return self._keep(
            Observation(
                **_safe(asked, self.redactor), status=obs.OK, time=self.now(), number=number, last=last,
                request_id=request_id, http_date=headers.get("date", ""), page=self.pages.keep(data), size=len(data),
                body_sha256=headers.get(BODY_SHA256, ""), body_size=int(headers.get(BODY_SIZE, 0)),
                redacted=tuple(redacted),
            )
        )  # fmt: skip

    def failure(self, asked: Mapping[str, Any], failure: FailedCall, number: int) -> Observation:
        """Journal the observation of a call that gave no answer."""
        return self._keep(
            Observation(
                **_safe(asked, self.redactor), status=failure.status, time=self.now(), number=number, code=failure.code,
                message=self.redactor.text(failure.message), request_id=failure.request_id,
            )
        )  # fmt: skip

    def hidden(self, page: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a page of another system without its secrets."""
        safe: dict[str, Any] = self.redactor.redact(plain(page), ())[0]
        return safe

    def _keep(self, observation: Observation) -> Observation:
        self.journal.append("read", observation.as_data())
        return observation

    def writing(self, call: str, params: Mapping[str, Any], resource: str, principal: str, attempt: int) -> str:
        """Journal a write before it is made; return its line's digest, to which the answer refers."""
        safe, _ = self.redactor.redact(plain(_without_bodies(params)), ())
        data = {"call": call, "params": safe, "resource": resource, "principal": principal, "attempt": attempt}
        self.writes += 1
        return self.journal.append("write", data)

    def written(self, write: str, answer: Mapping[str, Any]) -> None:
        """Journal the answer of a write."""
        self.journal.append("answer", {"write": write, "status": "ok", "request_id": request_id(answer)})

    def refused(self, write: str, failure: FailedCall) -> None:
        """Journal the refusal of a write."""
        data = {"write": write, "status": failure.status, "code": failure.code, "request_id": failure.request_id}
        self.journal.append("answer", {**data, "message": self.redactor.text(failure.message)})


def _safe(asked: Mapping[str, Any], redactor: Redactor) -> dict[str, Any]:
    params, _ = redactor.redact(plain(asked["params"]), ())
    return {**asked, "params": params}


def _without_bodies(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the digest and size of what is uploaded in its place."""
    return {
        key: {"sha256": hashlib.sha256(value).hexdigest(), "size": len(value)} if isinstance(value, bytes) else value
        for key, value in params.items()
    }


def _without_streams(body: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if not hasattr(value, "read")}


def sensitive_paths(shape: Any, value: Any, path: str = "") -> list[str]:
    """Return the paths of members that botocore's model marks as sensitive and that are present in ``value``."""
    if shape is None or value is None:
        return []
    if getattr(shape, "sensitive", False) or shape.metadata.get("sensitive"):
        return [path]
    if shape.type_name == "structure" and isinstance(value, Mapping):
        return [
            found
            for name, member in shape.members.items()
            if name in value
            for found in sensitive_paths(member, value[name], f"{path}.{name}" if path else name)
        ]
    if shape.type_name == "list" and isinstance(value, list):
        return [
            found
            for index, item in enumerate(value)
            for found in sensitive_paths(shape.member, item, f"{path}[{index}]")
        ]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return [found for key, item in value.items() for found in sensitive_paths(shape.value, item, f"{path}.{key}")]
    return []
