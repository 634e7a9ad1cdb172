"""Volumes: under a customer key of the environment, and encrypted from birth in the whole account (DAT-02)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import Item, Named, account_row, every, is_ours, label, vpc_ids
from airgap.model.estate import Estate
from airgap.model.intent import Intent

DEFAULT = "ec2:GetEbsEncryptionByDefault"


@check(
    "volumes-encrypted-by-default",
    "Every new volume of the account is encrypted, whoever makes it",
    severity="medium",
    properties=("DAT-02",),
    reads=(DEFAULT,),
    remedy="apply the step identity, or switch EBS encryption by default on",
    over=account_row,
)
def by_default(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that it is off; in a shared account that is its owner's to decide."""
    if (estate.page(DEFAULT) or {}).get("EbsEncryptionByDefault") is True:
        return
    if not intent.exclusive_account:
        raise NotApplicable("off, and the account is shared: each volume of the environment is judged by itself")
    yield "EBS encryption by default is off"


def _volumes(intent: Intent, estate: Estate) -> Named:
    """The environment's volumes: those with its tag, and those on instances in its VPC."""
    ours = vpc_ids(intent, estate)
    listed = every(estate, "ec2:DescribeInstances", "Reservations")
    inside = {one["InstanceId"] for each in listed for one in each.get("Instances", []) if one.get("VpcId") in ours}
    found = [
        (label(one, "VolumeId"), one)
        for one in every(estate, "ec2:DescribeVolumes", "Volumes")
        if is_ours(one, intent) or any(link.get("InstanceId") in inside for link in one.get("Attachments", []))
    ]
    if not found:
        raise NotApplicable("the environment has no volume yet")
    return found


@check(
    "volumes-encrypted",
    "The volume is encrypted with a customer key of the environment",
    severity="high",
    properties=("DAT-02",),
    reads=("ec2:DescribeVpcs", "ec2:DescribeVolumes", "ec2:DescribeInstances", *KEY_READS),
    remedy="copy the volume into one under the environment's key, and name the key where volumes are made",
    over=_volumes,
)
def encrypted(volume: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the volume lies in the clear, or under a key that is not the environment's."""
    if not volume.get("Encrypted"):
        yield f"{volume['VolumeId']} is not encrypted"
    elif volume.get("KmsKeyId") not in own_keys(intent, estate):
        yield f"the key of {volume['VolumeId']} is {volume.get('KmsKeyId')}, none of the environment's"
