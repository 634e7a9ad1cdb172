"""Flow logs, log groups and the trail: everything is recorded, kept long enough, and here (NET-14, LOG-01, LOG-02)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from airgap.checks.check import Undecided, check
from airgap.checks.scope import VPC_READS, Item, Named, account_row, arn_account, every, vpcs
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import log_group
from airgap.model.observation import NotObserved

TRAIL_READS = ("cloudtrail:DescribeTrails", "cloudtrail:GetTrailStatus", "cloudtrail:GetEventSelectors")
# Endpoints whose refused calls CloudTrail records as network-activity events, by their event source.
WATCHED = ("ec2", "kms", "s3", "secretsmanager")


@check(
    "flows-recorded",
    "A flow log of all traffic of the VPC is active and delivers to a log group or bucket of the account",
    severity="high",
    properties=("NET-14",),
    reads=(*VPC_READS, "ec2:DescribeFlowLogs", "logs:DescribeLogGroups", "s3:ListBuckets"),
    remedy="apply the step network; a flow log that fails to deliver names the reason in the console",
    over=vpcs,
)
def flows(vpc: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why no flow log of the whole VPC records all traffic, or why the nearest one does not."""
    logs = [one for one in estate.items("ec2:DescribeFlowLogs", "FlowLogs") if one.get("ResourceId") == vpc["VpcId"]]
    found = [list(_lacking(one, estate)) for one in logs]
    if not found:
        yield "no flow log covers the VPC"
    elif all(found):
        yield from min(found, key=len)


def _lacking(log: Item, estate: Estate) -> Iterator[str]:
    name = log["FlowLogId"]
    if log.get("FlowLogStatus") != "ACTIVE":
        yield f"{name} is {log.get('FlowLogStatus')}"
    if log.get("TrafficType") != "ALL":
        yield f"{name} records {log.get('TrafficType')} only"
    if log.get("DeliverLogsStatus") == "FAILED":
        yield f"{name} fails to deliver: {log.get('DeliverLogsErrorMessage')}"
    if log.get("DeliverCrossAccountRole"):
        yield f"{name} delivers to another account"
    groups = {one["logGroupName"] for one in every(estate, "logs:DescribeLogGroups", "logGroups")}
    buckets = {one["Name"] for one in every(estate, "s3:ListBuckets", "Buckets")}
    bucket = str(log.get("LogDestination") or "").rpartition(":")[2].partition("/")[0]
    if log.get("LogGroupName") not in groups and bucket not in buckets:
        yield f"{name} delivers to {log.get('LogGroupName') or log.get('LogDestination')}, which is not in the account"


