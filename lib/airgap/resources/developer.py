"""What the developer role may read: configuration and logs; no secret values, no data, no sessions, no deployment."""

from __future__ import annotations

from typing import Any

from airgap.resources.statements import allow, named

# Names start with Describe, List, Get, BatchGet, Lookup, Search, Filter or View. Where a service's Get also gives out
# data, secrets or credentials, the harmless ones are named one by one.
_READABLE = (
    "access-analyzer:GetAnalyzer GetFinding* ListAnalyzers ListFindings*",
    "acm:DescribeCertificate ListCertificates ListTagsForCertificate",
    "application-autoscaling:Describe*",
    "autoscaling:Describe*",
    "bedrock:GetFoundationModel* GetGuardrail GetInferenceProfile GetModelInvocationLoggingConfiguration "
    "ListFoundationModels ListGuardrails ListInferenceProfiles",
    "cloudtrail:DescribeTrails GetEventSelectors GetTrail GetTrailStatus ListTrails LookupEvents",
    "cloudwatch:Describe* GetDashboard GetMetricData GetMetricStatistics List*",
    "codebuild:BatchGetBuilds BatchGetProjects ListBuilds* ListProjects",
    "codepipeline:GetPipeline GetPipelineExecution GetPipelineState List*",
    "config:Describe* Get*Compliance* List*",
    "dynamodb:Describe* List*",
    "ec2:Describe* GetEbsDefaultKmsKeyId GetEbsEncryptionByDefault GetManagedPrefixListEntries "
    "GetSecurityGroupsForVpc SearchTransitGatewayRoutes",
    "ecr:Describe* GetLifecyclePolicy GetRegistryPolicy GetRegistryScanningConfiguration GetRepositoryPolicy List*",
    "eks:Describe* List*",
    "elasticache:Describe* List*",
    "elasticloadbalancing:Describe*",
    "iam:GetInstanceProfile GetPolicy GetPolicyVersion GetRole GetRolePolicy ListAttachedRolePolicies "
    "ListInstanceProfiles* ListPolicies ListPolicyVersions ListRolePolicies ListRoles",
    "kms:DescribeKey GetKeyPolicy GetKeyRotationStatus GetPublicKey ListAliases ListKeys ListResourceTags",
    "lambda:GetFunctionConfiguration GetPolicy ListFunctions ListTags",
    "logs:Describe* FilterLogEvents GetLogEvents GetLogGroupFields GetQueryResults ListTagsForResource",
    "rds:Describe* ListTagsForResource",
    "resource-explorer-2:Search",
    "route53resolver:Get* List*",
    "s3:GetBucketLocation GetBucketLogging GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock "
    "GetBucketTagging GetBucketVersioning GetEncryptionConfiguration GetLifecycleConfiguration ListAllMyBuckets",
    "secretsmanager:DescribeSecret GetResourcePolicy ListSecretVersionIds ListSecrets",
    "servicequotas:GetServiceQuota ListServiceQuotas",
    "ssm:DescribeInstanceInformation DescribeSessions GetConnectionStatus ListDocuments",
    "sts:GetCallerIdentity",
    "tag:GetResources GetTagKeys GetTagValues",
    "transcribe:ListTranscriptionJobs",
    "wafv2:Describe* GetLoggingConfiguration GetRuleGroup GetWebACL GetWebACLForResource List*",
)


def developer_statements() -> tuple[dict[str, Any], ...]:
    """Return the developer's statements: these actions, and no other whatever else were ever attached to the role."""
    actions = [action for service in _READABLE for action in named(service)]
    ceiling = {"Sid": "NothingElse", "Effect": "Deny", "NotAction": actions, "Resource": "*"}
    return allow("Read", actions), ceiling
