"""The cluster: which versions are supported, who may enter, and what its nodes and add-ons are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airgap.checks.cluster_access import ENTRY, POLICIES, Entry, entries
from airgap.checks.cluster_addons import ADDON, OFFERED, Installed, installed
from airgap.checks.cluster_nodes import GROUP, TEMPLATE, node_groups
from airgap.model.canonical import dig
from airgap.model.cluster import Access, equal_sizes
from airgap.model.intent import NodeGroup
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, STATUS, Code, Mark, Table, not_read

VERSION_READS = ("eks:DescribeClusterVersions", "eks:ListClusters", "eks:DescribeCluster")
ACCESS_READS = ("eks:ListAccessEntries", ENTRY, POLICIES)
NODE_READS = ("eks:ListNodegroups", GROUP, TEMPLATE)
ADDON_READS = ("eks:ListAddons", ADDON, OFFERED)
SUPPORT = {
    "STANDARD_SUPPORT": Mark("standard support", "✓", "good"),
    "EXTENDED_SUPPORT": Mark("extended support, billed", "!", "unknown"),
    "UNSUPPORTED": Mark("unsupported", "✗", "bad"),
}
# Groups that read no Secrets; the rights of a group are roles in the cluster.
_SILENT = Mark("no", "✓", "good")


def versions(look: Look) -> Table:
    """Return the Kubernetes versions that EKS has, the end of each one's support, and which is declared and running."""
    bodies, reason = attempt(lambda: look.estate.pages("eks:DescribeCluster"), [])
    running = {one["cluster"]["name"]: one["cluster"].get("version") for _, one in bodies}.get(look.intent.cluster.name)
    rows: list[tuple[Any, ...]] = []
    for one in look.every("eks:DescribeClusterVersions", "clusterVersions"):
        name = one["clusterVersion"]
        marks = [
            word for word, which in (("declared", look.intent.cluster.version), ("running", running)) if which == name
        ]
        status = str(one.get("versionStatus"))
        rows.append(
            (
                name,
                SUPPORT.get(status, status),
                str(one.get("endOfStandardSupportDate", ""))[:10],
                str(one.get("endOfExtendedSupportDate", ""))[:10],
                ", ".join([*marks, *(["EKS's default"] if one.get("defaultVersion") else [])]),
            )
        )
    note = f"Which one runs is {not_read(reason)}" if reason else ""
    ordered = sorted(rows, key=lambda row: _numbers(row[0]), reverse=True)
    columns = ("version", "state today", "standard support ends", "extended support ends", "here")
    return Table("Kubernetes versions", columns, ordered, note=note)


def _numbers(version: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version).split(".") if part.isdigit())


def access(look: Look) -> Table:
    """Return who may enter the cluster: declared and found, its groups and policies, and who reads every Secret."""
    rows = [_entry(look, one) for _, one in entries(look.intent, look.estate)]
    columns = ("principal", "found", "type", "groups", "access policies", "reads every Secret", "for what")
    note = "What a group may do is a role in the cluster. EKS's own entries are not shown."
    return Table("Access matrix", columns, rows, note=note)


def _entry(look: Look, one: Entry) -> tuple[Any, ...]:
    declared = one.declared or Access("", "", "", why="nobody declared it")
    found = STATUS["pass"] if one.declared and one.live else Mark("not declared", "✗", "bad") if one.live else LATER
    live = one.live or {"type": declared.type, "kubernetesGroups": list(declared.groups)}
    policies = _policies(look, one) if one.live else tuple(declared.policies)
    return (
        Code(one.principal.rpartition(":")[2]),
        found,
        live.get("type", ""),
        tuple(live.get("kubernetesGroups") or ()) or "",
        policies or "",
        Mark("yes, as administrator", "!", "unknown") if any("Admin" in str(each) for each in policies) else _SILENT,
        declared.why,
    )


def _policies(look: Look, one: Entry) -> tuple[Any, ...]:
    asked = {"clusterName": look.intent.cluster.name, "principalArn": one.principal}
    found, reason = attempt(lambda: look.items(POLICIES, "associatedAccessPolicies", **asked), [])
    return (not_read(reason),) if reason else tuple(each["policyArn"].rpartition("/")[2] for each in found)