def _trail_lacks(trail: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """What a trail lacks of recording everything, verifiably and now."""
    name = trail["Name"]
    wanted = {
        "IsMultiRegionTrail": "it records its own Region only",
        "LogFileValidationEnabled": "its log files are not validated",
        "IncludeGlobalServiceEvents": "it leaves out global services",
        "KmsKeyId": "its files are not under a customer key",
    }
    yield from (f"trail {name}: {why}" for member, why in wanted.items() if not trail.get(member))
    status = estate.page("cloudtrail:GetTrailStatus", Name=trail["TrailARN"]) or {}
    if not status.get("IsLogging"):
        yield f"trail {name}: it is stopped"
    if status.get("LatestDeliveryError"):
        yield f"trail {name}: delivery fails ({status['LatestDeliveryError']})"
    selectors = estate.page("cloudtrail:GetEventSelectors", TrailName=trail["TrailARN"]) or {}
    if not _management(selectors):
        yield f"trail {name}: it leaves out management events"


def _management(selectors: Item) -> bool:
    """Whether all management events are selected: reads and writes, of every source."""
    simple = selectors.get("EventSelectors") or []
    if any(one.get("IncludeManagementEvents") and one.get("ReadWriteType", "All") == "All" for one in simple):
        return not any(one.get("ExcludeManagementEventSources") for one in simple)
    categories = (_fields(one) for one in selectors.get("AdvancedEventSelectors") or [])
    return any(set(one) == {"eventCategory"} and one["eventCategory"] == ["Management"] for one in categories)


def _fields(selector: Item) -> dict[str, list[str]]:
    return {one["Field"]: one.get("Equals") or [] for one in selector.get("FieldSelectors", [])}


def _candidates(intent: Intent, estate: Estate) -> list[Item]:
    """The trails that may be the environment's: the adopted one, else all, those of the home Region first."""
    adopted = intent.adopt.get("trail:main")
    trails = every(estate, "cloudtrail:DescribeTrails", "trailList")
    chosen = [one for one in trails if adopted in (None, one.get("TrailARN"), one.get("Name"))]
    return sorted(chosen, key=lambda one: (one.get("HomeRegion") != intent.region, one["TrailARN"]))


def best_trail(intent: Intent, estate: Estate) -> Optional[tuple[Item, list[str]]]:
    """Return the trail that lacks least, with what it lacks; None where there is no trail.

    Raises ``NotObserved`` where no trail that was read is whole and one was not read.
    """
    judged: list[tuple[Item, list[str]]] = []
    missing: Optional[NotObserved] = None
    for trail in _candidates(intent, estate):
        try:
            judged.append((trail, list(_trail_lacks(trail, intent, estate))))
        except NotObserved as cause:
            missing = cause
    whole = [one for one in judged if not one[1]]
    if missing and not whole:
        raise missing
    return min(whole or judged, key=lambda one: len(one[1])) if judged else None


@check(
    "trail-records-everything",
    "A trail records every Region's management events, validated and under a customer key, and is running",
    severity="critical",
    properties=("LOG-01",),
    reads=TRAIL_READS,
    remedy="start the trail, or name the organisation's under adopt",
    over=account_row,
)
def trail(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what the nearest trail lacks."""
    found = best_trail(intent, estate)
    if found is None:
        yield "the account has no trail"
    else:
        yield from found[1]


@check(
    "trail-records-endpoints",
    "The trail records what is refused at the VPC's endpoints",
    severity="medium",
    properties=("LOG-01",),
    reads=("cloudtrail:DescribeTrails", "cloudtrail:GetEventSelectors"),
    remedy="add network-activity events of the endpoints' services to the trail's selectors",
    over=account_row,
)
def trail_endpoints(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each watched service whose network-activity events are not selected, over all trails."""
    sources: set[str] = set()
    for one in _candidates(intent, estate):
        body = estate.page("cloudtrail:GetEventSelectors", TrailName=one["TrailARN"]) or {}
        for selector in body.get("AdvancedEventSelectors") or []:
            fields = _fields(selector)
            if fields.get("eventCategory") == ["NetworkActivity"]:
                sources.update(fields.get("eventSource", []))
    for service in WATCHED:
        if f"{service}.amazonaws.com" not in sources:
            yield f"network-activity events of {service} are not recorded"


def own_groups(intent: Intent, estate: Estate) -> Named:
    """Return the log groups of the environment, by their names."""
    stem = log_group(intent, "")
    found = every(estate, "logs:DescribeLogGroups", "logGroups")
    return [(one["logGroupName"], one) for one in found if one["logGroupName"].startswith(stem)]


@check(
    "logs-kept",
    "The log group keeps events as long as declared, under a customer key",
    severity="high",
    properties=("LOG-02", "DAT-02"),
    reads=("logs:DescribeLogGroups",),
    remedy="set the declared retention and key",
    over=own_groups,
)
def kept(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that events go too early or lie without the key; a group without retention keeps them for ever."""
    network = {log_group(intent, one) for one in ("flow-logs", "dns-queries")}
    of_network = group["logGroupName"] in network
    least = intent.network.flow_log_retention_days if of_network else intent.logs.retention_days
    days = group.get("retentionInDays")
    if days is not None and days < least:
        yield f"events are kept {days} days, declared {least}"
    if not group.get("kmsKeyId"):
        yield "it has no customer key"


@check(
    "logs-stay",
    "No subscription sends the log group's events out of the accounts in scope",
    severity="high",
    properties=("LOG-02",),
    reads=("logs:DescribeLogGroups", "logs:DescribeSubscriptionFilters"),
    remedy="delete the subscription filter",
    over=own_groups,
)
def stay(group: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each subscription filter whose destination is in an account out of scope."""
    found = estate.items("logs:DescribeSubscriptionFilters", "subscriptionFilters", logGroupName=group["logGroupName"])
    for one in found:
        where = one.get("destinationArn", "")
        if not where:
            raise Undecided(f"the subscription filter {one.get('filterName')} has no destination in the page")
        if arn_account(where) not in intent.accounts:
            yield f"subscription filter {one.get('filterName')} sends to {where}"


CHECKS = (flows, trail, trail_endpoints, kept, stay)
