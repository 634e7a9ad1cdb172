"""Preflight: where this is, what the place offers, and which of the account's switches are set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from airgap.model.budget import interfaces
from airgap.model.components import service_name
from airgap.views.look import Look, attempt
from airgap.views.table import Code, Facts, Mark, Table, not_read

WHERE_READS = ("sts:GetCallerIdentity", "iam:ListAccountAliases", "organizations:DescribeOrganization")
ZONE_READS = ("ec2:DescribeAvailabilityZones", "ec2:DescribeVpcEndpointServices")
SINGLETON_READS = (
    "ec2:DescribeVpcBlockPublicAccessOptions",
    "s3control:GetPublicAccessBlock",
    "ec2:GetEbsEncryptionByDefault",
    "ec2:GetSnapshotBlockPublicAccessState",
    "ec2:GetImageBlockPublicAccessState",
    "ec2:GetSerialConsoleAccessStatus",
    "ecr:GetRegistryScanningConfiguration",
    "ecr:GetRegistryPolicy",
    "bedrock:GetModelInvocationLoggingConfiguration",
    "ssm:GetDocument",
)

# Zones in which EKS puts no control plane (EKS User Guide, "VPC and subnet requirements").
NOT_FOR_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})


def where(look: Look) -> Facts:
    """Return account, caller, Region, partition and world, and whether they are the declared ones."""
    intent = look.intent
    who = look.estate.page("sts:GetCallerIdentity") or {}
    arn = str(who.get("Arn", ""))
    account = str(who.get("Account", ""))
    same = (
        Mark("as declared", "✓", "good")
        if account == intent.account
        else Mark(f"declared: {intent.account}", "✗", "bad")
    )
    facts: list[tuple[str, Any]] = [
        ("environment", intent.environment),
        ("world", intent.world),
        ("account", (Code(account), same)),
        ("alias", _alias(look)),
        ("organisation", _organisation(look)),
        ("caller", Code(arn)),
        ("session", _session(arn, look.caller.get("ends", ""))),
        ("Region", intent.region),
        ("partition", arn.split(":")[1] if arn else intent.partition),
        ("read at", look.estate.taken_at),
    ]
    return Facts("Where this is", facts)


def _alias(look: Look) -> Any:
    names, reason = attempt(lambda: (look.estate.page("iam:ListAccountAliases") or {}).get("AccountAliases", []), [])
    return not_read(reason) if reason else ", ".join(names) or "none"


def _organisation(look: Look) -> Any:
    page, reason = attempt(lambda: look.estate.page("organizations:DescribeOrganization"))
    if reason:
        return not_read(reason)
    return Code((page.get("Organization") or {}).get("Id", "")) if page else "the account is in none"


def _session(arn: str, ends: str) -> str:
    """What kind of credentials these are; a chained role's session ends after one hour whatever the role allows."""
    if ":assumed-role/" in arn:
        told = {"renewed": "it renews itself", "": "chained roles end after one hour"}
        return f"temporary, of an assumed role; {told.get(ends, f'it ends at {ends}')}"
    if ":federated-user/" in arn:
        return "temporary, of a federated user"
    return "long-lived credentials of a root user" if arn.endswith(":root") else "long-lived credentials of a user"


def zones(look: Look) -> Table:
    """Return the zones of the sealed subnets: their ids, whether EKS takes them, the endpoint services they lack."""
    found = {one["ZoneName"]: one for one in look.every("ec2:DescribeAvailabilityZones", "AvailabilityZones")}
    wanted = [service_name(one, look.intent.region, look.intent.partition) for one in interfaces(look.intent)]
    details, reason = attempt(lambda: look.every("ec2:DescribeVpcEndpointServices", "ServiceDetails"), [])
    offered = {one["ServiceName"]: one.get("AvailabilityZones", []) for one in details}
    rows = [
        (name, *_zone(found.get(name)), not_read(reason) if reason else _lacking(wanted, offered, name))
        for name in look.intent.zones
    ]
    return Table("Zones", ("zone", "id", "state", "EKS", "endpoint services"), rows)


