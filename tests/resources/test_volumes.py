"""EBS encryption by default: switched on once, seen when it is switched off, left on by a destroy."""

from __future__ import annotations

from embedded import AWS

from airgap.resources import volumes


def test_the_accounts_default_is_its_own_singleton(aws: AWS) -> None:
    ec2 = aws.client("ec2")
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is False
    aws.settled(volumes.declare)
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True
    ec2.disable_ebs_encryption_by_default()
    (change,) = aws.plan(volumes.declare).plan.changes
    assert (change.resource, change.field, change.before, change.after, change.risk) == (
        "ebs-default:account", "encrypted", False, True, "opens"
    )  # fmt: skip
    aws.settled(volumes.declare)
    aws.destroy(volumes.declare)
    assert ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"] is True


def test_a_shared_accounts_default_is_its_owners(aws: AWS) -> None:
    aws.change(exclusive_account=False)
    assert aws.desired(volumes.declare) == []
