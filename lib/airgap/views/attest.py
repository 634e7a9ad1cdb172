"""Attestation: what the statement speaks of, the verdict on each property, the inventory, the exceptions in force.

``Look.judged`` may hold what the other steps of the run have said so far: ``steps``, one mapping a step as in
run.json, and ``findings`` as in findings.json. They are shown until the attestation has judged for itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from airgap.checks import assets
from airgap.controls.verdicts import verdicts as verdicts_of_properties
from airgap.model.finding import NOT_APPLICABLE, Finding, verdict
from airgap.model.intent import Waiver
from airgap.views.look import Look, attempt
from airgap.views.table import STATUS, Code, Facts, Group, Mark, Table, not_read
from airgap.views.verdicts import population, verdict_line

SCOPE_READS = ("sts:GetCallerIdentity", "ec2:DescribeRegions", "ec2:DescribeVpcs")
INVENTORY_READS = ("resourcegroupstaggingapi:GetResources", *assets.SUPPORT_READS)
NOT_TESTED = Mark("not tested", "–", "quiet")
BROKE = Mark("broke", "✗", "bad")


def scope(look: Look) -> Facts:
    """Return what the statement speaks of, and what is enabled beside it and was not judged."""
    intent = look.intent
    regions, reason = attempt(lambda: look.every("ec2:DescribeRegions", "Regions"), [])
    beside = [
        one["RegionName"]
        for one in regions
        if one.get("OptInStatus") != "not-opted-in" and one["RegionName"] not in intent.regions
    ]
    vpcs, unread = attempt(lambda: look.every("ec2:DescribeVpcs", "Vpcs"), [])
    return Facts(
        "What the statement speaks of",
        [
            ("environment", intent.environment),
            ("world", intent.world),
            ("accounts", tuple(Code(one) for one in intent.accounts)),
            ("Regions", ", ".join(intent.regions)),
            ("VPCs in the account and Region", not_read(unread) if unread else len(vpcs)),
            ("read at", look.estate.taken_at),
            ("read as", Code(str(look.caller.get("arn", "")))),
            (
                "enabled Regions that were not judged",
                not_read(reason) if reason else ", ".join(sorted(beside)) or "none",
            ),
            ("verdict", verdict_line(judged(look)[0])),
        ],
    )


def verdicts(look: Look) -> Table:
    """Return the verdict of each step where the run knows them, and of every check, with its population."""
    found, note = judged(look)
    rows: list[Any] = [_step(one) for one in look.judged.get("steps", ())]
    rows += [Group("checks")] if rows and found else []
    rows += [_check(one, found) for one in {one.check: one for one in found}.values()]
    return Table(f"Verdicts: {verdict_line(found)}", ("subject", "severity", "verdict", "population"), rows, note)


def judged(look: Look) -> tuple[tuple[Finding, ...], str]:
    """Return the findings to show, and a note that says whose they are where they are not the attestation's own."""
    if look.findings:
        return look.findings, ""
    earlier = tuple(Finding.from_data(one) for one in look.judged.get("findings", ()))
    if earlier:
        return earlier, "As the other steps of this run judged; the section Verify judges all of it again, at once."
    return (), "No step of this run has judged anything yet: the checks run in the section Verify."


def _step(told: Mapping[str, Any]) -> tuple[Any, ...]:
    mark = STATUS.get(told.get("verdict", ""), NOT_TESTED) if told["status"] == "completed" else BROKE
    return told["title"], "", mark, f"mode {told['mode']}, {told['changes']} changes"


def _check(one: Finding, findings: Sequence[Finding]) -> tuple[Any, ...]:
    status = worst([each for each in findings if each.check == one.check])
    return (Code(one.check), one.title), one.severity, STATUS[status], population(one.check, findings)


def worst(findings: Sequence[Finding]) -> str:
    """Return the status of a group of findings; one in which nothing was applicable is not applicable."""
    if findings and all(one.status == NOT_APPLICABLE for one in findings):
        return NOT_APPLICABLE
    return verdict(findings)


