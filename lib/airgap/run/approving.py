"""Approval: a plan is carried out only where an approved plan covers every change of it."""

from __future__ import annotations

from collections.abc import Mapping

from airgap.errors import NotApproved, Refused, Unreadable
from airgap.evidence import plans
from airgap.evidence.plans import KeptPlan
from airgap.model.people import judge_four_eyes
from airgap.model.plan import Plan, uncovered
from airgap.run.context import Context

ACTING = ("apply", "destroy")


def approve(context: Context, plan: Plan, given: str, caller: Mapping[str, str]) -> str:
    """Return how the plan is approved, journalled; raise ``NotApproved``, ``Refused`` or ``Unreadable`` otherwise."""
    acting = context.mode in ACTING
    if plan.unknowns and acting:
        raise Unreadable(
            "What is there could not be read: " + "; ".join(f"{key}: {why}" for key, why in plan.unknowns[:5]),
            f"anything of step {plan.step}",
            "grant the read permissions named ('airgap policy --role verifier' prints them), or adopt what is not ours",
        )
    if plan.impossible and acting:
        shown = "; ".join(f"{one.resource} {one.field}: {one.why}" for one in plan.impossible[:5])
        raise Refused(
            f"What the params declare cannot be had: {shown}",
            f"anything of step {plan.step}",
            "declare what is possible; or destroy the resource first, if it may go",
        )
    if not plan.changes:
        return "nothing to approve: no change"
    if not acting:
        return f"to apply: mode=apply, approve={plan.digest}"
    how, kept = _covered(context, plan, given)
    people = {"planner": kept.planner, "approvers": _approvers(context, given)} if kept else {}
    context.journal.append("approval", {"digest": plan.digest, "how": how, "applier": dict(caller), **people})
    if kept and context.intent.approval == "four-eyes":
        _four_eyes(context, kept, given, caller)
    return how


def _covered(context: Context, plan: Plan, given: str) -> tuple[str, KeptPlan | None]:
    intent = context.intent
    if intent.approval == "auto" and given in ("", "auto") and not _loses(context, plan):
        return "auto, as the params of this environment allow", None
    hint = f"read the plan, then approve it: --approve {plan.digest}"
    nothing = f"anything of step {plan.step}"
    if given in ("", "auto"):
        what = _loses(context, plan) or f"{len(plan.changes)} changes of step {plan.step} are not approved"
        raise NotApproved(what, nothing, hint)
    kept = plans.load(context.folder.reports_root, intent.environment, given)
    approved = [change for one in kept.steps if one.step == plan.step for change in one.changes]
    left = uncovered(plan.changes, approved)
    if left:
        shown = "; ".join(f"{one.op} {one.resource} {one.field}".strip() for one in left[:6])
        more = f" and {len(left) - 6} more" if len(left) > 6 else ""
        raise NotApproved(f"The approved plan {given[:12]} does not cover: {shown}{more}", nothing, hint)
    return f"plan {given}", kept


def _loses(context: Context, plan: Plan) -> str:
    """Return what of an apply nobody approves in advance: data that go for good; a destroy says so by its name."""
    if context.mode != "apply" or not plan.losing:
        return ""
    shown = "; ".join(f"{one.op} {one.resource} {one.field}: {one.why}" for one in plan.losing[:3])
    return f"Data would go for good, which only the digest of this very plan approves: {shown}"


def _approvers(context: Context, given: str) -> list[Mapping[str, str]]:
    found = plans.approvals(context.folder.reports_root, context.intent.environment, given)
    return [one["approver"] for one in found]


def _four_eyes(context: Context, kept: KeptPlan, given: str, caller: Mapping[str, str]) -> None:
    nothing = f"anything of step {kept.steps[0].step}"
    approvers = _approvers(context, given)
    if not approvers:
        command = f"a second person runs: airgap approve --env {context.intent.environment} {given}"
        raise NotApproved(f"Plan {given[:12]} has no second person's approval", nothing, command)
    problems = [judge_four_eyes(kept.planner, one, caller) for one in approvers]
    if all(problems):
        raise NotApproved("; ".join(problems[-1]), nothing, "have another, attributable person approve the plan")
