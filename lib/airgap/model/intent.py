"""The intent: what one environment is declared to be, as frozen data.

``params/<env>.yaml`` is validated into these classes by ``airgap.params`` (pydantic reads them as they are); an
auditor's Python re-reads them from the canonical JSON of a run with ``decode`` and nothing but the standard library.
Every field's ``metadata["help"]`` is its documentation in ``params/schema.json`` and ``airgap params new``.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal, Optional, get_type_hints


def says(help: str, default: Any = dataclasses.MISSING, factory: Any = dataclasses.MISSING) -> Any:  # noqa: A002
    """Return a dataclass field with its documentation; no default makes the key required."""
    if factory is not dataclasses.MISSING:
        return field(default_factory=factory, metadata={"help": help})
    return field(default=default, metadata={"help": help})


class Section:
    """Base of all sections: strict types and no unknown keys when pydantic validates them."""

    __pydantic_config__ = {"extra": "forbid", "strict": True}


@dataclass(frozen=True)
class Subnet(Section):
    """One subnet, by address range and zone."""

    cidr: str = says("IPv4 range, inside the VPC's")
    zone: str = says("availability zone name, as us-east-1a")


@dataclass(frozen=True)
class Network(Section):
    """Address plan and the declared public tier."""

    vpc_cidr: str = says("IPv4 range of the VPC")
    private_subnets: tuple[Subnet, ...] = says("the sealed subnets, two to six zones")
    public_tier: Literal["none", "ingress", "ingress-and-nat"] = says("what of the internet the VPC may hold", "none")
    public_subnets: tuple[Subnet, ...] = says(
        "subnets with a route to the internet gateway; none when public_tier is none", ()
    )
    ingress_subnets: tuple[Subnet, ...] = says(
        "tier of its own for internal load balancers and on-premises attachments", ()
    )
    on_premises_cidrs: tuple[str, ...] = says("ranges behind declared on-premises attachments", ())
    dns_allow: tuple[str, ...] = says("names that the DNS firewall lets resolve, beside the derived ones", ())
    flow_log_retention_days: int = says("retention of flow and DNS query logs, in days", 365)
    access_analyzer: bool = says(
        "run AWS's Network Access Analyzer beside the proof; a real account, charged for each interface in it", False
    )


@dataclass(frozen=True)
class Identity(Section):
    """Who may assume the environment's roles."""

    developer_principals: tuple[str, ...] = says(
        "ARNs that may assume the developer role; empty: the account's own principals with MFA", ()
    )
    break_glass_principals: tuple[str, ...] = says(
        "ARNs that may assume the break-glass role; empty: the account's own principals with MFA", ()
    )
    alarm_listeners: tuple[str, ...] = says(
        "ARNs of topics, functions and queues of the account that are told of break-glass beside its own queue", ()
    )
    permissions_boundary: Optional[str] = says("ARN of a permissions boundary that every role must carry", None)
    deploy_role: str = says("name of the role that CI/CD assumes", "cicd-deploy-role")
    deployer_role: Optional[str] = says("name of the role as which the runbook deploys; none: PREFIX-deployer", None)
    verifier_role: Optional[str] = says("name of the role as which the runbook verifies; none: PREFIX-verifier", None)
    key_deletion_days: int = says("waiting period of scheduled key deletion, 7 to 30 days", 7)


@dataclass(frozen=True)
class Endpoints(Section):
    """VPC endpoints beyond the derived ones."""

    extra: tuple[str, ...] = says("endpoint services wanted although no component needs them, as 'xray'", ())
    unavailable: tuple[str, ...] = says(
        "derived services that the Region does not offer and that are accepted as missing", ()
    )


@dataclass(frozen=True)
class Logs(Section):
    """Retention of logs and of evidence."""

    retention_days: int = says("retention of log groups, in days (a value that CloudWatch Logs accepts)", 365)
    trail: Literal["own", "adopted"] = says("own CloudTrail trail, or the organisation's, named under adopt", "own")
    evidence_lock_days: int = says("Object Lock retention of evidence, in days, as 2192 for six years; 0: no lock", 0)
    evidence_lock_mode: Literal["COMPLIANCE", "GOVERNANCE"] = says(
        "its mode: nobody may shorten COMPLIANCE, whoever has the right may shorten GOVERNANCE", "COMPLIANCE"
    )


@dataclass(frozen=True)
class NodeGroup(Section):
    """A managed node group."""

    name: str = says("name of the node group")
    instance_types: tuple[str, ...] = says("EC2 instance types; equal sizes scale best")
    min_size: int = says("least number of nodes", 2)
    max_size: int = says("largest number of nodes", 10)
    desired_size: int = says("number of nodes at creation; the autoscaler moves it afterwards", 3)
    volume_gib: int = says("size of the encrypted root volume, in GiB", 100)
    ami_type: Literal["AL2023_x86_64_STANDARD", "AL2023_ARM_64_STANDARD"] = says(
        "machine image of the nodes, by EKS's own name", "AL2023_x86_64_STANDARD"
    )