def properties(look: Look) -> Table:
    """Return the verdict on every property there is, with the checks that support it and their population."""
    findings, note = judged(look)
    found = verdicts_of_properties(findings)
    rows = [
        (
            Code(one.id),
            (one.title, one.reason) if one.reason else one.title,
            (STATUS[one.status], "in part") if one.in_part else STATUS[one.status],
            tuple(Code(check) for check in one.checks),
            f"judged {one.judged} of {one.population}",
        )
        for one in found
    ]
    tally = {word: sum(1 for one in found if one.status == word) for word in STATUS}
    words = ", ".join(f"{count} {STATUS[word].word}" for word, count in tally.items() if count)
    columns = ("id", "property", "verdict", "judged by", "population")
    return Table(f"Properties: {words}" if findings else "Properties", columns, rows if findings else [], note)


def inventory(look: Look) -> Table:
    """Return every tagged resource by service: owner, location, classification, end of support, recovery objective."""
    found = [
        one
        for one in look.every("resourcegroupstaggingapi:GetResources", "ResourceTagMappingList")
        if _tags(one).get("airgap:environment") == look.intent.environment
    ]
    ends, reason = attempt(lambda: assets.ends(look.intent, look.estate), {})
    rows: list[Any] = []
    for service in sorted({_service(one) for one in found}):
        members = [one for one in found if _service(one) == service]
        rows.append(Group(f"{service}: {len(members)}"))
        ranked = sorted(members, key=lambda one: _tags(one).get("airgap:key", ""))
        rows += [_resource(one, look, ends) for one in ranked]
    note = f"Ends of support are {not_read(reason)}" if reason else _MANAGED
    return Table(f"Inventory: {len(found)} tagged resources", INVENTORY, rows, note=note)


_MANAGED = "Without an end of support: it has no version of its own, and AWS keeps it up. RTO and RPO: the params."
INVENTORY = ("resource", "ARN", "owner", "where", "classification", "supported until", "back within, losing at most")


def _tags(resource: Mapping[str, Any]) -> dict[str, str]:
    return {one["Key"]: one["Value"] for one in resource.get("Tags", [])}


def _service(resource: Mapping[str, Any]) -> str:
    parts = str(resource["ResourceARN"]).split(":")
    return parts[2] if len(parts) > 2 else "other"


def _resource(resource: Mapping[str, Any], look: Look, ends: Mapping[str, str]) -> tuple[Any, ...]:
    held, arn = _tags(resource), str(resource["ResourceARN"])
    key = held.get("airgap:key", "")
    back = assets.objective(key, look.intent)
    return (
        key,
        Code(arn),
        held.get("airgap:owner", ""),
        assets.region_of(arn, look.intent),
        held.get("airgap:classification", ""),
        ends.get(key) or "–",
        f"{back.rto}, {back.rpo}" if back else "not declared",
    )


def exceptions(look: Look) -> Table:
    """Return the register of exceptions as of the reading, expired ones first."""
    today = look.estate.taken_at[:10]
    ranked = sorted(look.intent.exceptions, key=lambda one: one.expires)
    rows = [_exception(one, today) for one in ranked]
    columns = ("property", "resource", "state", "reason", "compensated by", "owner, approver", "ticket", "from, to")
    return Table("Exceptions", columns, rows, "" if rows else "None is registered.")


def _exception(one: Waiver, today: str) -> tuple[Any, ...]:
    state = Mark("in force", "!", "unknown")
    if today > one.expires:
        state = Mark("expired", "✗", "bad")
    elif today < one.created:
        state = Mark("not yet in force", "–", "quiet")
    people, dates = (one.owner, one.approver), (one.created, one.expires)
    return (
        Code(one.property),
        Code(one.resource),
        state,
        one.reason,
        one.compensating_control,
        people,
        one.ticket,
        dates,
    )
