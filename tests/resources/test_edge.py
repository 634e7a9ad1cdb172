"""Step edge on the embedded AWS: made in its order, settled, seen when it drifts, waiting for a person, removed."""

from __future__ import annotations

import dataclasses
import json
import urllib.request
from typing import Any

import embedded
import pytest
from embedded import AWS
from standins import keys

from airgap.errors import CallFailed, WaitingForPerson
from airgap.model.plan import IMPOSSIBLE
from airgap.resources import gateways, security_groups, vpc
from airgap.resources.edge import EDGE

AROUND = (keys, vpc.declare, vpc.declare_subnets, gateways.declare, security_groups.declare)
ALL = (*AROUND, *EDGE)
KEYS = {
    "bucket:access-logs",
    "certificate:app",
    "listener:http",
    "listener:https",
    "load-balancer:app",
    "log-group:waf",
    "security-group-rule:alb-in-tcp-443-0-0-0-0-0",
    "security-group-rule:alb-in-tcp-443-operations-host",
    "security-group-rule:alb-in-tcp-80-0-0-0-0-0",
    "security-group-rule:alb-out-tcp-8080-nodes",
    "security-group-rule:nodes-in-tcp-8080-alb",
    "security-group-rule:operations-host-out-tcp-443-alb",
    "target-group:app",
    "web-acl-association:app",
    "web-acl-logging:app",
    "web-acl:app",
}


def latency(aws: AWS, **seconds: float) -> None:
    """Let what an operation starts take as long as this."""
    table = {name.replace("_", ":", 1): value for name, value in seconds.items()}
    body = json.dumps(table).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{aws.url}/rehearsal/latency", data=body, method="POST")):
        pass


def one(aws: AWS, service: str, call: str, member: str, **params: Any) -> dict[str, Any]:
    """The first item of a list in an answer."""
    found: dict[str, Any] = getattr(aws.client(service), call)(**params)[member][0]
    return found


def balancer(aws: AWS) -> dict[str, Any]:
    return one(aws, "elbv2", "describe_load_balancers", "LoadBalancers")


def listener(aws: AWS, port: int) -> dict[str, Any]:
    found = aws.client("elbv2").describe_listeners(LoadBalancerArn=balancer(aws)["LoadBalancerArn"])["Listeners"]
    return next(each for each in found if each["Port"] == port)


def test_what_is_declared(aws: AWS) -> None:
    assert {each.key for each in aws.desired(*EDGE)} == KEYS


def test_the_edge_comes_stays_and_goes(aws: AWS) -> None:
    for _ in range(2):
        aws.settled(*ALL)
        aws.destroy(*ALL)
        assert aws.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
        assert aws.client("elbv2").describe_target_groups()["TargetGroups"] == []
        assert aws.client("wafv2").list_web_acls(Scope="REGIONAL")["WebACLs"] == []
        assert aws.client("acm").list_certificates()["CertificateSummaryList"] == []
        assert aws.client("ec2").describe_network_interfaces()["NetworkInterfaces"] == []


def test_no_listener_answers_before_the_web_acl_stands_before_it(aws: AWS) -> None:
    aws.apply(*ALL)
    writes = aws.memory.calls("write")
    assert writes.index("wafv2:AssociateWebACL") < writes.index("elbv2:CreateListener")
    assert writes.index("s3:PutBucketPolicy") < writes.index("elbv2:ModifyLoadBalancerAttributes")
    assert writes.index("logs:CreateLogGroup") < writes.index("wafv2:PutLoggingConfiguration")


