"""The operations host: sealed, called by nobody, its sessions recorded (NET-05, LOG-02)."""

from __future__ import annotations

import json
from collections.abc import Iterator

from airgap.checks.check import NotApplicable, check
from airgap.checks.cluster_nodes import INSTANCE_READS, instances
from airgap.checks.scope import Item, Named, every, is_ours, tiers
from airgap.model.estate import Estate
from airgap.model.intent import Intent

HOST = "instance:operations-host"


def _hosts(intent: Intent, estate: Estate) -> Named:
    if "operations-host" not in intent.components:
        raise NotApplicable("the environment has no operations host")
    return [one for one in instances(intent, estate) if one[0] == HOST and is_ours(one[1], intent)]


@check(
    "host-sealed",
    "The operations host stands in a sealed subnet, and nothing may call it",
    severity="critical",
    properties=("NET-05",),
    reads=(*INSTANCE_READS, "ec2:DescribeSubnets", "ec2:DescribeSecurityGroupRules"),
    remedy="revoke its groups' inbound rules; Session Manager needs none",
    over=_hosts,
)
def host_sealed(host: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the host is elsewhere, or each inbound rule of a group that it carries."""
    tier = tiers(intent, estate).get(host.get("SubnetId", ""), "foreign")
    if tier != "private":
        yield f"it stands in {host.get('SubnetId')}, a {tier} subnet"
    carried = {one["GroupId"] for link in host.get("NetworkInterfaces", []) for one in link.get("Groups", [])}
    for rule in every(estate, "ec2:DescribeSecurityGroupRules", "SecurityGroupRules"):
        if rule["GroupId"] in carried and not rule.get("IsEgress"):
            yield f"rule {rule['SecurityGroupRuleId']} admits callers"


def _sessions(intent: Intent, estate: Estate) -> list[tuple[str, Item]]:
    if not {"operations-host", "session-manager"} & set(intent.components):
        raise NotApplicable("no component uses Session Manager")
    page = estate.page("ssm:GetDocument", Name="SSM-SessionManagerRunShell") or {}
    return [("session-preferences:account", {"Content": page.get("Content")})]


@check(
    "sessions-recorded",
    "Operators' sessions are streamed to a log group of the account, encrypted under a customer key",
    severity="high",
    properties=("LOG-02",),
    reads=("ssm:GetDocument", "logs:DescribeLogGroups"),
    remedy="set Session Manager's preferences; port forwarding leaves no transcript, whatever they say",
    over=_sessions,
)
def sessions_recorded(document: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that there are no preferences, or what of a session they leave unrecorded or in the clear."""
    if not document["Content"]:
        yield "there are no preferences, so sessions leave no transcript"
        return
    inputs = json.loads(document["Content"]).get("inputs") or {}
    groups = {one["logGroupName"] for one in every(estate, "logs:DescribeLogGroups", "logGroups")}
    if inputs.get("cloudWatchLogGroupName") not in groups:
        yield f"transcripts go to {inputs.get('cloudWatchLogGroupName') or 'no log group'}, which is not in the account"
    if not inputs.get("cloudWatchEncryptionEnabled") or not inputs.get("kmsKeyId"):
        yield "sessions are not encrypted under a customer key"


CHECKS = (host_sealed, sessions_recorded)
