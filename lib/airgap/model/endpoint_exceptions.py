"""What each service's endpoint policy needs beside the own statement, as data.

Sources: aws-samples/data-perimeter-policy-examples (service_owned_resources.md, vpc_endpoint_policies), the IAM User
Guide's "AWS global condition context keys" for the actions that carry no aws:ResourceAccount, and the Service
Authorization Reference for the actions without a resource. Templates have the fields of EndpointFacts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

# EKS User Guide, "View Amazon container image registries for Amazon EKS add-ons"; amazon-eks-ami, nodeadm, ecr.go.
ADDON_REGISTRIES: Mapping[str, str] = {
    "af-south-1": "877085696533",
    "ap-east-1": "800184023465",
    "ap-east-2": "533267051163",
    "ap-south-2": "900889452093",
    "ap-southeast-3": "296578399912",
    "ap-southeast-4": "491585149902",
    "ap-southeast-5": "151610086707",
    "ap-southeast-6": "333609536671",
    "ap-southeast-7": "121268973566",
    "ca-west-1": "761377655185",
    "cn-north-1": "918309763551",
    "cn-northwest-1": "961992271922",
    "eu-central-2": "900612956339",
    "eu-isoe-west-1": "249663109785",
    "eu-south-1": "590381155156",
    "eu-south-2": "455263428931",
    "il-central-1": "066635153087",
    "me-central-1": "759879836304",
    "me-south-1": "558608220178",
    "us-gov-east-1": "151742754352",
    "us-gov-west-1": "013241004608",
    "us-iso-east-1": "725322719131",
    "us-iso-west-1": "608367168043",
    "us-isob-east-1": "187977181151",
    "us-isof-south-1": "676585237158",
}


def addon_registry(region: str) -> str:
    """The account that holds EKS's add-on images in the Region; Regions that need no opt-in share one."""
    return ADDON_REGISTRIES.get(region, "602401143452")


# Endpoint -> IAM prefix, where the name itself is not the prefix.
_PREFIXES: Mapping[str, str] = {
    "bedrock-agent": "bedrock",
    "bedrock-agent-runtime": "bedrock",
    "bedrock-runtime": "bedrock",
    "dynamodb-streams": "dynamodb",
    "ecr.api": "ecr",
    "ecr.dkr": "ecr",
    "monitoring": "cloudwatch",
    "tagging": "tag",
    "transcribestreaming": "transcribe",
}


def prefix(service: str) -> str:
    """The IAM prefix of the actions that go through the endpoint."""
    return _PREFIXES.get(service, service.partition(".")[0])


# Actions without a resource, by endpoint: a condition on the resource may refuse them, so the caller alone is limited.
BARE: Mapping[str, tuple[str, ...]] = {
    "autoscaling": ("Describe*",),
    "bedrock": (
        *("GetFoundationModelAvailability", "GetModelInvocationLoggingConfiguration"),
        *("ListFoundationModels", "ListGuardrails", "ListInferenceProfiles"),
    ),
    "cloudtrail": ("DescribeTrails", "ListTrails", "LookupEvents"),
    "dynamodb": ("DescribeEndpoints", "DescribeLimits", "ListTables"),
    "ec2": ("Describe*",),
    "ec2messages": ("AcknowledgeMessage", "DeleteMessage", "FailMessage", "GetEndpoint", "GetMessages", "SendReply"),
    "ecr.api": ("GetAuthorizationToken",),
    "ecr.dkr": ("GetAuthorizationToken",),
    "eks": (
        *("DescribeAddonConfiguration", "DescribeAddonVersions", "DescribeClusterVersions"),
        *("ListAccessPolicies", "ListClusters"),
    ),
    "elasticache": ("DescribeCacheEngineVersions", "DescribeEvents", "DescribeServiceUpdates"),
    "elasticloadbalancing": ("Describe*",),
    "kms": ("CreateKey", "GenerateRandom", "ListAliases", "ListKeys"),
    "logs": ("DescribeLogGroups", "StopQuery"),
    "monitoring": ("GetMetricData", "GetMetricStatistics", "ListMetrics", "PutMetricData"),
    "rds": (
        *("DescribeAccountAttributes", "DescribeCertificates", "DescribeDBEngineVersions", "DescribeEvents"),
        "DescribeOrderableDBInstanceOptions",
    ),
    "s3": ("ListAllMyBuckets",),
    "secretsmanager": ("BatchGetSecretValue", "GetRandomPassword", "ListSecrets"),
    "ssm": (
        *("DescribeAssociation", "DescribeInstanceInformation", "DescribeParameters", "DescribeSessions"),
        *("GetDeployablePatchSnapshotForInstance", "GetManifest", "ListAssociations", "ListDocuments"),
        *("ListInstanceAssociations", "PutComplianceItems", "PutConfigurePackageResult", "PutInventory"),
        "UpdateInstanceInformation",
    ),
    "ssmmessages": ("CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"),
    "sts": ("DecodeAuthorizationMessage", "GetCallerIdentity"),
    "tagging": ("GetResources", "GetTagKeys", "GetTagValues"),
    "transcribe": ("ListTranscriptionJobs", "ListVocabularies", "StartTranscriptionJob"),
    "transcribestreaming": ("StartStreamTranscription", "StartStreamTranscriptionWebSocket"),
    "wafv2": ("ListAvailableManagedRuleGroups", "ListWebACLs"),
}


