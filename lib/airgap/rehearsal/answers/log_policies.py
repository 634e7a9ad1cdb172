"""CloudWatch Logs: account policies, which act on every log group of the account and Region.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutAccountPolicy.html
"""

from __future__ import annotations

import json
import time
from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import store
from airgap.rehearsal.wire import Call, Refusal

KIND = "account-policy"


def _key(call: Call) -> str:
    return f"{call.get('policyType')}/{call.get('policyName')}"


@answers("logs", "PutAccountPolicy")
def put(call: Call) -> dict[str, Any]:
    """Set a policy of the account; its document is JSON."""
    try:
        json.loads(call.get("policyDocument"))
    except ValueError as error:
        raise Refusal("InvalidParameterException", f"The policy document is not JSON: {error}") from error
    members = ("policyName", "policyDocument", "policyType", "selectionCriteria")
    record = {name: call.get(name) for name in members if call.get(name) is not None}
    record |= {"scope": "ALL", "accountId": call.account, "lastUpdatedTime": int(time.time() * 1000)}
    return {"accountPolicy": dict(store(call.account, call.region, "logs").put(KIND, _key(call), record))}


@answers("logs", "DescribeAccountPolicies")
def describe(call: Call) -> dict[str, Any]:
    """Return the policies of one type, or the one of a name."""
    found = [x for x in store(call.account, call.region, "logs").all(KIND) if x["policyType"] == call.get("policyType")]
    name = call.get("policyName")
    return {"accountPolicies": [x for x in found if name in (None, x["policyName"])]}


@answers("logs", "DeleteAccountPolicy")
def delete(call: Call) -> dict[str, Any]:
    """Take a policy away."""
    if store(call.account, call.region, "logs").remove(KIND, _key(call)) is None:
        raise Refusal("ResourceNotFoundException", "The specified policy does not exist.")
    return {}
