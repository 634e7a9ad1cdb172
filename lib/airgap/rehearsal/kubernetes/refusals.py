"""The refusals of a Kubernetes API, as ``Status`` objects in its own words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from airgap.rehearsal.kubernetes.kinds import Kind

_UNSUPPORTED = (
    "the body of the request was in an unknown format - accepted media types include: application/json,"
    " application/yaml, application/vnd.kubernetes.protobuf"
)


class Refusal(Exception):
    """A request that is not carried out: HTTP code, reason and message of the ``Status`` that answers it."""

    def __init__(self, code: int, reason: str, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def status(self) -> dict[str, Any]:
        """Return the ``Status`` object."""
        answer: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        answer |= {"reason": self.reason, "code": self.code}
        return answer | ({"details": self.details} if self.details else {})


def _details(of: Kind, name: str, **more: Any) -> dict[str, Any]:
    found = {"name": name, "group": of.group, "kind": of.plural, **more}
    return {key: value for key, value in found.items() if value}


def not_found(kind: Kind, name: str) -> Refusal:
    """404 for an object that is not there."""
    return Refusal(404, "NotFound", f'{kind.qualified} "{name}" not found', _details(kind, name))


def no_such_path() -> Refusal:
    """404 for a group, version or resource that is not served."""
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def exists(kind: Kind, name: str) -> Refusal:
    """409 for a name that is taken."""
    return Refusal(409, "AlreadyExists", f'{kind.qualified} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = "") -> Refusal:
    """409 for a write that rests on an old version."""
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {kind.qualified} "{name}": {why}'
    return Refusal(409, "Conflict", message, _details(kind, name))


def invalid(kind: Kind, name: str, problems: Sequence[tuple[str, str]]) -> Refusal:
    """422 for (field, problem) pairs; a problem begins with its sort, such as ``Invalid value: ...``."""
    lines = [f"{field}: {problem}" if field else problem for field, problem in problems]
    text = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
    causes = [{"reason": _cause(why), "message": why, "field": field} for field, why in problems]
    subject = f"{kind.name}.{kind.group}" if kind.group else kind.name
    details = _details(kind, name, kind=kind.name, causes=causes)
    return Refusal(422, "Invalid", f'{subject} "{name}" is invalid: {text}', details)


def _cause(problem: str) -> str:
    sort = problem.split(":")[0].split(" value")[0]
    return f"FieldValue{sort if sort.isalpha() else 'Invalid'}"


def bad_request(message: str) -> Refusal:
    """400 for what cannot be understood."""
    return Refusal(400, "BadRequest", message)


def unsupported() -> Refusal:
    """415 for a body in a format or of a kind that cannot be decoded."""
    return Refusal(415, "UnsupportedMediaType", _UNSUPPORTED)


def forbidden(kind: Kind, name: str, why: str) -> Refusal:
    """403 by admission or authorization."""
    subject = f'{kind.qualified} "{name}"' if name else kind.qualified
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {why}", _details(kind, name))


def unauthorized() -> Refusal:
    """401: no token, or one that proves nothing."""
    return Refusal(401, "Unauthorized", "Unauthorized")


def not_allowed(message: str = "the server does not allow this method on the requested resource") -> Refusal:
    """405 for a verb that a resource does not have."""
    return Refusal(405, "MethodNotAllowed", message, {})


def expired(asked: int, oldest: int) -> Refusal:
    """410 for a resource version whose history is gone."""
    return Refusal(410, "Expired", f"too old resource version: {asked} ({oldest})")


def applied_elsewhere(conflicts: Sequence[tuple[str, str]]) -> Refusal:
    """409 of server-side apply, for (manager as it is printed, field) pairs."""
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": field}
        for manager, field in conflicts
    ]
    if len(conflicts) == 1:
        manager, field = conflicts[0]
        message = f"Apply failed with 1 conflict: conflict with {manager}: {field}"
    else:
        by_manager = {manager: [field for one, field in conflicts if one == manager] for manager, _ in conflicts}
        lists = ("".join(f"\n- {field}" for field in fields) for fields in by_manager.values())
        texts = (f"conflicts with {manager}:{text}" for manager, text in zip(by_manager, lists, strict=True))
        message = f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(texts)
    return Refusal(409, "Conflict", message, {"causes": causes})
