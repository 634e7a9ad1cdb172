"""Log groups before what writes to them, the flow log and the log of DNS queries."""

from __future__ import annotations

from embedded import AWS, DEMO
from standins import keys

from airgap.resources import logs, names, vpc
from airgap.resources.kind import declares
from airgap.resources.rights import platform_roles
from airgap.resources.roles import ROLE_KINDS, declare_role


@declares(*ROLE_KINDS)
def flow_role(intent, facts):
    """The role as which flow logs are delivered."""
    yield from declare_role(intent, next(one for one in platform_roles(intent) if one.key == "flow-logs"))


PLACE = (flow_role, keys, logs.declare_groups, vpc.declare, logs.declare_writers)
GROUPS = [names.log_group(DEMO, name) for name in ("dns-queries", "flow-logs")]


def test_bring_settle_remove_and_bring_again(aws: AWS) -> None:
    cloudwatch, ec2 = aws.client("logs"), aws.client("ec2")
    for _ in range(2):
        aws.settled(*PLACE)
        found = cloudwatch.describe_log_groups()["logGroups"]
        assert [(one["logGroupName"], one["retentionInDays"]) for one in found] == [(name, 365) for name in GROUPS]
        assert all(one["kmsKeyId"].startswith("arn:aws:kms:") for one in found)
        (flow,) = ec2.describe_flow_logs()["FlowLogs"]
        assert (flow["TrafficType"], flow["MaxAggregationInterval"], flow["LogFormat"]) == ("ALL", 60, logs.FLOW_FORMAT)
        aws.destroy(*PLACE)
        assert cloudwatch.describe_log_groups()["logGroups"] == ec2.describe_flow_logs()["FlowLogs"] == []


def test_groups_exist_before_their_writers(aws: AWS) -> None:
    aws.apply(*PLACE)
    writes = aws.memory.calls("write")
    last = len(writes) - 1 - writes[::-1].index("logs:PutRetentionPolicy")
    assert last < writes.index("ec2:CreateFlowLogs")
    assert last < writes.index("route53resolver:CreateResolverQueryLogConfig")


def test_drift_of_retention_key_and_deleted_writers(aws: AWS) -> None:
    aws.settled(*PLACE)
    lives = aws.plan(*PLACE).found.lives
    aws.client("logs").put_retention_policy(logGroupName=GROUPS[1], retentionInDays=1)
    aws.client("logs").disassociate_kms_key(logGroupName=GROUPS[0])
    aws.client("ec2").delete_flow_logs(FlowLogIds=[lives["flow-log:main"].id])
    aws.client("route53resolver").disassociate_resolver_query_log_config(
        ResolverQueryLogConfigId=lives["query-log:main"].id, ResourceId=lives["vpc:main"].id
    )
    changes = aws.plan(*PLACE).changes
    assert changes.pop("log-group:flow-logs") == {"retention": ("update", 1, 365)}
    assert changes.pop("log-group:dns-queries") == {"kms_key": ("update", None, "${kms-key:logs.arn}")}
    ops = {key: {op for op, _, _ in fields.values()} for key, fields in changes.items()}
    assert ops == {"flow-log:main": {"create"}, "query-log-association:main": {"create"}}
    aws.settled(*PLACE)


def test_another_retention_is_set_in_place(aws: AWS) -> None:
    aws.settled(*PLACE)
    aws.network(flow_log_retention_days=731)
    assert set(aws.plan(*PLACE).changes) == {"log-group:flow-logs", "log-group:dns-queries"}
    aws.settled(*PLACE)


def test_a_log_group_of_our_name_that_is_not_ours_is_left_alone(aws: AWS) -> None:
    aws.client("logs").create_log_group(logGroupName=GROUPS[0])
    planned = aws.plan(*PLACE)
    assert [key for key, _ in planned.plan.unknowns] == ["log-group:dns-queries"]
