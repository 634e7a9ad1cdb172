"""Read calls on logs, trails and their deliveries to other places (N10)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

WRITES = {"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "false"}]}
TRAILS = ("cloudtrail:DescribeTrails", "trailList")

QUERIES: tuple[Query, ...] = (
    Query("logs:DescribeLogGroups"),
    follow("logs:DescribeSubscriptionFilters", "logs:DescribeLogGroups", "logGroups", {"logGroupName": "logGroupName"}),
    follow("logs:ListTagsForResource", "logs:DescribeLogGroups", "logGroups", {"resourceArn": "logGroupArn"}),
    # What the function that prepares the database did and measured: a line each time.
    follow(
        "logs:FilterLogEvents",
        "logs:DescribeLogGroups",
        "logGroups",
        {"logGroupName": "logGroupName"},
        params={"filterPattern": '"database-prepared"'},
        only=(("logGroupName", "/aws/lambda/*-database-bootstrap"),),
    ),
    Query("logs:DescribeDestinations"),
    Query("logs:DescribeDeliveries"),
    Query("logs:DescribeDeliverySources"),
    Query("logs:DescribeDeliveryDestinations"),
    Query("logs:DescribeExportTasks"),
    Query("logs:DescribeResourcePolicies"),
    Query(
        "logs:DescribeAccountPolicies", vary={"policyType": ("SUBSCRIPTION_FILTER_POLICY", "DATA_PROTECTION_POLICY")}
    ),
    Query("cloudwatch:ListMetricStreams"),
    Query("oam:ListLinks"),
    Query("oam:ListSinks"),
    Query("cloudtrail:DescribeTrails"),
    follow("cloudtrail:GetTrailStatus", *TRAILS, {"Name": "TrailARN"}),
    follow("cloudtrail:GetEventSelectors", *TRAILS, {"TrailName": "TrailARN"}),
    follow("cloudtrail:ListTags", *TRAILS, {"ResourceIdList": "[TrailARN]"}),
    # N14: what changed since; without a time it would be ninety days of an account.
    Query("cloudtrail:LookupEvents", WRITES, since="StartTime"),
    # Calls of global services stand in the history of the partition's home Region alone.
    Query("cloudtrail:LookupEvents", WRITES, since="StartTime", scope="global", home="$home"),
)
