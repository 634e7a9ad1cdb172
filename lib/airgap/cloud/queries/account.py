"""Read calls on the account itself: caller, Regions, zones, quotas, organisation, account-wide settings."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

QUOTAS = ("ec2", "vpc", "ebs", "eks", "elasticloadbalancing", "rds", "elasticache")
NO_ORGANISATION = ("AWSOrganizationsNotInUseException",)
POLICY_TYPES = (
    "SERVICE_CONTROL_POLICY",
    "RESOURCE_CONTROL_POLICY",
    "DECLARATIVE_POLICY_EC2",
    "AISERVICES_OPT_OUT_POLICY",
)

QUERIES: tuple[Query, ...] = (
    Query("sts:GetCallerIdentity"),
    Query("iam:ListAccountAliases", scope="global"),
    # N14: every Region and account.
    Query("ec2:DescribeRegions", {"AllRegions": True}),
    Query("ec2:DescribeAvailabilityZones"),
    Query("ec2:DescribeAccountAttributes"),
    # A quota that was never raised is answered by the defaults alone.
    Query("service-quotas:ListServiceQuotas", vary={"ServiceCode": QUOTAS}),
    Query("service-quotas:ListAWSDefaultServiceQuotas", vary={"ServiceCode": QUOTAS}),
    # N2: organisation guardrails. The list is answered to the management account and delegated administrators alone.
    Query("organizations:DescribeOrganization", scope="global", absent=NO_ORGANISATION),
    Query("organizations:ListAccounts", scope="global", absent=NO_ORGANISATION),
    Query("organizations:ListRoots", scope="global", absent=NO_ORGANISATION),
    Query("organizations:ListPolicies", scope="global", vary={"Filter": POLICY_TYPES}, absent=NO_ORGANISATION),
    follow(
        "organizations:DescribePolicy", "organizations:ListPolicies", "Policies", {"PolicyId": "Id"}, scope="global"
    ),
    follow(
        "organizations:ListTargetsForPolicy",
        "organizations:ListPolicies",
        "Policies",
        {"PolicyId": "Id"},
        scope="global",
    ),
    Query(
        "organizations:DescribeEffectivePolicy",
        scope="global",
        vary={"PolicyType": ("DECLARATIVE_POLICY_EC2", "AISERVICES_OPT_OUT_POLICY")},
        absent=(*NO_ORGANISATION, "EffectivePolicyNotFoundException"),
    ),
    # Account-wide switches, adopted when already set.
    follow(
        "s3control:GetPublicAccessBlock",
        "sts:GetCallerIdentity",
        "",
        {"AccountId": "Account"},
        scope="global",
        absent=("NoSuchPublicAccessBlockConfiguration",),
    ),
    Query("ec2:GetEbsEncryptionByDefault"),
    Query("ec2:GetEbsDefaultKmsKeyId"),
    Query("ec2:GetInstanceMetadataDefaults"),
    Query("ec2:GetSerialConsoleAccessStatus"),  # N11
    Query("ec2:GetSnapshotBlockPublicAccessState"),  # N5
    Query("ec2:GetImageBlockPublicAccessState"),  # N5
    Query("ec2:GetAllowedImagesSettings"),
    Query("bedrock:GetModelInvocationLoggingConfiguration"),
    Query(
        "ssm:GetServiceSetting",
        vary={
            "SettingId": (
                "/ssm/documents/console/public-sharing-permission",
                "/ssm/managed-instance/default-ec2-instance-management-role",
            )
        },
        absent=("ServiceSettingNotFound",),
    ),
    Query("ssm:GetDocument", {"Name": "SSM-SessionManagerRunShell"}, absent=("InvalidDocument",)),
    # Shares in and out (P23, N13).
    *(
        Query(f"ram:{operation}", vary={"resourceOwner": ("SELF", "OTHER-ACCOUNTS")})
        for operation in ("GetResourceShares", "ListResources", "ListPrincipals")
    ),
    Query("ram:GetResourceShareAssociations", vary={"associationType": ("PRINCIPAL", "RESOURCE")}),
    # Inventory and peers.
    Query("resourcegroupstaggingapi:GetResources", {"TagFilters": [{"Key": "airgap:environment"}]}),
    Query("config:DescribeConfigurationRecorders"),
    Query("config:DescribeConfigurationRecorderStatus"),
    Query("config:DescribeDeliveryChannels"),  # N10
    Query("guardduty:ListDetectors"),
    follow("guardduty:GetDetector", "guardduty:ListDetectors", "DetectorIds", {"DetectorId": "@"}),
    Query("accessanalyzer:ListAnalyzers"),
)
