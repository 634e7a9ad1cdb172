"""The properties that an environment is judged by, and the evidence that decides each."""

from __future__ import annotations

from typing import NamedTuple

from airgap.controls.parts import PARTS, Part


class Property(NamedTuple):
    """One statement about an environment: its id, what must hold, and the evidence that decides it."""

    id: str
    title: str
    evidence: str

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it asks for, part by part, with what decides each."""
        return PARTS[self.id]


PROPERTIES: tuple[Property, ...] = (
    Property(
        "NET-01",
        "No internet gateway or egress-only IGW is attached beyond the declared public tier, and none can be "
        "reached from a sealed subnet",
        "ec2 DescribeInternetGateways, DescribeEgressOnlyInternetGateways (all pages)",
    ),
    Property(
        "NET-02",
        "No NAT gateway and no public/elastic IP exists beyond the declared public tier, and none serves a "
        "sealed subnet",
        "ec2 DescribeNatGateways, DescribeAddresses, DescribeNetworkInterfaces",
    ),
    Property(
        "NET-03",
        "No sealed route table has a default or public-prefix route; every route target of every table is on "
        "the allow-list of its tier",
        "ec2 DescribeRouteTables, DescribeTransitGateways, DescribeVpcPeeringConnections",
    ),
    Property(
        "NET-04",
        "Every security-group egress rule is on the allow-list; none goes to 0.0.0.0/0 or ::/0",
        "ec2 DescribeSecurityGroupRules",
    ),
    Property(
        "NET-05",
        "Security-group ingress: only listed peers and ports; default SG has no rules",
        "ec2 DescribeSecurityGroupRules",
    ),
    Property(
        "NET-06",
        "Network ACLs are the declared stateless second layer",
        "ec2 DescribeNetworkAcls",
    ),
    Property(
        "NET-07",
        "VPC Block Public Access is on (bidirectional); its exclusions equal the declared public subnets",
        "ec2 DescribeVpcBlockPublicAccessOptions/Exclusions",
    ),
    Property(
        "NET-08",
        "The required VPC endpoint set exists, multi-AZ, private DNS on, nothing extra",
        "ec2 DescribeVpcEndpoints",
    ),
    Property(
        "NET-09",
        "Every endpoint policy restricts principals/resources to own org/account (no Allow *)",
        "ec2 DescribeVpcEndpoints PolicyDocument + offline evaluator",
    ),
    Property(
        "NET-10",
        "DNS resolves only allow-listed names (Resolver DNS Firewall fail-closed; query log on)",
        "route53resolver ListFirewallRuleGroupAssociations, ListFirewallConfigs, ListResolverQueryLogConfigs",
    ),
    Property(
        "NET-11",
        "No peering, TGW, VPN, Direct Connect, PrivateLink service or RAM share leaves the boundary unless registered",
        "ec2 "
        "DescribeVpcPeeringConnections/TransitGatewayAttachments/VpnConnections/VpcEndpointServiceConfigurations,"
        " ram GetResourceShares",
    ),
    Property(
        "NET-12",
        "AWS's own formal analysis finds zero paths to/from an internet gateway (Network Access Analyzer) and"
        " declared paths reachable",
        "ec2 GetNetworkInsightsAccessScopeAnalysisFindings",
    ),
    Property(
        "NET-13",
        "Live egress probes from pods/nodes fail to every canary (TCP/DNS/IPv6/IMDS) and succeed to every "
        "allowed endpoint",
        "in-cluster probe job transcripts",
    ),
    Property(
        "NET-14",
        "VPC flow logs cover 100% of in-scope VPCs, to a locked store",
        "ec2 DescribeFlowLogs",
    ),
    Property(
        "EKS-01",
        "EKS API endpoint: public access off, private on",
        "eks DescribeCluster",
    ),
    Property(
        "EKS-02",
        "Kubernetes secrets envelope-encrypted with the named customer key",
        "eks DescribeCluster encryptionConfig (non-empty)",
    ),
    Property(
        "EKS-03",
        "All five control-plane log types on, with retention set",
        "eks DescribeCluster logging; logs DescribeLogGroups",
    ),
    Property(
        "EKS-04",
        "Kubernetes version and every add-on/AMI are in standard support; end-of-support date recorded",
        "eks DescribeClusterVersions, DescribeAddonVersions, ssm GetParameter",
    ),
    Property(
        "EKS-05",
        "Network policy default-deny in every app namespace, and enforcing (CNI) - live probe agrees",
        "k8s NetworkPolicy list + eks DescribeAddon + probe",
    ),
    Property(
        "EKS-06",
        "Pod Security admission 'restricted' enforced outside kube-system; no privileged/host namespace pods "
        "beyond the named system DaemonSets",
        "k8s namespaces, pods",
    ),
    Property(
        "EKS-07",
        "Workload identity (Pod Identity/IRSA): each role least-privilege, trust bound to one service account",
        "eks ListPodIdentityAssociations, iam GetRole + offline lint",
    ),
    Property(
        "EKS-08",
        "Cluster access entries equal the declared list; no cluster-creator admin left",
        "eks ListAccessEntries, DescribeAccessEntry",
    ),
    Property(
        "EKS-09",
        "Nodes: IMDSv2 required, hop limit 1, approved AMI, encrypted root volume, no SSH key",
        "ec2 DescribeInstances, DescribeLaunchTemplateVersions",
    ),
    Property(
        "SUP-01",
        "Every running image is pinned by digest, from the private registry (or the declared AWS add-on "
        "registry of the Region), and matches the transfer manifest",
        "k8s pods imageID vs ecr DescribeImages vs manifest",
    ),
    Property(
        "SUP-02",
        "Images and runbook artefacts carry a valid signature/attestation from an approved key",
        "offline verify of DSSE/cosign bundle",
    ),
    Property(
        "DAT-01",
        "RDS: not publicly accessible, in sealed subnets only (both, independently of SGs)",
        "rds DescribeDBInstances, DescribeDBSubnetGroups + route tables",
    ),
    Property(
        "DAT-02",
        "Data at rest encrypted with a named customer key: RDS, ElastiCache, EBS, S3, logs, backups",
        "per-service Describe* + kms DescribeKey",
    ),
    Property(
        "DAT-03",
        "Data in transit: TLS required by server (rds.force_ssl, ElastiCache TLS, ALB policy, S3 deny-HTTP) "
        "and proven by a live handshake",
        "rds DescribeDBParameters; elasticache DescribeReplicationGroups; probe transcript",
    ),
    Property(
        "DAT-04",
        "Backups exist, encrypted, within RPO, and one restore was tested in the period",
        "rds DescribeDBSnapshots, backup ListRecoveryPoints, restore-test transcript",
    ),
    Property(
        "DAT-05",
        "Multi-AZ and failover state as declared; last failover drill result",
        "rds/elasticache Describe*, drill transcript",
    ),
    Property(
        "KEY-01",
        "Customer keys: rotation on, not pending deletion, single-region, no external principal, no unknown grants",
        "kms GetKeyRotationStatus, GetKeyPolicy, ListGrants",
    ),
    Property(
        "KEY-02",
        "Secrets: none in notebooks, env vars, task output or images; all in Secrets Manager; rotated in period",
        "secretsmanager ListSecrets + scan of bundle",
    ),
    Property(
        "KEY-03",
        "TLS certificates and trust stores: issuer, key size, expiry, private CA - inventory complete",
        "acm ListCertificates, acm-pca DescribeCertificateAuthority, k8s secrets metadata",
    ),
    Property(
        "IAM-01",
        "No policy in scope grants admin or wildcard; permissions boundary and SCP/RCP data perimeter present",
        "iam GetAccountAuthorizationDetails + offline lint",
    ),
    Property(
        "IAM-02",
        "The runbook's own role: deploy and verify roles are separate, session is MFA/approved, verify role "
        "is read-only",
        "sts GetCallerIdentity, iam SimulatePrincipalPolicy, CloudTrail",
    ),
    Property(
        "WEB-01",
        "WAF web ACL attached to every entry point, managed + rate rules, logging on, default action as "
        "declared; attack probes blocked",
        "wafv2 GetWebACLForResource, GetLoggingConfiguration + probe transcript",
    ),
    Property(
        "LOG-01",
        "CloudTrail: all-region, log-file validation on, KMS, and the digest chain for the run window verifies offline",
        "cloudtrail DescribeTrails, digest files, ListPublicKeys",
    ),
    Property(
        "LOG-02",
        "Log stores: retention set >= policy, Object Lock COMPLIANCE on the evidence bucket, no public access",
        "logs DescribeLogGroups; s3 GetObjectLockConfiguration, GetObjectRetention",
    ),
    Property(
        "CHG-01",
        "Declared state = live state: zero unexplained drift since last run; every difference has a change ref",
        "plan vs Describe* diff, CloudTrail correlation",
    ),
    Property(
        "CHG-02",
        "Every write the runbook made is listed (who, when, request id, change ticket, approver) and matches "
        "CloudTrail 1:1",
        "runbook journal vs CloudTrail LookupEvents",
    ),
    Property(
        "INV-01",
        "Asset inventory of the environment is complete (independent count reconciles) with owner, location, "
        "classification, support end, RTO",
        "per-service Describe* vs resourcegroupstaggingapi vs Config aggregate",
    ),
    Property(
        "EXC-01",
        "Exceptions register: each waiver has owner, approver, reason, compensating control, created and "
        "expiry date; expired waiver = FAIL",
        "exceptions.yaml, signed",
    ),
    Property(
        "EVD-01",
        "Bundle integrity: manifest, hash chain, signature and timestamp verify offline with published keys",
        "verify script in bundle",
    ),
    Property(
        "EVD-02",
        "Population and completeness: for each property N expected, N collected, N assessed, N not assessed +"
        " reason; pagination closed",
        "collection journal",
    ),
    Property(
        "EVD-03",
        "Independent peer agrees: second tool's verdict on the same resource, disagreements explained",
        "prowler OCSF + crosswalk",
    ),
)