@dataclass(frozen=True)
class Cluster(Section):
    """The EKS cluster."""

    name: str = says("name of the cluster")
    version: str = says("Kubernetes minor version, in standard support on the day of the run")
    node_groups: tuple[NodeGroup, ...] = says("managed node groups, all in the private subnets")
    service_cidr: str = says("range of Kubernetes services, outside the VPC's", "172.20.0.0/16")
    workload_identity: Literal["pod-identity", "irsa"] = says("how service accounts get roles", "pod-identity")
    control_plane_egress: Literal["customer-routed", "aws-managed"] = says(
        "whose network the API server's own calls take; customer-routed is a one-way choice", "customer-routed"
    )
    addon_versions: dict[str, str] = says(
        "versions of add-ons that differ from EKS's default, by the add-on's name", factory=dict
    )
    operations_host_type: str = says("EC2 instance type of the operations host", "t3.small")


@dataclass(frozen=True)
class Data(Section):
    """Databases and caches."""

    postgres_name: str = says("identifier of the RDS instance")
    table: str = says("name of the DynamoDB table")
    database: str = says("name of the PostgreSQL database", "app")
    postgres_version: str = says("major version of PostgreSQL", "18")
    postgres_class: str = says("RDS instance class", "db.r6g.large")
    postgres_gib: int = says("allocated storage, in GiB", 100)
    embeddings_table: str = says("name of the PostgreSQL table with the vectors", "embeddings")
    embedding_dimensions: int = says("N of vector(N) in the embeddings table, as the embedding model gives", 1024)
    ivfflat_lists: int = says("lists of the ivfflat index", 100)
    cache_engine: Literal["valkey", "redis"] = says("engine of the ElastiCache replication group", "valkey")
    cache_node_type: str = says("node type of the cache", "cache.r7g.large")
    backup_days: int = says("retention of automated backups, in days", 35)
    recovery_point_minutes: int = says("what may be lost at most: minutes from what can be restored to now", 60)
    drill_days: int = says("days after which a restore and a failover must have been tried again", 365)
    rds_authorities: Optional[str] = says(
        "AWS's root certificates for RDS in the Region, in PEM; none: those that are carried in", None
    )


@dataclass(frozen=True)
class FurtherSecret(Section):
    """A further secret of the application: made empty, filled by those who know its value."""

    name: str = says("its name in Secrets Manager, as fintech/prod/payments")
    external_secret: str = says("name of its ExternalSecret, and of the Kubernetes Secret, whose key 'value' it is")
    purpose: str = says("what it is for, in a few words; its description in Secrets Manager")
    namespaces: tuple[str, ...] = says("namespaces whose pods have it; empty: it is in no cluster", ("application",))
    readers: tuple[str, ...] = says("names of the roles that read it beside the operator that mirrors it", ())
    rotated_by: Optional[str] = says("ARN of the function that renews it; none: those who know it do", None)
    renewal_days: int = says("days after which its value must have been renewed", 90)


@dataclass(frozen=True)
class Secrets(Section):
    """Secrets, by their Secrets Manager names; a value is never a parameter."""

    database: str = says("name of the application user's secret in Secrets Manager")
    rotation_days: int = says("rotation interval, in days", 30)
    store: str = says("name of External Secrets' ClusterSecretStore", "aws-secrets-manager")
    external_secret: str = says("name of the ExternalSecret, and of the Kubernetes Secret it owns", "db-credentials")
    refresh: str = says("interval at which External Secrets reads the secret again, as 1h", "1h")
    further: tuple[FurtherSecret, ...] = says("further secrets, each with who reads it and where it is mirrored", ())


@dataclass(frozen=True)
class Edge(Section):
    """The application load balancer, its certificate and web ACL."""

    domain: str = says("DNS name of the application")
    certificate_arn: Optional[str] = says("an issued ACM certificate to use; none: request one", None)
    target_port: int = says("port of the application's pods, the one that the load balancer sends to", 8080)
    health_path: str = says("path that the load balancer asks for a pod's health", "/healthz")
    rate_limit: int = says("requests from one address in five minutes before WAF blocks", 2000)
    clients: tuple[str, ...] = says(
        "ranges that may reach the load balancer; empty: everybody where it is public, else network.on_premises_cidrs",
        (),
    )
    tls_policy: str = says(
        "TLS policy of the HTTPS listener, by Elastic Load Balancing's own name: TLS 1.3, and 1.2 at the least",
        "ELBSecurityPolicy-TLS13-1-2-Res-2021-06",
    )


