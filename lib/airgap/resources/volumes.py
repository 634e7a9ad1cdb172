"""EBS encryption by default: whoever makes a volume in the account and Region makes an encrypted one.

The key stays the service's own: a volume that must be under a key of the environment's names it, and the account's
default would point to a key that a destroy deletes. AWS: EBS User Guide, "Enable Amazon EBS encryption by default".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.model.reading import Field, Reading
from airgap.resources.kind import Call, Kind, declares

DEFAULT = Kind(
    "ebs-default",
    "EBS encryption by default",
    Reading(
        "ec2:GetEbsEncryptionByDefault",
        "",
        "=ebs",
        owner="account",
        fields={"encrypted": Field("EbsEncryptionByDefault", risk="opens", why="new volumes would lie in the clear")},
    ),
    create=(),
    updates={"encrypted": (Call("ec2:EnableEbsEncryptionByDefault", lambda f: {}),)},
    account_wide=True,
)


@declares(DEFAULT)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the switch in an exclusive account; in a shared one it is its owner's, and each volume is judged alone."""
    if intent.exclusive_account:
        why = "no volume of the account lies in the clear, whoever makes it"
        yield Desired("ebs-default", "account", {"encrypted": True}, why=why, label="account-wide")
