"""Read calls on stored things: buckets, repositories, snapshots, images, backups (N3, N4, N5, N6)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

BUCKETS = ("s3:ListBuckets", "Buckets", {"Bucket": "Name"})

# Per-bucket configuration, with the code by which S3 says that there is none.
BUCKET_CONFIGURATION = {
    "GetBucketLocation": "",
    "GetBucketVersioning": "",
    "GetBucketAcl": "",
    "GetBucketLogging": "",
    "GetBucketNotificationConfiguration": "",
    "ListBucketInventoryConfigurations": "",
    "ListBucketAnalyticsConfigurations": "",
    "GetBucketEncryption": "ServerSideEncryptionConfigurationNotFoundError",
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketPolicyStatus": "NoSuchBucketPolicy",
    "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
    "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
    "GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "GetBucketLifecycleConfiguration": "NoSuchLifecycleConfiguration",
    "GetObjectLockConfiguration": "ObjectLockConfigurationNotFoundError",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetBucketTagging": "NoSuchTagSet",
}
# S3's control plane takes the account as a parameter.
ACCOUNT = ("sts:GetCallerIdentity", "", {"AccountId": "Account"})
REPOSITORIES = ("ecr:DescribeRepositories", "repositories")

QUERIES: tuple[Query, ...] = (
    # N3: buckets of the account, wherever they are.
    Query("s3:ListBuckets", scope="global"),
    *(
        follow(f"s3:{operation}", *BUCKETS, scope="global", absent=(code,) if code else ())
        for operation, code in BUCKET_CONFIGURATION.items()
    ),
    # What the functions run is read from the bucket of artefacts; nobody lists what is in the others.
    follow(
        "s3:ListObjectVersions",
        *BUCKETS,
        params={"Prefix": "functions/"},
        scope="global",
        only=(("Name", "*-artifacts-*"),),
    ),
    follow("s3control:ListAccessPoints", *ACCOUNT),
    follow(
        "s3control:GetAccessPointPolicy",
        "s3control:ListAccessPoints",
        "AccessPointList",
        {"AccountId": "^.?.AccountId", "Name": "Name"},
        absent=("NoSuchAccessPointPolicy",),
    ),
    follow("s3control:ListMultiRegionAccessPoints", *ACCOUNT, scope="global", home="us-west-2"),
    follow("s3control:ListAccessGrants", *ACCOUNT, absent=("AccessGrantsInstanceNotExistsError",)),
    # N4: registry and repositories.
    Query("ecr:DescribeRegistry"),
    Query("ecr:GetRegistryPolicy", absent=("RegistryPolicyNotFoundException",)),
    Query("ecr:GetRegistryScanningConfiguration"),
    Query("ecr:DescribePullThroughCacheRules"),
    Query("ecr:DescribeRepositoryCreationTemplates"),
    Query("ecr:DescribeRepositories"),
    follow(
        "ecr:GetRepositoryPolicy",
        *REPOSITORIES,
        {"repositoryName": "repositoryName"},
        absent=("RepositoryPolicyNotFoundException",),
    ),
    follow(
        "ecr:GetLifecyclePolicy",
        *REPOSITORIES,
        {"repositoryName": "repositoryName"},
        absent=("LifecyclePolicyNotFoundException",),
    ),
    follow("ecr:DescribeImages", *REPOSITORIES, {"repositoryName": "repositoryName"}),
    follow("ecr:ListTagsForResource", *REPOSITORIES, {"resourceArn": "repositoryArn"}),
    # N5: snapshots and images.
    Query("ec2:DescribeVolumes"),
    Query("ec2:DescribeSnapshots", {"OwnerIds": ["self"]}),
    follow(
        "ec2:DescribeSnapshotAttribute",
        "ec2:DescribeSnapshots",
        "Snapshots",
        {"SnapshotId": "SnapshotId"},
        params={"Attribute": "createVolumePermission"},
    ),
    Query("ec2:DescribeImages", {"Owners": ["self"]}),
    follow(
        "ec2:DescribeImageAttribute",
        "ec2:DescribeImages",
        "Images",
        {"ImageId": "ImageId"},
        params={"Attribute": "launchPermission"},
    ),
    Query("ec2:DescribeStoreImageTasks"),
    Query("ec2:DescribeExportImageTasks"),
    Query("dlm:GetLifecyclePolicies"),
    follow("dlm:GetLifecyclePolicy", "dlm:GetLifecyclePolicies", "Policies", {"PolicyId": "PolicyId"}),
    Query("fsx:DescribeFileSystems"),
    Query("fsx:DescribeBackups"),
    # N6: backup copies.
    Query("backup:ListBackupPlans"),
    follow("backup:GetBackupPlan", "backup:ListBackupPlans", "BackupPlansList", {"BackupPlanId": "BackupPlanId"}),
    Query("backup:ListBackupVaults"),
    follow(
        "backup:GetBackupVaultAccessPolicy",
        "backup:ListBackupVaults",
        "BackupVaultList",
        {"BackupVaultName": "BackupVaultName"},
        absent=("ResourceNotFoundException",),
    ),
    follow(
        "backup:ListRecoveryPointsByBackupVault",
        "backup:ListBackupVaults",
        "BackupVaultList",
        {"BackupVaultName": "BackupVaultName"},
    ),
    Query("backup:ListCopyJobs"),
    follow(
        "backup:ListRestoreAccessBackupVaults",
        "backup:ListBackupVaults",
        "BackupVaultList",
        {"BackupVaultName": "BackupVaultName"},
    ),
    Query("backup:DescribeGlobalSettings"),
)
