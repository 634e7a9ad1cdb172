"""Security Token Service: who the caller is."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call


@answers("sts", "GetCallerIdentity")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """Return the role session behind the access key, in the partition of the Region."""
    return {"UserId": call.caller.user_id, "Account": call.account, "Arn": call.caller.arn(call.partition)}
