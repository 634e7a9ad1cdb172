"""What a cluster here never has (Fargate profiles, capabilities), its certificate authority, and tags of everything."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.eks.state import (
    ADDON,
    ASSOCIATION,
    CLUSTER,
    ENTRY,
    NODEGROUP,
    PROVIDER,
    cluster,
    invalid,
    kept,
    not_found,
    tags,
)
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store
from airgap.rehearsal.wire import Call, Refusal

_LISTS = {"ListCapabilities": "capabilities", "ListFargateProfiles": "fargateProfileNames", "ListInsights": "insights"}
_ITEMS = {"DescribeCapability": "capability", "DescribeFargateProfile": "Fargate profile", "DescribeInsight": "insight"}
# Operations of moto on clusters that it does not have.
_UNKNOWN = ("CreateFargateProfile", "DeleteFargateProfile")
# kind: the member of its ARN.
ARNS = {
    CLUSTER: "arn",
    NODEGROUP: "nodegroupArn",
    ADDON: "addonArn",
    ENTRY: "accessEntryArn",
    ASSOCIATION: "associationArn",
    PROVIDER: "identityProviderConfigArn",
}


@answers("eks", *_LISTS)
def list_parts(call: Call) -> dict[str, Any]:
    """Return the parts of a cluster: none, of a cluster that exists."""
    cluster(call)
    return {_LISTS[call.operation]: []}


@answers("eks", *_ITEMS)
def describe_part(call: Call) -> dict[str, Any]:
    """Refuse, since no cluster has such a part."""
    cluster(call)
    raise not_found(f"There is no such {_ITEMS[call.operation]}")


@answers("eks", *_UNKNOWN)
def unknown(call: Call) -> dict[str, Any]:
    """The rehearsal has no such operation."""
    raise NotImplementedError


def _authority(record: Record) -> Record:
    about = {"createdAt": record["createdAt"], "createdBy": "EKS", "activatedAt": record["createdAt"]}
    states = {"activatedBy": "EKS", "signingStatus": "IN_USE", "distributionStatus": "COMPLETE"}
    return {"id": f"ca-{record['_id'].lower()[:17]}", **about, **states}


@answers("eks", "ListCertificateAuthorities")
def authorities(call: Call) -> dict[str, Any]:
    """Return the one authority, which EKS made."""
    return {"certificateAuthorities": [_authority(cluster(call))]}


@answers("eks", "DescribeCertificateAuthority")
def authority(call: Call) -> dict[str, Any]:
    """Return the one authority."""
    found, identifier = _authority(cluster(call)), call.get("certificateAuthorityId")
    if found["id"] != identifier:
        raise not_found(f"No certificate authority found for ID: {identifier}")
    return {"certificateAuthority": found}


def tagged(kept_here: Store) -> list[tuple[str, str, Record]]:
    """Return (ARN, kind, live record) of everything that has tags."""
    found = []
    for kind, member in ARNS.items():
        for record in kept_here.all(kind):
            place = record["name"] if kind == CLUSTER else record["_key"]
            live = kept_here.get(kind, place)
            if live is not None:
                found.append((str(record[member]), kind, live))
    return found


def _of_arn(call: Call) -> Record:
    arn = call.get("resourceArn")
    if ":eks:" not in arn:
        raise Refusal("BadRequestException", f"The ARN {arn} is not valid", 400)
    for known, _, record in tagged(kept(call)):
        if known == arn:
            return record
    raise Refusal("NotFoundException", f"Resource was not found: {arn}", 404)


@answers("eks", "TagResource")
def tag(call: Call) -> dict[str, Any]:
    """Set tags."""
    record = _of_arn(call)
    merged = {**record["tags"], **tags(call)}
    if len(merged) > 50:
        raise invalid("A resource has at most 50 tags")
    record["tags"] = merged
    return {}


@answers("eks", "UntagResource")
def untag(call: Call) -> dict[str, Any]:
    """Take tags away."""
    record = _of_arn(call)
    record["tags"] = {k: v for k, v in record["tags"].items() if k not in call.get("tagKeys", [])}
    return {}


@answers("eks", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """Return the tags of one thing."""
    return {"tags": dict(_of_arn(call)["tags"])}