def nodes(look: Look) -> Table:
    """Return the node groups: sizes, types, image, version, and what their launch templates let nodes do."""
    live = {one["nodegroupName"]: one for _, one in node_groups(look.intent, look.estate)}
    wanted = {one.name: one for one in look.intent.cluster.node_groups}
    rows = [_group(look, name, wanted.get(name), live.get(name)) for name in dict.fromkeys([*wanted, *live])]
    columns = (
        "node group",
        "found",
        "types",
        "equal sizes",
        "min, desired, max",
        "version",
        "image",
        "IMDS, hops, disk",
    )
    return Table("Node groups", columns, rows)


def _group(look: Look, name: str, wanted: NodeGroup | None, live: Mapping[str, Any] | None) -> tuple[Any, ...]:
    types = list((live or {}).get("instanceTypes") or (wanted.instance_types if wanted else ()))
    sizes = (live or {}).get("scalingConfig") or {}
    shown = [sizes.get(one, "") for one in ("minSize", "desiredSize", "maxSize")]
    if not live and wanted:
        shown = [wanted.min_size, wanted.desired_size, wanted.max_size]
    found = LATER if not live else STATUS["pass"] if wanted else Mark("not declared", "✗", "bad")
    return (
        name,
        found,
        tuple(types),
        _sizes(types),
        ", ".join(map(str, shown)),
        (live or {}).get("version") or look.intent.cluster.version,
        (live or {}).get("releaseVersion") or (wanted.ami_type if wanted else ""),
        _started(look, live) if live else "",
    )


def _sizes(types: Sequence[str]) -> Mark:
    if equal_sizes(types):
        return Mark("yes", "✓", "good")
    return Mark("no: the autoscaler assumes one size; split the group", "!", "unknown")


def _started(look: Look, live: Mapping[str, Any]) -> Any:
    source = live.get("launchTemplate") or {}
    asked = {"LaunchTemplateId": source.get("id"), "Versions": [source.get("version")]}
    found, reason = attempt(lambda: look.items(TEMPLATE, "LaunchTemplateVersions", **asked), [])
    if reason:
        return not_read(reason)
    options = dig(found[0], "LaunchTemplateData.MetadataOptions") or {} if found else {}
    disks = dig(found[0], "LaunchTemplateData.BlockDeviceMappings[].Ebs.Encrypted") or [] if found else []
    disk = "encrypted" if disks and all(disks) else "in the clear"
    return f"{options.get('HttpTokens', 'optional')}, {options.get('HttpPutResponseHopLimit', '')}, {disk}"


def addons(look: Look) -> Table:
    """Return the add-ons: declared and found, version and whether it is EKS's default for the cluster, state."""
    rows = [_addon(look, name.partition(":")[2], one) for name, one in installed(look.intent, look.estate)]
    columns = ("add-on", "found", "version", "EKS's default", "state", "when", "configuration")
    return Table("Add-ons", columns, rows)


def _addon(look: Look, name: str, one: Installed) -> tuple[Any, ...]:
    live = one.live or {}
    found = LATER if not live else STATUS["pass"] if one.declared else Mark("not declared", "✗", "bad")
    when = "" if one.declared is None else "before the nodes" if one.declared.before_nodes else "after the nodes"
    wanted = next((each.fields.get("version", "") for each in look.wanted("eks-addon") if each.name == name), "")
    return (
        name,
        found,
        Code(str(live.get("addonVersion") or wanted)),
        _default(look, name),
        live.get("status", ""),
        when,
        Code(live.get("configurationValues") or (one.declared.configuration if one.declared else "") or ""),
    )


def _default(look: Look, name: str) -> Any:
    asked = {"kubernetesVersion": look.intent.cluster.version, "owners": ["aws"]}
    found, reason = attempt(lambda: look.items(OFFERED, "addons", **asked), [])
    if reason:
        return not_read(reason)
    offers = [each for one in found if one["addonName"] == name for each in one.get("addonVersions", [])]
    chosen = [each["addonVersion"] for each in offers if any(dig(each, "compatibilities[].defaultVersion") or [])]
    return Code(chosen[0]) if chosen else "not offered"