def test_what_somebody_changes_is_shown_field_by_field_and_mended(aws: AWS) -> None:
    aws.settled(*ALL)
    elb, waf, arn = aws.client("elbv2"), aws.client("wafv2"), balancer(aws)["LoadBalancerArn"]
    group = one(aws, "elbv2", "describe_target_groups", "TargetGroups")["TargetGroupArn"]
    elb.modify_load_balancer_attributes(
        LoadBalancerArn=arn,
        Attributes=[
            {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "false"},
            {"Key": "deletion_protection.enabled", "Value": "false"},
        ],
    )
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb.modify_listener(ListenerArn=listener(aws, 80)["ListenerArn"], DefaultActions=forward)
    elb.modify_listener(ListenerArn=listener(aws, 443)["ListenerArn"], SslPolicy="ELBSecurityPolicy-2016-08")
    elb.modify_target_group(TargetGroupArn=group, HealthCheckPath="/")
    waf.disassociate_web_acl(ResourceArn=arn)
    waf.delete_logging_configuration(ResourceArn=one(aws, "wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL")["ARN"])
    changes = {key: set(fields) for key, fields in aws.plan(*ALL).changes.items()}
    assert changes == {
        "load-balancer:app": {"drop_invalid_headers", "deletion_protection"},
        "listener:http": {"action", "redirect", "target"},
        "listener:https": {"tls_policy"},
        "target-group:app": {"health_path"},
        "web-acl-association:app": {"acl", "balancer"},
        "web-acl-logging:app": {"acl", "destinations", "filter", "redacted"},
    }
    aws.settled(*ALL)


def test_what_somebody_adds_to_a_listener_is_removed(aws: AWS) -> None:
    aws.settled(*ALL)
    elb, arn = aws.client("elbv2"), balancer(aws)["LoadBalancerArn"]
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200", "ContentType": "text/plain"}}
    host = {"Field": "path-pattern", "Values": ["/debug"]}
    elb.create_rule(ListenerArn=listener(aws, 80)["ListenerArn"], Priority=1, Conditions=[host], Actions=[action])
    elb.create_listener(LoadBalancerArn=arn, Protocol="HTTP", Port=8081, DefaultActions=[action])
    planned = aws.plan(*ALL).plan
    assert {(each.op, each.resource.split(":")[0]) for each in planned.changes} == {
        ("delete", "listener-rule"),
        ("delete", "listener"),
    }
    aws.settled(*ALL)
    assert {each["Port"] for each in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]} == {80, 443}


def test_rules_of_the_web_acl_are_brought_back_with_its_lock(aws: AWS) -> None:
    aws.settled(*ALL)
    waf = aws.client("wafv2")
    summary = one(aws, "wafv2", "list_web_acls", "WebACLs", Scope="REGIONAL")
    held = waf.get_web_acl(Name=summary["Name"], Id=summary["Id"], Scope="REGIONAL")
    acl, rules = held["WebACL"], held["WebACL"]["Rules"]
    same = {"Name": acl["Name"], "Id": acl["Id"], "Scope": "REGIONAL", "VisibilityConfig": acl["VisibilityConfig"]}
    counting = [{**each, "OverrideAction": {"Count": {}}} if "OverrideAction" in each else each for each in rules]
    allow = acl["DefaultAction"]
    waf.update_web_acl(**same, DefaultAction=allow, Rules=counting, LockToken=held["LockToken"])
    planned = aws.plan(*ALL)
    assert {key: set(fields) for key, fields in planned.changes.items()} == {"web-acl:app": {"rules"}}
    between = waf.get_web_acl(Name=acl["Name"], Id=acl["Id"], Scope="REGIONAL")["LockToken"]
    waf.update_web_acl(**same, DefaultAction=allow, Rules=[], LockToken=between)
    with pytest.raises(CallFailed, match="WAFOptimisticLockException"):
        aws.run(planned, *ALL)
    aws.settled(*ALL)


def test_a_certificate_that_nobody_has_proven_makes_the_step_wait_and_says_for_what(
    aws: AWS, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "pause", lambda seconds: None)
    latency(aws, acm_RequestCertificate=100_000)
    for _ in range(2):
        with pytest.raises(WaitingForPerson) as waited:
            aws.apply(*ALL)
        assert waited.value.exit_code == 4
        assert "public DNS zone of fintech.example.com" in waited.value.action
        assert "_d930b28be6c5927595552b219965053e.fintech.example.com. CNAME _c9edd76ee4a0e2a7" in waited.value.action
        assert "not begun: listener:https" in waited.value.unchanged
    # What needs no certificate is there: clients without TLS are redirected, and the web ACL stands.
    arn = balancer(aws)["LoadBalancerArn"]
    assert [each["Port"] for each in aws.client("elbv2").describe_listeners(LoadBalancerArn=arn)["Listeners"]] == [80]
    assert aws.client("wafv2").get_web_acl_for_resource(ResourceArn=arn)["WebACL"]["Name"] == "fintech-app"
    changes = aws.plan(*ALL).changes
    assert changes["certificate:app"] == {"status": ("update", "PENDING_VALIDATION", "ISSUED")}
    with urllib.request.urlopen(
        urllib.request.Request(f"{aws.url}/rehearsal/skip", data=b'{"seconds": 100000}', method="POST")
    ):
        aws.settled(*ALL)