class Exempt(NamedTuple):
    """An Allow beside the own statement. `who` is `own`, `anyone` or `federated`; `own_resource` limits the resource;
    with `components` it stands only where one of them is chosen."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    who: str = "own"
    own_resource: bool = False
    condition: tuple[tuple[str, str], ...] = ()
    components: tuple[str, ...] = ()


class Refused(NamedTuple):
    """A Deny on everyone: unconditioned, or unless the key has one of the wanted values."""

    sid: str
    actions: tuple[str, ...]
    resource: str = "*"
    key: str = ""
    wanted: tuple[str, ...] = ()


def _bucket(name: str) -> str:
    return f"arn:{{partition}}:s3:::{name}/*"


def _ec2(rest: str) -> str:
    return f"arn:{{partition}}:ec2:{{region}}:{rest}"


_ADDON_IMAGES = Exempt(
    "AddOnImages",
    ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"),
    ("arn:{partition}:ecr:{region}:{addon_registry}:repository/*",),
)

EXEMPT: Mapping[str, tuple[Exempt, ...]] = {
    "s3": (
        # The layer URL is signed by an account of ECR, so no condition on the caller can hold.
        Exempt("EcrLayers", ("s3:GetObject",), (_bucket("prod-{region}-starport-layer-bucket"),), "anyone"),
        Exempt(
            "AmazonLinuxRepositories",  # read without credentials
            ("s3:GetObject",),
            (_bucket("al2023-repos-{region}-de612dc2"), _bucket("al2023-{region}")),
            "anyone",
            components=("node-bootstrap",),
        ),
        Exempt(
            "SystemsManagerBuckets",  # read without credentials
            ("s3:GetObject",),
            (
                _bucket("aws-ssm-{region}"),
                _bucket("amazon-ssm-{region}"),
                _bucket("amazon-ssm-packages-{region}"),
                _bucket("{region}-birdwatcher-prod"),
                _bucket("aws-ssm-distributor-file-{region}"),
                _bucket("aws-ssm-document-attachments-{region}"),
                _bucket("patch-baseline-snapshot-{region}"),
            ),
            "anyone",
            components=("session-manager",),
        ),
    ),
    "ecr.api": (_ADDON_IMAGES,),
    "ecr.dkr": (_ADDON_IMAGES,),
    # A web identity token carries no organisation and no account: only the role's owner can be limited.
    "sts": (Exempt("WebIdentity", ("sts:AssumeRoleWithWebIdentity",), ("*",), "federated", own_resource=True),),
    "ec2": (
        # CreateVolume and CreateVpcEndpoint carry no aws:ResourceAccount; their ARNs do, but for snapshots.
        Exempt(
            "CreateVolumes",
            ("ec2:CreateVolume",),
            (_ec2("{account}:volume/*"), _ec2(":snapshot/*")),
            components=("ebs-csi",),
        ),
        Exempt(
            "CreateEndpoints",
            ("ec2:CreateVpcEndpoint",),
            tuple(_ec2(f"{{account}}:{each}/*") for each in ("vpc", "subnet", "route-table", "security-group")),
            components=("runbook-inside",),
        ),
        Exempt(
            "CreateEndpointsToAmazon",
            ("ec2:CreateVpcEndpoint",),
            (_ec2("{account}:vpc-endpoint/*"),),
            condition=(("ec2:VpceServiceOwner", "amazon"),),
            components=("runbook-inside",),
        ),
        Exempt("AmazonImages", ("ec2:RunInstances",), (_ec2(":image/*"),), condition=(("ec2:Owner", "amazon"),)),
        Exempt("PrefixLists", ("ec2:GetManagedPrefixListEntries",), (_ec2("aws:prefix-list/*"),)),
    ),
    "ssm": (
        Exempt(
            "PublicParameters",
            ("ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"),
            ("arn:{partition}:ssm:{region}::parameter/aws/*",),
        ),
        Exempt(
            "AmazonDocuments",
            ("ssm:DescribeDocument", "ssm:GetDocument", "ssm:StartSession"),
            ("arn:{partition}:ssm:{region}::document/*", "arn:{partition}:ssm:{region}::automation-definition/*"),
        ),
    ),
    "bedrock-runtime": (
        Exempt("Models", ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"), ("{model}",)),
    ),
    "bedrock": (Exempt("Models", ("bedrock:GetFoundationModel",), ("{model}",)),),
}

# What the own statement leaves out: the ARN has no account, and whether aws:ResourceAccount is sent is not documented.
APART: Mapping[str, str] = {
    "bedrock": "arn:{partition}:bedrock:*::foundation-model/*",
    "bedrock-runtime": "arn:{partition}:bedrock:*::foundation-model/*",
}


def _copies(service: str, names: str) -> Refused:
    """Actions by which the service itself would carry own data out of its own resource, past every network control."""
    return Refused("ServiceSideCopies", tuple(f"{service}:{name}" for name in names.split()))


_OUTPUT_JOBS = ("StartMedicalScribeJob", "StartMedicalTranscriptionJob", "StartTranscriptionJob")

REFUSED: Mapping[str, tuple[Refused, ...]] = {
    "dynamodb": (_copies("dynamodb", "EnableKinesisStreamingDestination ExportTableToPointInTime PutResourcePolicy"),),
    "ec2": (
        _copies(
            "ec2",
            "CreateInstanceExportTask CreateNetworkInterfacePermission CreateStoreImageTask "
            "CreateVpcPeeringConnection ExportImage ModifyImageAttribute ModifySnapshotAttribute",
        ),
        Refused(
            "ForeignEndpointServices",
            ("ec2:CreateVpcEndpoint",),
            _ec2("*:vpc-endpoint/*"),
            key="ec2:VpceServiceOwner",
            wanted=("amazon",),
        ),
    ),
    "ecr.api": (_copies("ecr", "PutReplicationConfiguration"),),
    "elasticache": (_copies("elasticache", "CopySnapshot ExportServerlessCacheSnapshot"),),
    "logs": (
        _copies("logs", "CreateExportTask PutAccountPolicy PutDestination PutDestinationPolicy PutSubscriptionFilter"),
    ),
    "rds": (_copies("rds", "ModifyDBClusterSnapshotAttribute ModifyDBSnapshotAttribute StartExportTask"),),
    "s3": (
        _copies(
            "s3",
            "PutAnalyticsConfiguration PutBucketNotification PutInventoryConfiguration PutReplicationConfiguration",
        ),
    ),
    "secretsmanager": (_copies("secretsmanager", "PutResourcePolicy"),),
    "ssm": (_copies("ssm", "ModifyDocumentPermission PutResourcePolicy"),),
    "transcribe": (
        # Transcribe writes the result itself: to a foreign bucket, or to one of AWS's when none is named.
        Refused(
            "ForeignOutput",
            tuple(f"transcribe:{job}" for job in _OUTPUT_JOBS),
            key="transcribe:OutputBucketName",
            wanted=("{bucket}",),
        ),
        Refused("UnboundOutput", ("transcribe:StartCallAnalyticsJob",)),
    ),
}
