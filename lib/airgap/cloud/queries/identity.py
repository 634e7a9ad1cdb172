"""Read calls on identity: IAM, keys, secrets, federation (N7, N13)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

ROLES = ("iam:GetAccountAuthorizationDetails", "RoleDetailList")
# What AWS's own policies grant is read for those that a role carries.
AWS_POLICIES = (("PolicyArn", "arn:*:iam::aws:policy/*"),)
CUSTOMER_KEYS = (("KeyManager", "CUSTOMER"),)

QUERIES: tuple[Query, ...] = (
    Query(
        "iam:GetAccountAuthorizationDetails",
        {"Filter": ["User", "Role", "Group", "LocalManagedPolicy"]},
        scope="global",
    ),
    Query("iam:GetAccountSummary", scope="global"),
    Query("iam:GetAccountPasswordPolicy", scope="global", absent=("NoSuchEntity",)),
    Query("iam:ListRoles", scope="global"),
    follow("iam:GetRole", "iam:ListRoles", "Roles", {"RoleName": "RoleName"}, scope="global"),
    follow(
        "iam:GetPolicy",
        ROLES[0],
        "RoleDetailList.AttachedManagedPolicies",
        {"PolicyArn": "PolicyArn"},
        scope="global",
        only=AWS_POLICIES,
    ),
    follow(
        "iam:GetPolicyVersion",
        "iam:GetPolicy",
        "Policy",
        {"PolicyArn": "Arn", "VersionId": "DefaultVersionId"},
        scope="global",
    ),
    Query("iam:ListInstanceProfiles", scope="global"),
    follow(
        "iam:GetInstanceProfile",
        "iam:ListInstanceProfiles",
        "InstanceProfiles",
        {"InstanceProfileName": "InstanceProfileName"},
        scope="global",
    ),
    Query("iam:ListOpenIDConnectProviders", scope="global"),
    follow(
        "iam:GetOpenIDConnectProvider",
        "iam:ListOpenIDConnectProviders",
        "OpenIDConnectProviderList",
        {"OpenIDConnectProviderArn": "Arn"},
        scope="global",
    ),
    Query("iam:ListSAMLProviders", scope="global"),
    Query("iam:ListServerCertificates", scope="global"),
    Query("rolesanywhere:ListTrustAnchors"),
    Query("rolesanywhere:ListProfiles"),
    # Keys.
    Query("kms:ListKeys"),
    Query("kms:ListAliases"),
    follow("kms:DescribeKey", "kms:ListKeys", "Keys", {"KeyId": "KeyId"}),
    *(
        follow(f"kms:{operation}", "kms:DescribeKey", "KeyMetadata", {"KeyId": "KeyId"}, only=CUSTOMER_KEYS, **more)
        for operation, more in (
            ("GetKeyPolicy", {"params": {"PolicyName": "default"}}),
            # Asymmetric and imported keys do not rotate.
            ("GetKeyRotationStatus", {"absent": ("UnsupportedOperationException",)}),
            ("ListGrants", {}),
            ("ListResourceTags", {}),
        )
    ),
    # Secrets: their settings, never their values.
    Query("secretsmanager:ListSecrets", {"IncludePlannedDeletion": True}),
    follow("secretsmanager:DescribeSecret", "secretsmanager:ListSecrets", "SecretList", {"SecretId": "ARN"}),
    # Of their versions the times alone: when people last wrote one that no function renews.
    follow("secretsmanager:ListSecretVersionIds", "secretsmanager:ListSecrets", "SecretList", {"SecretId": "ARN"}),
    follow("secretsmanager:GetResourcePolicy", "secretsmanager:ListSecrets", "SecretList", {"SecretId": "ARN"}),
)
