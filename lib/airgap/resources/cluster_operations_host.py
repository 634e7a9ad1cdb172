"""The operations host: one instance in a private subnet, reached by Session Manager alone, and what records sessions.

No inbound rule, no public address, no SSH key; what is typed is written to a log group under the log key. Port
forwarding leaves no transcript. AWS: Systems Manager User Guide, "Session Manager", "Create session preferences".
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, ONCE, Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list
from airgap.resources.logs import LOG_GROUP, log_group
from airgap.resources.vpc import subnets, tier_of

_IMAGE, _PREFERENCES = "ssm:GetParameter", "ssm:GetDocument"
DISK_GIB = 20
PREFERENCES = "SSM-SessionManagerRunShell"
_GONE = ("InvalidInstanceID.NotFound",)
_TAGGED = ("instance", "volume", "network-interface")


def _run(f: Fields) -> dict[str, Any]:
    interface = {
        "DeviceIndex": 0,
        "SubnetId": f["subnet"],
        "Groups": f["groups"],
        "AssociatePublicIpAddress": False,
        "DeleteOnTermination": True,
    }
    disk = {
        "VolumeSize": DISK_GIB,
        "VolumeType": "gp3",
        "Encrypted": True,
        "KmsKeyId": f["volume_key"],
        "DeleteOnTermination": True,
    }
    return {
        "ImageId": f["image"],
        "InstanceType": f["type"],
        "MinCount": 1,
        "MaxCount": 1,
        "IamInstanceProfile": {"Arn": f["profile"]},
        "NetworkInterfaces": [interface],
        "MetadataOptions": {"HttpEndpoint": "enabled", **_metadata(f)},
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": disk}],
        "TagSpecifications": [{"ResourceType": one, "Tags": tag_list(f)} for one in _TAGGED],
    }


def _metadata(f: Fields) -> dict[str, Any]:
    return {"HttpTokens": f["metadata_tokens"], "HttpPutResponseHopLimit": f["metadata_hops"]}


_METADATA = (Call("ec2:ModifyInstanceMetadataOptions", lambda f: {"InstanceId": f["id"], **_metadata(f)}),)
_REPLACED = "the host is replaced; nothing is kept on it"

INSTANCE = Kind(
    "instance",
    "Instance",
    Reading(
        "ec2:DescribeInstances",
        "Reservations.Instances",
        "InstanceId",
        unless=(("State.Name", "terminated"), ("State.Name", "shutting-down")),
        fields={
            "image": Field("ImageId", change=ONCE, why="newer images come with a newer host"),
            "type": Field("InstanceType", change=NEVER, why=_REPLACED),
            "subnet": Field("SubnetId", change=NEVER, why=_REPLACED),
            "profile": Field("IamInstanceProfile.Arn", change=NEVER, risk="opens", why=_REPLACED),
            "public_address": Field("PublicIpAddress", change=NEVER, risk="opens", absent="", why=_REPLACED),
            "ssh_key": Field("KeyName", change=NEVER, risk="opens", absent="", why=_REPLACED),
            "groups": Field(
                "NetworkInterfaces[].Groups[].GroupId", form="set", risk="opens", why="its own group and no other"
            ),
            "metadata_tokens": Field("MetadataOptions.HttpTokens", risk="opens", why="IMDSv2 alone"),
            "metadata_hops": Field("MetadataOptions.HttpPutResponseHopLimit", risk="opens", why="no one behind it"),
            "user_data": Field(
                "UserData.Value",
                call="ec2:DescribeInstanceAttribute",
                by={"InstanceId": "InstanceId", "Attribute": "=userData"},
                form="present",
                change=NEVER,
                risk="opens",
                why=f"whoever reads the instance reads it; {_REPLACED}",
            ),
        },
        state="State.Name",
        settled=("running",),
        failed=("terminated", "stopped"),
    ),
    create=(
        Call(
            "ec2:RunInstances",
            _run,
            result="Instances",
            retry=("Invalid IAM Instance Profile",),
            actions=("ec2:CreateTags", "iam:PassRole"),
        ),
    ),
    updates={
        "groups": (Call("ec2:ModifyInstanceAttribute", lambda f: {"InstanceId": f["id"], "Groups": f["groups"]}),),
        "metadata_tokens": _METADATA,
        "metadata_hops": _METADATA,
    },
    delete=(Call("ec2:TerminateInstances", lambda f: {"InstanceIds": [f["id"]]}, ignore=_GONE),),
    poll=Call(
        "ec2:DescribeInstances",
        lambda f: {"InstanceIds": [f["id"]]},
        result="Reservations[].Instances[]",
        ignore=_GONE,
    ),
    seconds=60,
    limit=600,
    gone=True,
)


def _content(f: Fields) -> str:
    return json.dumps(f["content"], sort_keys=True)


SESSION_PREFERENCES = Kind(
    "session-preferences",
    "Session Manager preferences",
    Reading(
        "ssm:GetDocument",
        "",
        "Name",
        owner="account",
        only=(("Name", PREFERENCES),),
        attrs={"version": "DocumentVersion"},
        fields={"content": Field("Content", form="json", risk="blinds", why="how sessions are kept and for how long")},
    ),
    create=(
        Call(
            "ssm:CreateDocument",
            lambda f: {
                "Name": PREFERENCES,
                "Content": _content(f),
                "DocumentType": "Session",
                "DocumentFormat": "JSON",
                "Tags": tag_list(f),
            },
            actions=("ssm:AddTagsToResource",),
        ),
    ),
    updates={
        "content": (
            Call(
                "ssm:UpdateDocument",
                lambda f: {"Name": PREFERENCES, "Content": _content(f), "DocumentVersion": "$LATEST"},
            ),
            Call(
                "ssm:UpdateDocumentDefaultVersion",
                lambda f: {"Name": PREFERENCES, "DocumentVersion": str(int(f["version"]) + 1)},
            ),
        )
    },
    account_wide=True,
)


@declares(LOG_GROUP, SESSION_PREFERENCES, INSTANCE, reads=(_IMAGE, _PREFERENCES))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the host, and before it where transcripts go and the preferences that send them there.

    Preferences that somebody has set in an account with others in it are theirs: verified, never changed.
    """
    if "operations-host" not in intent.components:
        return
    group = names.log_group(intent, "sessions")
    yield log_group("sessions", group, intent.logs.retention_days, why="what operators type, and what they see")
    content = {"content": preferences(group)}
    needs = ("log-group:sessions",)
    why = "every session is kept, under the log key"
    taken = facts.page(_PREFERENCES, Name=PREFERENCES) if not intent.exclusive_account else None
    adopted = PREFERENCES if taken else ""
    yield Desired(
        "session-preferences", "account", content, needs=needs, why=why, label="account-wide", adopted=adopted
    )
    fields = {
        "image": image(intent.cluster.operations_host_type, facts),
        "type": intent.cluster.operations_host_type,
        "subnet": ref(f"subnet:{next(name for name in subnets(intent) if tier_of(name) == 'private')}"),
        "profile": ref("instance-profile:operations-host", "arn"),
        "public_address": "",
        "ssh_key": "",
        "groups": [ref("security-group:operations-host")],
        "metadata_tokens": "required",
        "metadata_hops": 1,
        "user_data": False,
        "volume_key": ref("kms-key:data", "arn"),
    }
    why = "operators reach Kubernetes and SQL through it, and it answers nobody"
    yield Desired("instance", "operations-host", fields, needs=("session-preferences:account",), why=why)


def preferences(group: str) -> dict[str, Any]:
    """Return the session preferences: streamed to a log group, encrypted on the way, ended when idle."""
    inputs = {
        "cloudWatchLogGroupName": group,
        "cloudWatchEncryptionEnabled": True,
        "cloudWatchStreamingEnabled": True,
        "kmsKeyId": ref("kms-key:logs", "arn"),
        "s3BucketName": "",
        "s3KeyPrefix": "",
        "s3EncryptionEnabled": True,
        "idleSessionTimeout": "20",
        "maxSessionDuration": "480",
        "runAsEnabled": False,
        "runAsDefaultUser": "",
        "shellProfile": {"linux": "", "windows": ""},
    }
    return {
        "schemaVersion": "1.0",
        "description": "Session Manager preferences of the account",
        "sessionType": "Standard_Stream",
        "inputs": inputs,
    }


def image(instance_type: str, facts: Estate) -> str:
    """Return the newest Amazon Linux 2023 image for a type's processor, from AWS's public parameter."""
    processor = "arm64" if re.match(r"[a-z]+\d+g", instance_type) else "x86_64"
    name = f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{processor}"
    page = facts.page(_IMAGE, Name=name) or {}
    return str((page.get("Parameter") or {}).get("Value", ""))
