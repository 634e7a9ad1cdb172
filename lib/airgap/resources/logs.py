"""Log groups, created before what writes to them, the flow log and the log of DNS queries (REQUIREMENTS: network)."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Kind, declares, tag_list, tag_specifications

_GONE = ("ResourceNotFoundException",)

LOG_GROUP = Kind(
    "log-group",
    "Log group",
    Reading(
        "logs:DescribeLogGroups",
        "logGroups",
        "logGroupName",
        owner="name",
        natural=("name",),
        tags="logs:ListTagsForResource|resourceArn=logGroupArn|tags",
        fields={
            "name": Field("logGroupName", change=NEVER, why="a log group is its name"),
            "kms_key": Field("kmsKeyId", why="what is written from then on is encrypted with it"),
            "retention": Field("retentionInDays", why="older events go for good"),
        },
    ),
    create=(
        Call(
            "logs:CreateLogGroup",
            lambda f: {"logGroupName": f["name"], "kmsKeyId": f["kms_key"], "tags": f["tags"]},
            actions=("logs:TagResource", "logs:AssociateKmsKey"),
            # CloudWatch Logs sees a new key, or its policy, a little later than KMS.
            retry=("is not allowed to be used with Arn",),
        ),
    ),
    later=("retention",),
    updates={
        "retention": (
            Call("logs:PutRetentionPolicy", lambda f: {"logGroupName": f["name"], "retentionInDays": f["retention"]}),
        ),
        "kms_key": (Call("logs:AssociateKmsKey", lambda f: {"logGroupName": f["name"], "kmsKeyId": f["kms_key"]}),),
    },
    delete=(Call("logs:DeleteLogGroup", lambda f: {"logGroupName": f["name"]}, ignore=_GONE),),
)

QUERY_LOG = Kind(
    "query-log",
    "Log of DNS queries",
    Reading(
        "route53resolver:ListResolverQueryLogConfigs",
        "ResolverQueryLogConfigs",
        "Id",
        tags="route53resolver:ListTagsForResource|ResourceArn=Arn|Tags",
        unless=(("Status", "DELETING"),),
        fields={
            "name": Field("Name", change=NEVER),
            "destination": Field("DestinationArn", change=NEVER, why="a query log keeps its destination"),
        },
    ),
    create=(
        Call(
            "route53resolver:CreateResolverQueryLogConfig",
            lambda f: {
                "Name": f["name"],
                "DestinationArn": f["destination"],
                "Tags": tag_list(f),
            },
            result="ResolverQueryLogConfig",
            # Resolver sets up the delivery with its caller's rights.
            actions=(
                "logs:CreateLogDelivery",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:UpdateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:PutResourcePolicy",
                "iam:CreateServiceLinkedRole",
            ),
        ),
    ),
    delete=(
        Call(
            "route53resolver:DeleteResolverQueryLogConfig",
            lambda f: {"ResolverQueryLogConfigId": f["id"]},
            ignore=_GONE,
        ),
    ),
)

QUERY_LOG_ASSOCIATION = Kind(
    "query-log-association",
    "Logging of the VPC's DNS queries",
    Reading(
        "route53resolver:ListResolverQueryLogConfigAssociations",
        "ResolverQueryLogConfigAssociations",
        "Id",
        owner="parent",
        natural=("config", "vpc"),
        unless=(("Status", "DELETING"),),
        fields={
            "config": Field("ResolverQueryLogConfigId", change=NEVER),
            "vpc": Field("ResourceId", change=NEVER),
        },
        state="Status",
        settled=("ACTIVE",),
        failed=("FAILED", "ACTION_NEEDED"),
    ),
    create=(
        Call(
            "route53resolver:AssociateResolverQueryLogConfig",
            lambda f: {"ResolverQueryLogConfigId": f["config"], "ResourceId": f["vpc"]},
            result="ResolverQueryLogConfigAssociation",
        ),
    ),
    delete=(
        Call(
            "route53resolver:DisassociateResolverQueryLogConfig",
            lambda f: {"ResolverQueryLogConfigId": f["config"], "ResourceId": f["vpc"]},
            ignore=_GONE,
        ),
    ),
    poll=Call(
        "route53resolver:GetResolverQueryLogConfigAssociation",
        lambda f: {"ResolverQueryLogConfigAssociationId": f["id"]},
        result="ResolverQueryLogConfigAssociation",
        ignore=_GONE,
    ),
    seconds=60.0,
    gone=True,
)

# The default members, then those that say by which way a packet left and to which AWS service.
FLOW_MEMBERS = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action "
    "log-status vpc-id subnet-id tcp-flags type pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service "
    "flow-direction traffic-path"
)
FLOW_FORMAT = " ".join("${" + member + "}" for member in FLOW_MEMBERS.split())

FLOW_LOG = Kind(
    "flow-log",
    "Flow log of the VPC",
    Reading(
        "ec2:DescribeFlowLogs",
        "FlowLogs",
        "FlowLogId",
        fields={
            "vpc": Field("ResourceId", change=NEVER),
            "traffic": Field("TrafficType", change=NEVER, why="a flow log is replaced, not changed"),
            "group": Field("LogGroupName", change=NEVER, why="a flow log is replaced, not changed"),
            "role": Field("DeliverLogsPermissionArn", change=NEVER, why="a flow log is replaced, not changed"),
            "interval": Field("MaxAggregationInterval", change=NEVER, why="a flow log is replaced, not changed"),
            "format": Field("LogFormat", change=NEVER, why="a flow log is replaced, not changed"),
        },
    ),
    create=(
        Call(
            "ec2:CreateFlowLogs",
            lambda f: {
                "ResourceIds": [f["vpc"]],
                "ResourceType": "VPC",
                "TrafficType": f["traffic"],
                "LogDestinationType": "cloud-watch-logs",
                "LogGroupName": f["group"],
                "DeliverLogsPermissionArn": f["role"],
                "MaxAggregationInterval": f["interval"],
                "LogFormat": f["format"],
                "TagSpecifications": tag_specifications("vpc-flow-log")(f),
            },
            actions=("iam:PassRole", "logs:CreateLogDelivery", "logs:DeleteLogDelivery"),
        ),
    ),
    delete=(Call("ec2:DeleteFlowLogs", lambda f: {"FlowLogIds": [f["id"]]}, ignore=("InvalidFlowLogId.NotFound",)),),
)


def log_group(name: str, path: str, days: int, *, key: str = "", why: str) -> Desired:
    """Return a log group by its logical name and its path in CloudWatch Logs, kept for ``days``, under the log key."""
    fields = {"name": path, "retention": days, "kms_key": key or ref("kms-key:logs", "arn")}
    return Desired("log-group", name, fields, why=why)


@declares(LOG_GROUP)
def declare_groups(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log groups of what watches the network."""
    days = intent.network.flow_log_retention_days
    for name, why in (("flow-logs", "what moved in the VPC"), ("dns-queries", "which names were asked for")):
        yield log_group(name, names.log_group(intent, name), days, why=why)


@declares(QUERY_LOG, QUERY_LOG_ASSOCIATION, FLOW_LOG)
def declare_writers(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the flow log of all traffic and the log of all DNS queries."""
    flow = {
        "vpc": ref("vpc:main"),
        "traffic": "ALL",
        "group": names.log_group(intent, "flow-logs"),
        "role": ref("role:flow-logs", "arn"),
        "interval": 60,
        "format": FLOW_FORMAT,
    }
    yield Desired("flow-log", "main", flow, needs=("log-group:flow-logs",), why="accepted and rejected, every minute")
    destination = intent.arn("logs", f"log-group:{names.log_group(intent, 'dns-queries')}")
    log = {"name": intent.name("dns-queries"), "destination": destination}
    yield Desired("query-log", "main", log, needs=("log-group:dns-queries",), why="asked, allowed and blocked names")
    link = {"config": ref("query-log:main"), "vpc": ref("vpc:main")}
    yield Desired("query-log-association", "main", link, why="asked, allowed and blocked names")
