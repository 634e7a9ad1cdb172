"""Endpoints follow from the components, each with who needs it; taking one away names who stops."""

from __future__ import annotations

import pytest

from airgap.errors import UsageError
from airgap.model.component_calls import CALLS
from airgap.model.components import (
    COMPONENTS,
    REFERENCE,
    component,
    derive,
    kind,
    optional,
    service_name,
    stops_without,
    takes_policy,
)


def test_reference_environment() -> None:
    """The reference has the endpoints that its drawing names, and those that the components really need."""
    found = derive(REFERENCE)
    gateways = {service for service in found if kind(service) == "gateway"}
    assert gateways == {"s3", "dynamodb"}
    drawn = "ecr.api ecr.dkr secretsmanager ssm logs sts elasticloadbalancing bedrock-runtime transcribe"
    real = "ec2 autoscaling eks eks-auth oidc-eks ssmmessages monitoring kms bedrock transcribestreaming"
    assert set(found) - gateways == set(drawn.split()) | set(real.split())
    assert all(found.values())


def test_every_need_is_somebodys() -> None:
    """Without its components an endpoint is not derived, and an empty choice needs none."""
    assert derive(()) == {}
    assert derive(("dynamodb",)) == {"dynamodb": ("dynamodb",)}


def test_identity_follows_the_choice() -> None:
    """A controller takes its credentials from Pod Identity or from STS, whichever is chosen."""
    assert derive(("external-secrets", "pod-identity-agent"))["eks-auth"] == ("pod-identity-agent", "external-secrets")
    assert derive(("external-secrets", "irsa"))["sts"] == ("irsa", "external-secrets")
    assert "eks-auth" not in derive(("external-secrets", "irsa"))


def test_control_plane_needs_the_issuer_with_irsa() -> None:
    """Customer-routed egress brings the API server's way to its own issuer into the VPC."""
    assert "oidc-eks" not in derive(("control-plane",))
    assert derive(("control-plane", "irsa"))["oidc-eks"] == ("control-plane",)


@pytest.mark.parametrize("service", sorted(derive(REFERENCE)))
def test_removal(service: str) -> None:
    """Whoever needs an endpoint stops without it, and nobody else does."""
    stopped = stops_without(REFERENCE, service)
    assert tuple(stopped) == derive(REFERENCE)[service]
    assert all(reason and not reason.endswith(".") for reason in stopped.values())


def test_removal_of_one_too_many() -> None:
    """Nobody stops without an endpoint that nobody needs."""
    assert stops_without(REFERENCE, "sqs") == {}
    assert stops_without(REFERENCE, "wafv2") == {}


def test_optional_is_apart() -> None:
    """Features that are off by default name their endpoints, and none that is derived anyway."""
    found = optional(REFERENCE)
    assert {"wafv2", "shield", "ec2messages", "acm"} <= set(found)
    assert not set(found) & set(derive(REFERENCE))


def test_unknown_component() -> None:
    """A name that is not in the table is an error that names the table."""
    with pytest.raises(UsageError) as caught:
        derive(("log-shiper",))
    assert "log-shipper" in caught.value.action


@pytest.mark.parametrize("name", [each.name for each in COMPONENTS])
def test_calls_go_through_needs(name: str) -> None:
    """Every call goes through an endpoint that the component needs, hard or for a feature, and needs are told apart."""
    found = component(name)
    assert found.calls == CALLS[name]
    assert {calls.service for calls in found.calls} <= {need.service for need in found.needs}
    assert len({(need.service, need.when) for need in found.needs}) == len(found.needs)


def test_names_are_unique() -> None:
    """Each component and each table of calls has one name."""
    assert [each.name for each in COMPONENTS] == list(dict.fromkeys(each.name for each in COMPONENTS))
    assert set(CALLS) == {each.name for each in COMPONENTS}
    assert set(REFERENCE) < set(CALLS)


@pytest.mark.parametrize(
    ("service", "region", "partition", "name"),
    [
        ("ecr.api", "us-east-1", "aws", "com.amazonaws.us-east-1.ecr.api"),
        ("route53", "us-east-1", "aws", "com.amazonaws.route53"),
        ("iam", "us-east-1", "aws", "com.amazonaws.iam"),
        ("s3", "us-gov-west-1", "aws-us-gov", "com.amazonaws.us-gov-west-1.s3"),
        ("s3", "cn-north-1", "aws-cn", "com.amazonaws.cn-north-1.s3"),
        ("ec2", "cn-north-1", "aws-cn", "cn.com.amazonaws.cn-north-1.ec2"),
        ("transcribe", "cn-north-1", "aws-cn", "cn.com.amazonaws.cn-north-1.transcribe.cn"),
        ("ecr.dkr", "eusc-de-east-1", "aws-eusc", "eu.amazonaws.eusc-de-east-1.ecr.dkr"),
    ],
)
def test_service_name(service: str, region: str, partition: str, name: str) -> None:
    """Service names carry the Region, but for AWS's exceptions."""
    assert service_name(service, region, partition) == name


def test_endpoints_without_policy() -> None:
    """Three endpoints take no policy."""
    assert [each for each in ("acm", "route53", "oidc-eks", "s3", "sts") if not takes_policy(each)] == [
        "acm",
        "route53",
        "oidc-eks",
    ]
