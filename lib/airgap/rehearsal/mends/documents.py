"""Systems Manager documents: versions by their signs, content of the schema of its type, none like the latest.

moto knows ``$LATEST`` and not ``$DEFAULT``, and takes any content with a ``schemaVersion``.
https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-schema.html
"""

from __future__ import annotations

import json
import re
from typing import Any

from moto.ssm.models import Documents

from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.wire import Call, Refusal

_find = Documents.find
LONGEST = 64 * 1024
"""Bytes of a document (Systems Manager quotas)."""
_NAME = re.compile(r"[a-zA-Z0-9_\-.]{3,128}")
_RESERVED = ("aws", "amazon", "amzn")
_SESSION_TYPES = ("InteractiveCommands", "NonInteractiveCommands", "Port", "Standard_Stream")
_NEEDED = {
    "InteractiveCommands": "properties",
    "NonInteractiveCommands": "properties",
    "Port": "properties",
    "Standard_Stream": "inputs",
}
_MEMBERS = {"schemaVersion", "description", "sessionType", "inputs", "parameters", "properties"}
_PARAMETER = {
    "type",
    "description",
    "default",
    "allowedPattern",
    "allowedValues",
    "displayType",
    "minChars",
    "maxChars",
}
_REFERENCE = re.compile(r"{{\s*([A-Za-z0-9]+)\s*}}")


def _found(self: Any, document_version: str | None = None, version_name: str | None = None, strict: bool = True) -> Any:
    return _find(self, None if document_version == "$DEFAULT" else document_version, version_name, strict)


@before("ssm", "CreateDocument")
def judge_new(call: Call) -> None:
    """Refuse a name that AWS keeps for itself, and content that is not of its type's schema."""
    name = str(call.get("Name", ""))
    own = not name.lower().startswith(_RESERVED)
    if not _NAME.fullmatch(name) or not own:
        raise Refusal("ValidationException", f"Document name {name} is not valid")
    _judge(call.get("Content"), call.get("DocumentFormat", "JSON"), call.get("DocumentType", "Command"))


@before("ssm", "UpdateDocument")
def judge_version(call: Call) -> None:
    """Refuse a version whose content is the latest one's, or not of its type's schema."""
    documents = call.backend("ssm")._documents.get(call.get("Name"))
    if documents is None:
        return
    latest = documents.get_latest_version()
    if call.get("Content") == latest.content:
        message = "The content of the association document matches another document. Change the content and try again."
        raise Refusal("DuplicateDocumentContent", message)
    _judge(call.get("Content"), call.get("DocumentFormat", "JSON"), latest.document_type)


@answers("ssm", "ListDocumentVersions")
def versions(call: Call) -> dict[str, Any]:
    """The versions of a document, the newest first; moto has no such call."""
    documents = call.backend("ssm")._documents.get(call.get("Name"))
    if documents is None:
        raise Refusal("InvalidDocument", "The specified document does not exist.")
    default = documents.default_version
    found = sorted(documents.versions.values(), key=lambda one: int(one.document_version), reverse=True)
    return {"DocumentVersions": [_version(one, default) for one in found]}


def _version(one: Any, default: str) -> dict[str, Any]:
    named = {"VersionName": one.version_name} if one.version_name else {}
    return {
        "Name": one.name,
        "DocumentVersion": one.document_version,
        "CreatedDate": one.created_date,
        "IsDefaultVersion": one.document_version == default,
        "DocumentFormat": one.document_format,
        "Status": one.status,
        **named,
    }


def _judge(content: Any, written: str, kind: str) -> None:
    if len(str(content).encode()) > LONGEST:
        raise Refusal("MaxDocumentSizeExceeded", "The size limit of a document is 64 KB.")
    if kind != "Session" or written != "JSON":
        return
    try:
        data = json.loads(content)
    except json.JSONDecodeError:
        raise Refusal("InvalidDocumentContent", "The content for the document is not valid.") from None
    wrong = next(iter(_wrong(data)), "")
    if wrong:
        raise Refusal("InvalidDocumentContent", f"The content for the document is not valid: {wrong}")


def _wrong(data: dict[str, Any]) -> list[str]:
    """Say what of a Session document is not of its schema."""
    kind = data.get("sessionType")
    if data.get("schemaVersion") != "1.0" or kind not in _SESSION_TYPES:
        return ["schemaVersion is 1.0, and sessionType one of " + ", ".join(_SESSION_TYPES)]
    said = [f"{name} is no member" for name in sorted(set(data) - _MEMBERS)]
    if not isinstance(data.get(_NEEDED[kind]), dict):
        said.append(f"{kind} needs {_NEEDED[kind]}")
    asked = data.get("parameters", {})
    said += [f"parameter {name} has {one}" for name, spec in asked.items() for one in sorted(set(spec) - _PARAMETER)]
    said += [f"parameter {name} is no String" for name, spec in asked.items() if spec.get("type") != "String"]
    used = set(_REFERENCE.findall(json.dumps(data.get("properties", {}))))
    return said + [f"parameter {name} is not declared" for name in sorted(used - set(asked))]


Documents.find = _found
