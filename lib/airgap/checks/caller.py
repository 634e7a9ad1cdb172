"""Who acts: not root, no platform role, and not alone where the params ask for two (IAM-01, IAM-02)."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.roles import DETAILS, roles
from airgap.checks.scope import account_row
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.people import judge_four_eyes

WHOLE_RUN = dt.timedelta(minutes=90)
"""What every step takes on a real account: cluster, nodes, database and cache each take a quarter of an hour."""
_GUARDS = ("SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY")
_DEFAULTS = ("FullAWSAccess", "RCPFullAWSAccess")


@check(
    "caller-session",
    "The runbook runs in a role's session, of this account, not as root, a user or a platform role",
    severity="high",
    properties=("IAM-02",),
    reads=("sts:GetCallerIdentity", DETAILS),
    remedy="assume the deployer's or the verifier's role (airgap policy --role deployer|verifier prints its rights)",
    over=account_row,
)
def session(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why the caller is not fit to run the runbook."""
    body = estate.page("sts:GetCallerIdentity") or {}
    arn = str(body.get("Arn", ""))
    if body.get("Account") not in intent.accounts:
        yield f"the caller {arn} is of account {body.get('Account')}"
    if arn.endswith(":root"):
        yield "the caller is the root user"
    elif ":assumed-role/" not in arn:
        yield f"the caller {arn} is no role's session, so its credentials do not end"
    else:
        name = arn.partition(":assumed-role/")[2].partition("/")[0]
        if name in {one["RoleName"] for _, one in roles(intent, estate)}:
            yield f"the caller is the platform's own role {name}"


@check(
    "caller-session-lasts",
    "The caller's credentials outlast a whole run, or renew themselves",
    severity="medium",
    properties=(),
    reads=("sts:GetCallerIdentity",),
    remedy="use a profile that renews its session (AWS_PROFILE with role_arn or sso); a run goes on where it stopped",
    over=account_row,
)
def lasts(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the session ends before a whole run would; a role's session from another role's lasts one hour.

    AWS: IAM User Guide, "Role chaining".
    """
    arn = str((estate.page("sts:GetCallerIdentity") or {}).get("Arn", ""))
    if intent.world != "aws":
        raise NotApplicable(f"sessions of a {intent.world} do not end")
    ends = str(estate.records.caller.get("ends", ""))
    if ends == "renewed":
        return
    if not ends:
        raise NotApplicable("nothing says when these credentials end; those of a chained role last one hour")
    left = _moment(ends) - _moment(estate.taken_at)
    if left < WHOLE_RUN:
        minutes = max(0, int(left.total_seconds() // 60))
        yield f"the session of {arn} ends at {ends}, in {minutes} minutes; a whole run takes {WHOLE_RUN.seconds // 60}"


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _approvals(intent: Intent, estate: Estate) -> Population:
    if intent.approval == "auto":
        raise NotApplicable("the params declare approval: auto, so one caller plans, applies and verifies")
    if not estate.records.approvals:
        raise NotApplicable("nothing was applied in this run, so nothing was approved")
    return [(f"approval of {one.get('digest', '')[:12]}", one) for one in estate.records.approvals]


@check(
    "caller-separate",
    "Who approved is an attributable person, and another one than who planned and who applied",
    severity="high",
    properties=("IAM-02",),
    reads=(),
    remedy="have another, attributable person approve the plan",
    over=_approvals,
)
def separate(approval: dict[str, Any], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why no approval fulfils the four-eyes rule."""
    if intent.approval != "four-eyes":
        raise NotApplicable("the params ask for an approved digest, not for a second person")
    judged = [
        judge_four_eyes(approval.get("planner") or {}, one, approval.get("applier") or {})
        for one in approval.get("approvers") or [{}]
    ]
    if all(judged):
        yield from judged[-1]


@check(
    "organization-perimeter",
    "The organisation's control policies bound what the account and its resources may do",
    severity="high",
    properties=("IAM-01",),
    reads=("organizations:ListPolicies", "organizations:DescribePolicy", "organizations:ListTargetsForPolicy"),
    remedy="attach the guardrails that airgap policy --role guardrails prints",
    over=lambda intent, estate: [(one.lower().replace("_", " "), one) for one in _organization(intent)],
)
def perimeter(sort: str, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that no policy of the sort beyond AWS's default, with a denial in it, is attached to the account.

    One at the root covers it; of one at an organisational unit it is not known whether the account is in there.
    """
    units: list[str] = []
    for one in estate.items("organizations:ListPolicies", "Policies", Filter=sort):
        if one.get("Name") in _DEFAULTS:
            continue
        content = estate.page("organizations:DescribePolicy", PolicyId=one["Id"]) or {}
        document = json.loads((content.get("Policy") or {}).get("Content") or "{}")
        statements = document.get("Statement", [])
        listed = statements if isinstance(statements, list) else [statements]
        targets = estate.items("organizations:ListTargetsForPolicy", "Targets", PolicyId=one["Id"])
        if not any(each.get("Effect") == "Deny" for each in listed):
            continue
        if any(
            str(each.get("TargetId")).startswith("r-") or each.get("TargetId") in intent.accounts for each in targets
        ):
            return
        names = (str(each.get("TargetId")) for each in targets)
        units += [f"{one.get('Name')} at {name}" for name in names if name.startswith("ou-")]
    if units:
        raise Undecided(f"whether the account is in the organisational unit is not read: {', '.join(units)}")
    yield "no policy of this sort that is attached to the account denies anything"


def _organization(intent: Intent) -> tuple[str, ...]:
    if not intent.organization:
        raise NotApplicable("the params declare no organisation, so there are no organisation policies")
    return _GUARDS


CHECKS = (session, lasts, separate, perimeter)