def test_a_certificate_of_somebody_else_is_used_and_never_changed(aws: AWS) -> None:
    acm = aws.client("acm")
    given = acm.request_certificate(DomainName="*.example.com", ValidationMethod="DNS")["CertificateArn"]
    latency(aws, acm_RequestCertificate=100_000)
    pending = acm.request_certificate(DomainName="*.example.com", ValidationMethod="DNS")["CertificateArn"]
    aws.change(edge=dataclasses.replace(aws.intent.edge, certificate_arn=pending))
    impossible = [each for each in aws.plan(*ALL).plan.changes if each.risk == IMPOSSIBLE]
    assert [(each.resource, each.field) for each in impossible] == [("listener:https", "certificates")]
    assert impossible[0].why == f"{pending} is PENDING_VALIDATION; a listener takes an issued certificate only"
    aws.change(edge=dataclasses.replace(aws.intent.edge, certificate_arn=given))
    embedded.pause(0.3)
    aws.settled(*ALL)
    assert listener(aws, 443)["Certificates"] == [{"CertificateArn": given}]
    aws.destroy(*ALL)
    assert given in [each["CertificateArn"] for each in acm.list_certificates()["CertificateSummaryList"]]


@pytest.mark.parametrize(("ingress", "tier"), [(True, "ingress"), (False, "private")])
def test_without_a_public_tier_the_load_balancer_is_internal(aws: AWS, ingress: bool, tier: str) -> None:
    member = aws.intent.network.public_subnets
    aws.network(
        public_tier="none",
        public_subnets=(),
        ingress_subnets=member if ingress else (),
        on_premises_cidrs=("192.168.0.0/16",),
    )
    aws.settled(*ALL)
    found = balancer(aws)
    assert found["Scheme"] == "internal"
    subnets = aws.client("ec2").describe_subnets(SubnetIds=[one["SubnetId"] for one in found["AvailabilityZones"]])
    keys = {tag["Value"] for each in subnets["Subnets"] for tag in each["Tags"] if tag["Key"] == "airgap:key"}
    assert keys == {f"subnet:{tier}-a", f"subnet:{tier}-b"}
    rules = {each.name for each in aws.desired(*EDGE) if each.kind == "security-group-rule"}
    assert "alb-in-tcp-443-192-168-0-0-16" in rules
    assert not any("0-0-0-0-0" in name for name in rules)


def test_another_scheme_or_port_is_a_change_that_nobody_can_make(aws: AWS) -> None:
    aws.settled(*ALL)
    aws.change(edge=dataclasses.replace(aws.intent.edge, target_port=9090))
    risks = {(each.resource, each.field): each.risk for each in aws.plan(*ALL).plan.changes}
    assert risks["target-group:app", "port"] == IMPOSSIBLE


def test_access_logs_go_to_a_bucket_of_s3s_own_keys_that_the_delivery_may_write_to(aws: AWS) -> None:
    aws.apply(*ALL)
    s3, name = aws.client("s3"), "fintech-access-logs-123456789012-us-east-1"
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])
    writes = [each for each in policy["Statement"] if each["Effect"] == "Allow"]
    assert [each["Principal"]["Service"] for each in writes] == ["logdelivery.elasticloadbalancing.amazonaws.com"]
    assert "loadbalancer/*" in writes[0]["Condition"]["ArnLike"]["aws:SourceArn"]


def test_names_and_arns_follow_the_partition(aws: AWS) -> None:
    aws.change(partition="aws-us-gov", region="us-gov-west-1", account="222222222222")
    said = json.dumps([each.as_data() for each in aws.desired(*EDGE)])
    assert "arn:aws-us-gov:logs:us-gov-west-1:222222222222:log-group:aws-waf-logs-fintech-demo" in said
    assert "arn:aws:" not in said