def _zone(zone: Mapping[str, Any] | None) -> tuple[Any, ...]:
    if zone is None:
        return "", Mark("the Region has no such zone", "✗", "bad"), ""
    usable = zone["ZoneId"] not in NOT_FOR_EKS
    return (
        Code(zone["ZoneId"]),
        zone.get("State", ""),
        Mark("usable", "✓", "good") if usable else Mark("refused", "✗", "bad"),
    )


def _lacking(wanted: list[str], offered: Mapping[str, list[str]], zone: str) -> Any:
    lacking = [name for name in wanted if zone not in offered.get(name, [])]
    if lacking:
        return tuple(Mark(f"{name} is not offered", "✗", "bad") for name in lacking)
    return Mark(f"all {len(wanted)} offered", "✓", "good")


def singletons(look: Look) -> Table:
    """Return the account-wide switches as they stand; what is already set is adopted and destroy never reverts it."""
    rows = []
    for title, call, say in SINGLETONS:
        rows.append((title, _now(look, call, say), Code(call)))
    return Table("Account-wide switches", ("switch", "now", "read from"), rows)


Say = Callable[[Mapping[str, Any]], Any]


_ASKED = {"ssm:GetDocument": {"Name": "SSM-SessionManagerRunShell"}}
"""What a switch is read by, where other things are read by the same call."""


def _now(look: Look, call: str, say: Say) -> Any:
    pages, reason = attempt(lambda: _pages(look, call), [])
    return not_read(reason) if reason else say(pages[0][1]) if pages else "not set"


def _pages(look: Look, call: str) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    if call not in _ASKED:
        return [*look.estate.pages(call)]
    body = look.estate.page(call, **_ASKED[call])
    return [] if body is None else [(_ASKED[call], body)]


def _block(body: Mapping[str, Any]) -> str:
    return str((body.get("VpcBlockPublicAccessOptions") or {}).get("InternetGatewayBlockMode", "not set"))


def _bucket_block(body: Mapping[str, Any]) -> str:
    held = body.get("PublicAccessBlockConfiguration") or {}
    return "all four on" if held and all(held.values()) else f"{sum(map(bool, held.values()))} of 4 on"


def _scanning(body: Mapping[str, Any]) -> str:
    return str((body.get("scanningConfiguration") or {}).get("scanType", "not set")).lower()


def _logging(body: Mapping[str, Any]) -> str:
    return "set" if body.get("loggingConfig") else "not set"


SINGLETONS: tuple[tuple[str, str, Say], ...] = (
    ("VPC Block Public Access", "ec2:DescribeVpcBlockPublicAccessOptions", _block),
    ("S3 Block Public Access of the account", "s3control:GetPublicAccessBlock", _bucket_block),
    (
        "EBS encryption by default",
        "ec2:GetEbsEncryptionByDefault",
        lambda body: "on" if body.get("EbsEncryptionByDefault") else "off",
    ),
    ("block of public snapshots", "ec2:GetSnapshotBlockPublicAccessState", lambda body: body.get("State", "not set")),
    (
        "block of public images",
        "ec2:GetImageBlockPublicAccessState",
        lambda body: body.get("ImageBlockPublicAccessState", "not set"),
    ),
    (
        "serial console",
        "ec2:GetSerialConsoleAccessStatus",
        lambda body: "on" if body.get("SerialConsoleAccessEnabled") else "off",
    ),
    ("ECR registry scanning", "ecr:GetRegistryScanningConfiguration", _scanning),
    ("ECR registry policy", "ecr:GetRegistryPolicy", lambda body: "set" if body.get("policyText") else "not set"),
    ("Bedrock invocation log", "bedrock:GetModelInvocationLoggingConfiguration", _logging),
    ("Session Manager preferences", "ssm:GetDocument", lambda body: f"set, version {body.get('DocumentVersion', '')}"),
)
