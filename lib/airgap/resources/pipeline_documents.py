"""Session Manager documents of deployments: own, versioned, shared with nobody.

The version that is the default is the one that runs. Each is named by its content, so a change back makes the old one
the default again, and any other change makes a new one.
AWS: Systems Manager User Guide, "Session document schema", "Document versions", "Share an SSM document".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model import delivery
from airgap.model.canonical import digest_of, encode, plain
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.cluster_operations_host import PREFERENCES
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list


def _version_name(f: Fields) -> str:
    """The name of the version that holds this content, so that it is found again among older ones."""
    return f"sha256-{digest_of(plain(f['content']))[:40]}"


def _held(f: Fields) -> str:
    """The number of the version that holds the declared content; '' where there is none yet."""
    named = {one.get("VersionName"): one["DocumentVersion"] for one in f["was"].get("versions") or ()}
    return str(named.get(_version_name(f), ""))


def _wanted(f: Fields) -> str:
    """The number of the version that is to run: the one that holds the content, or the one that was just made."""
    return _held(f) or str(1 + max(int(one["DocumentVersion"]) for one in f["was"]["versions"]))


def _unshared(f: Fields) -> dict[str, Any]:
    was, now = set(f["was"].get("shared_with") or ()), set(f["shared_with"])
    return {
        "Name": f["id"],
        "PermissionType": "Share",
        "AccountIdsToAdd": sorted(now - was) or None,
        "AccountIdsToRemove": sorted(was - now) or None,
    }


DOCUMENT = Kind(
    "document",
    "Session Manager document",
    Reading(
        "ssm:ListDocuments",
        "DocumentIdentifiers",
        "Name",
        owner="name",
        natural=("name",),
        # The session preferences are a document too, and another kind.
        unless=(("Name", PREFERENCES),),
        fields={
            "name": Field("Name", change=NEVER, why="a document is its name"),
            "type": Field("DocumentType", change=NEVER, why="a document keeps its type"),
            "content": Field(
                "Content",
                call="ssm:GetDocument",
                by={"Name": "Name", "DocumentVersion": "=$DEFAULT"},
                form="json",
                risk="opens",
                why="it is what is run inside",
            ),
            "versions": Field("DocumentVersions", call="ssm:ListDocumentVersions", by={"Name": "Name"}),
            "shared_with": Field(
                "AccountIds",
                call="ssm:DescribeDocumentPermission",
                by={"Name": "Name", "PermissionType": "=Share"},
                form="set",
                absent=(),
                risk="opens",
                why="others would see how releases get in",
            ),
        },
    ),
    create=(
        Call(
            "ssm:CreateDocument",
            lambda f: {
                "Name": f["name"],
                "Content": encode(plain(f["content"])),
                "VersionName": _version_name(f),
                "DocumentType": f["type"],
                "DocumentFormat": "JSON",
                "Tags": tag_list(f),
            },
            result="DocumentDescription",
            actions=("ssm:AddTagsToResource",),
        ),
    ),
    updates={
        "content": (
            Call(
                "ssm:UpdateDocument",
                lambda f: {
                    "Name": f["id"],
                    "Content": encode(plain(f["content"])),
                    "VersionName": _version_name(f),
                    "DocumentVersion": "$LATEST",
                },
                when=lambda f: not _held(f),
            ),
            Call("ssm:UpdateDocumentDefaultVersion", lambda f: {"Name": f["id"], "DocumentVersion": _wanted(f)}),
        ),
        "shared_with": (Call("ssm:ModifyDocumentPermission", _unshared),),
    },
    # A document that is shared cannot be deleted.
    delete=(
        Call(
            "ssm:ModifyDocumentPermission",
            lambda f: {"Name": f["id"], "PermissionType": "Share", "AccountIdsToRemove": f["shared_with"]},
            when=lambda f: bool(f["shared_with"]),
        ),
        Call("ssm:DeleteDocument", lambda f: {"Name": f["id"]}, ignore=("InvalidDocument",)),
    ),
)


@declares(DOCUMENT)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the documents by which a deployment is started, and one by which it is taken back."""
    if not delivery.has_documents(intent):
        return
    for purpose in delivery.PURPOSES:
        fields = {
            "name": delivery.document_name(intent, purpose),
            "type": "Session",
            "content": delivery.document(intent, purpose),
            "shared_with": [],
        }
        yield Desired("document", purpose, fields, why="by digest, as the deployment role, its text in the session log")