@dataclass(frozen=True)
class Ai(Section):
    """Bedrock and Transcribe."""

    models: tuple[str, ...] = says("foundation model ids that may be invoked")
    embedding_model: str = says("foundation model id of the embeddings")
    inference_regions: tuple[str, ...] = says("Regions that a cross-Region inference profile may use; empty: none", ())
    filter_strength: Literal["LOW", "MEDIUM", "HIGH"] = says(
        "how strongly the guardrail's content filters work", "HIGH"
    )
    blocked: tuple[str, ...] = says(
        "personal information that the guardrail stops, by Bedrock's own names",
        ("AWS_ACCESS_KEY", "AWS_SECRET_KEY", "CREDIT_DEBIT_CARD_CVV", "CREDIT_DEBIT_CARD_NUMBER", "PASSWORD", "PIN"),
    )
    masked: tuple[str, ...] = says(
        "personal information that the guardrail masks, by Bedrock's own names",
        ("EMAIL", "PHONE", "US_BANK_ACCOUNT_NUMBER", "US_SOCIAL_SECURITY_NUMBER"),
    )


@dataclass(frozen=True)
class Signer(Section):
    """Whoever signs images or charts, by an approved public key."""

    name: str = says("who signs, as reports name them")
    images: tuple[str, ...] = says("where what they sign comes from, as registry.k8s.io/*; * stands for any text")
    key: str = says("public key of the signatures, in PEM: cosign's cosign.pub; P-256, Ed25519, or RSA of 2048 bits")


@dataclass(frozen=True)
class Images(Section):
    """What is mirrored into the environment's registry; images follow from the charts, which are rendered."""

    charts: dict[str, str] = says(
        "where the chart of each controller comes from, by component, as registry/repository:version", factory=dict
    )
    extra: tuple[str, ...] = says("images that no chart names: registry/repository:tag", ())
    application: Optional[str] = says(
        "image of the application's release, as registry/repository:tag; its chart stands under charts; none: "
        "another pipeline brings the application",
        None,
    )
    signers: tuple[Signer, ...] = says("approved keys; none: signatures are carried and no signer is judged", ())


@dataclass(frozen=True)
class Pipeline(Section):
    """How images and releases get in."""

    variant: Literal["ssm-runner", "codepipeline", "ghes"] = says("which CI reaches the inside", "ssm-runner")
    runner_type: str = says("EC2 instance type of the runner host", "t3.medium")
    runner_image: Optional[str] = says(
        "machine image of the runner host, with helm and kubectl in it; none: AWS's newest Amazon Linux 2023", None
    )
    build_image: str = says(
        "image of CodeBuild's containers, with helm and kubectl in it", "aws/codebuild/amazonlinux-x86_64-standard:5.0"
    )
    tools: dict[str, str] = says(
        "helm and kubectl where the image has none: SHA-256 of each, kept as tools/SHA256 in the artefact bucket",
        factory=dict,
    )


@dataclass(frozen=True)
class Waiver(Section):
    """A waiver of one property on one resource; it expires."""

    property: str = says("id of the waived property, as NET-14")
    resource: str = says("logical key of the resource that it covers, or * for all")
    owner: str = says("person who answers for the risk")
    approver: str = says("person who accepted the risk")
    reason: str = says("why the property does not hold")
    compensating_control: str = says("what limits the risk meanwhile")
    ticket: str = says("change or risk ticket")
    created: str = says("date of approval, YYYY-MM-DD")
    expires: str = says("last day on which it holds, YYYY-MM-DD")


@dataclass(frozen=True)
class MappingReview(Section):
    """What a reviewer of the institution said of one mapping from a property to a requirement, in one version of it."""

    framework: str = says("id of the framework, as sp800-53")
    requirement: str = says("id of the requirement in it, as AC-4")
    property: str = says("id of the property, as NET-03")
    mapping: str = says("version of the mapping that was reviewed, 12 hex digits as its framework's report shows them")
    decision: Literal["accepted", "rejected", "changed"] = says(
        "accepted as it is, rejected: supports nothing, or changed: holds for the reason that the note gives"
    )
    reviewer: str = says("person who reviewed it")
    date: str = says("day of the review, YYYY-MM-DD")
    note: str = says("why; needed for rejected and changed", "")


@dataclass(frozen=True)
class Recovery(Section):
    """How soon something must be back after it was lost, and how much of it may be lost."""

    of: str = says("logical key, kind, or * for everything else, as db-instance:postgres; the nearest counts")
    rto: str = says("recovery time objective, as 4h")
    rpo: str = says("recovery point objective, as 5m; 0m: nothing may be lost, or it is made again from the params")


