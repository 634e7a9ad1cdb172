"""Service Quotas: the applied values of an account that has asked for what a platform needs.

Codes and defaults: https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html. Only the vCPU quotas are
above the default of a new account.
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call, Refusal

SERVICES = {
    "dynamodb": "Amazon DynamoDB",
    "ebs": "Amazon Elastic Block Store (Amazon EBS)",
    "ec2": "Amazon Elastic Compute Cloud (Amazon EC2)",
    "eks": "Amazon Elastic Kubernetes Service (Amazon EKS)",
    "elasticache": "Amazon ElastiCache",
    "elasticloadbalancing": "Elastic Load Balancing (ELB)",
    "kms": "AWS Key Management Service (AWS KMS)",
    "rds": "Amazon Relational Database Service (Amazon RDS)",
    "s3": "Amazon Simple Storage Service (Amazon S3)",
    "secretsmanager": "AWS Secrets Manager",
    "vpc": "Amazon Virtual Private Cloud (Amazon VPC)",
}
# (service, quota code, name, value, adjustable)
QUOTAS: tuple[tuple[str, str, str, float, bool], ...] = (
    ("vpc", "L-F678F1CE", "VPCs per Region", 5, True),
    ("vpc", "L-407747CB", "Subnets per VPC", 200, True),
    ("vpc", "L-83CA0A9D", "IPv4 CIDR blocks per VPC", 5, True),
    ("vpc", "L-29B6F2EB", "Interface VPC endpoints per VPC", 50, True),
    ("vpc", "L-1B52E74A", "Gateway VPC endpoints per Region", 20, True),
    ("vpc", "L-E79EC296", "VPC security groups per Region", 2500, True),
    ("vpc", "L-0EA8095F", "Inbound or outbound rules per security group", 60, True),
    ("vpc", "L-2AFB9258", "Security groups per network interface", 5, True),
    ("vpc", "L-B4A6D682", "Network ACLs per VPC", 200, True),
    ("vpc", "L-2AEEBF1A", "Rules per network ACL", 20, True),
    ("vpc", "L-FE5A380F", "NAT gateways per Availability Zone", 5, True),
    ("vpc", "L-A4707A72", "Internet gateways per Region", 5, True),
    ("vpc", "L-45FE3B85", "Egress-only internet gateways per Region", 5, True),
    ("vpc", "L-589F43AA", "Route tables per VPC", 200, True),
    ("vpc", "L-93826ACB", "Routes per route table", 50, True),
    ("vpc", "L-DF5E4CA3", "Network interfaces per Region", 5000, True),
    ("vpc", "L-7E9ECCDB", "Active VPC peering connections per VPC", 50, True),
    ("ec2", "L-0263D0A3", "EC2-VPC Elastic IPs", 5, True),
    ("ec2", "L-1216C47A", "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 256, True),
    ("ec2", "L-DB2E81BA", "Running On-Demand G and VT instances", 0, True),
    ("ec2", "L-34B43A08", "All Standard (A, C, D, H, I, M, R, T, Z) Spot Instance Requests", 256, True),
    ("ebs", "L-7A658B76", "Storage for General Purpose SSD (gp3) volumes, in TiB", 50, True),
    ("eks", "L-1194D53C", "Clusters", 100, True),
    ("eks", "L-6D54EA21", "Managed node groups per cluster", 30, True),
    ("eks", "L-BD136A63", "Nodes per managed node group", 450, True),
    ("elasticloadbalancing", "L-53DA6B97", "Application Load Balancers per Region", 50, True),
    ("elasticloadbalancing", "L-B22855CB", "Target Groups per Region", 3000, True),
    ("rds", "L-7B6409FD", "DB instances", 40, True),
    ("elasticache", "L-DFE45DF3", "Nodes per Region", 300, True),
    ("dynamodb", "L-F98FE922", "Maximum number of tables", 2500, True),
    ("kms", "L-C2F1777E", "Customer Master Keys (CMKs)", 100000, True),
    ("s3", "L-DC2B2D3D", "General purpose buckets", 10000, True),
    ("secretsmanager", "L-2F66C23C", "Secrets per Region", 500000, False),
)


def _quota(call: Call, row: tuple[str, str, str, float, bool]) -> dict[str, Any]:
    service, code, name, value, adjustable = row
    return {
        "ServiceCode": service,
        "ServiceName": SERVICES[service],
        "QuotaArn": call.arn(f"{service}/{code}", "servicequotas"),
        "QuotaCode": code,
        "QuotaName": name,
        "Value": float(value),
        "Unit": "None",
        "Adjustable": adjustable,
        "GlobalQuota": False,
        "QuotaAppliedAtLevel": "ACCOUNT",
    }


@answers("service-quotas", "ListServiceQuotas", "ListAWSDefaultServiceQuotas")
def list_quotas(call: Call) -> dict[str, Any]:
    """Return the quotas of one service."""
    code = call.get("ServiceCode")
    if code not in SERVICES:
        raise Refusal("NoSuchResourceException", f"There are no quotas of {code}")
    wanted = call.get("QuotaCode")
    return {"Quotas": [_quota(call, row) for row in QUOTAS if row[0] == code and wanted in (None, row[1])]}


@answers("service-quotas", "GetServiceQuota", "GetAWSDefaultServiceQuota")
def get_quota(call: Call) -> dict[str, Any]:
    """Return one quota."""
    for row in QUOTAS:
        if row[:2] == (call.get("ServiceCode"), call.get("QuotaCode")):
            return {"Quota": _quota(call, row)}
    raise Refusal("NoSuchResourceException", "The request failed because the specified quota does not exist.")


@answers("service-quotas", "ListServices")
def list_services(_: Call) -> dict[str, Any]:
    """Return the services that have quotas here."""
    return {"Services": [{"ServiceCode": code, "ServiceName": name} for code, name in SERVICES.items()]}
