"""AWS Organizations: an account is in none until CreateOrganization is called, and effective policies are computed."""

from __future__ import annotations

import json
from typing import Any

from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.organization import backend_of, effective
from airgap.rehearsal.store import now
from airgap.rehearsal.wire import Call, Refusal


@before("organizations", "*")
def in_use(call: Call) -> None:
    """Refuse every call of an account that belongs to no organization."""
    if call.operation != "CreateOrganization" and backend_of(call.account, call.partition) is None:
        raise Refusal("AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")


@answers("organizations", "DescribeEffectivePolicy")
def effective_policy(call: Call) -> dict[str, Any]:
    """Return the policies of a type as they add up for an account."""
    target, kind = call.get("TargetId", call.account), call.get("PolicyType")
    content = effective(target, call.partition, kind)
    if content is None:
        message = "There is no effective policy for this account."
        raise Refusal("EffectivePolicyNotFoundException", message)
    policy = {"PolicyContent": json.dumps(content), "TargetId": target, "PolicyType": kind}
    return {"EffectivePolicy": {**policy, "LastUpdatedTimestamp": now()}}