@dataclass(frozen=True)
class Intent(Section):
    """One environment as declared; ``params/<environment>.yaml``."""

    environment: str = says("name of the environment, the params file's own name")
    world: Literal["rehearsal", "lab", "aws"] = says("where it runs; stated on every page of every report")
    account: str = says("12-digit AWS account id, quoted")
    region: str = says("AWS Region")
    network: Network = says("address plan")
    components: tuple[str, ...] = says("what runs in the environment; the endpoints are derived from it")
    cluster: Cluster = says("the EKS cluster")
    data: Data = says("databases and caches")
    secrets: Secrets = says("secrets, by name")
    edge: Edge = says("load balancer, certificate, web ACL")
    ai: Ai = says("Bedrock and Transcribe")
    images: Images = says("what is mirrored into the environment's registry", factory=Images)
    pipeline: Pipeline = says("delivery pipeline", factory=Pipeline)
    partition: Literal["aws", "aws-us-gov", "aws-cn"] = says("AWS partition", "aws")
    prefix: str = says("prefix of all names", "fintech")
    owner: str = says("team that owns the environment, written to tags", "platform")
    classification: str = says("data classification, written to tags", "confidential")
    approval: Literal["auto", "digest", "four-eyes"] = says(
        "what an apply needs: nothing, a plan's digest, or a second person", "digest"
    )
    organization: Optional[str] = says("AWS Organizations id, as o-a1b2c3d4e5; none: policies name the account", None)
    exclusive_account: bool = says("the account holds nothing else, so account-wide switches may be set", False)
    retain: Literal["none", "snapshots"] = says("what destroy keeps", "none")
    accounts_in_scope: tuple[str, ...] = says("accounts that the statement speaks of; empty: the account", ())
    regions_in_scope: tuple[str, ...] = says("Regions that the statement speaks of; empty: the Region", ())
    identity: Identity = says("roles and keys", factory=Identity)
    endpoints: Endpoints = says("VPC endpoints", factory=Endpoints)
    logs: Logs = says("retention", factory=Logs)
    adopt: dict[str, str] = says(
        "resources that exist already: logical key -> id; verified, never changed", factory=dict
    )
    recovery: tuple[Recovery, ...] = says("recovery objectives; none: the institution's own register has them", ())
    exceptions: tuple[Waiver, ...] = says("register of exceptions", ())
    reviews: tuple[MappingReview, ...] = says("reviews of mappings to requirements; without one each is proposed", ())

    @property
    def embedded(self) -> bool:
        """Whether AWS's API is the embedded one, as in the worlds rehearsal and lab."""
        return self.world != "aws"

    def arn(self, service: str, resource: str, *, region: Optional[str] = None, account: Optional[str] = None) -> str:
        """Return an ARN in this partition; Region and account default to the environment's own ('' leaves them out)."""
        where = self.region if region is None else region
        who = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{where}:{who}:{resource}"

    def name(self, suffix: str) -> str:
        """Return a resource name: prefix and suffix joined by a dash."""
        return f"{self.prefix}-{suffix}"

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts in scope."""
        return self.accounts_in_scope or (self.account,)

    @property
    def regions(self) -> tuple[str, ...]:
        """The Regions in scope."""
        return self.regions_in_scope or (self.region,)

    @property
    def zones(self) -> tuple[str, ...]:
        """The availability zones of the sealed subnets, sorted, each once."""
        return tuple(sorted({subnet.zone for subnet in self.network.private_subnets}))

    @property
    def tags(self) -> dict[str, str]:
        """The tags that every taggable resource carries, beside its own ``airgap:key`` and ``Name``."""
        return {
            "airgap:environment": self.environment,
            "airgap:owner": self.owner,
            "airgap:classification": self.classification,
        }


def encode(intent: Intent) -> dict[str, Any]:
    """Return an intent as JSON data, every field present."""
    return dataclasses.asdict(intent)


def decode(data: Any, kind: Any = Intent) -> Any:
    """Return the intent (or a section of it) that ``encode`` gave; raises ``TypeError`` on data of another shape."""
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        types: dict[str, Any] = get_type_hints(kind)
        strange = sorted(set(data) - {item.name for item in dataclasses.fields(kind)})
        if strange:
            raise TypeError(f"{kind.__name__} has no field {strange[0]!r}")
        build: Any = kind
        return build(**{name: decode(value, types[name]) for name, value in data.items()})
    if getattr(kind, "__origin__", None) is tuple:
        return tuple(decode(item, kind.__args__[0]) for item in data)
    return data
