"""Keys that stand in for the identity step's where a test needs only that there are some."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired
from airgap.resources.keys import KEY
from airgap.resources.kind import declares

OPEN = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"}],
}


@declares(KEY)
def keys(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """The data key and the log key, which let anyone use them."""
    for name in ("data", "logs"):
        fields = {"spec": "SYMMETRIC_DEFAULT", "usage": "ENCRYPT_DECRYPT", "multi_region": False, "policy": OPEN}
        yield Desired("kms-key", name, {**fields, "description": name, "deletion_days": 7})
