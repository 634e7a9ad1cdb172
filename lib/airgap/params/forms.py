"""The allowed form of every single value, as a table: ``params/schema.json`` shows it and ``check`` holds it.

Limits are those of the AWS API models (botocore) unless a line says otherwise.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

from airgap.model import signatures

RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653
)  # fmt: skip
"""Days that CloudWatch Logs accepts as retention (PutRetentionPolicy)."""


@dataclass(frozen=True)
class Form:
    """What one value may be: a pattern (of the whole text), a range, a list of choices, or a test beyond them.

    ``noun`` completes "is not ...", ``allowed`` completes "allowed: ..."; ``mend`` guesses what was meant.
    """

    noun: str
    allowed: str
    pattern: str = ""
    least: int | None = None
    most: int | None = None
    choices: tuple[int, ...] = ()
    test: Callable[[str], bool] | None = None
    mend: Callable[[str], str] | None = None

    def accepts(self, value: str | int) -> bool:
        """Tell whether a value of the right type has this form."""
        if isinstance(value, int):
            low, high = self.least, self.most
            return (low is None or value >= low) and (high is None or value <= high) and self._chosen(value)
        if self.pattern and not re.fullmatch(self.pattern, value):
            return False
        return self.test is None or self.test(value)

    def _chosen(self, value: int) -> bool:
        return not self.choices or value in self.choices


def _range(noun: str, least: int, most: int) -> Form:
    return Form(noun, f"{least} to {most}", least=least, most=most)


def _cidr(shortest: int, longest: int) -> Form:
    """Return the form of an IPv4 range whose host bits are zero and whose prefix length lies in the bounds."""

    def is_range(text: str) -> bool:
        try:
            return shortest <= ipaddress.IPv4Network(text).prefixlen <= longest
        except ValueError:
            return False

    allowed = f"ADDRESS/LENGTH, host bits zero, length {shortest} to {longest}"
    return Form("an IPv4 range", allowed, r"[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}", test=is_range, mend=_network)


def _network(text: str) -> str:
    """Return the network that an address with host bits lies in, or an empty text."""
    try:
        network = str(ipaddress.IPv4Network(text, strict=False))
    except ValueError:
        return ""
    return network if network != text else ""


def _is_date(text: str) -> bool:
    try:
        return dt.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _is_public_key(text: str) -> bool:
    try:
        return bool(signatures.public_key(text))
    except ValueError:
        return False


def _at_most(length: int) -> Callable[[str], bool]:
    return lambda text: len(text) <= length


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_REGION = r"[a-z]{2,4}(-[a-z]{2,4})?-((north|south)(east|west)?|east|west|central)-[1-9]"
_ARN = r"arn:aws(-[a-z]+)*:"

ACCOUNT = Form(
    "an account id",
    "12 digits in quotes",
    r"[0-9]{12}",
    mend=lambda text: text.zfill(12) if re.fullmatch(r"[0-9]{9,11}", text) else "",
)
REGION = Form("a Region", "a name as us-east-1 or us-gov-west-1", _REGION)
RETENTION = Form(
    "a retention that CloudWatch Logs accepts", ", ".join(str(days) for days in RETENTION_DAYS), choices=RETENTION_DAYS
)
ENDPOINT = Form(
    "an endpoint service",
    "the last part of its name, as xray or ecr.api",
    r"[a-z0-9][a-z0-9-]{0,62}(\.[a-z0-9][a-z0-9-]{0,62})?",
    test=lambda text: not text.startswith("com."),
    mend=lambda text: re.sub(r"^com\.amazonaws\.(" + _REGION + r"\.)?", "", text),
)
MODEL = Form(
    "a foundation model id",
    "PROVIDER.MODEL, as amazon.nova-pro-v1:0",
    r"[a-z0-9-]+\.[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9a-z-]+){0,2}",
)
INFORMATION = Form(
    "a sort of personal information", "Bedrock's own name of it, as EMAIL or CREDIT_DEBIT_CARD_CVV", r"[A-Z][A-Z0-9_]+"
)
DATE = Form("a date", "YYYY-MM-DD", r"[0-9]{4}-[0-9]{2}-[0-9]{2}", test=_is_date)
TAG = Form(
    "a tag value",
    "1 to 64 letters, digits, spaces and _ . : / = + - @",
    r"[A-Za-z0-9_.:/=+@-]([A-Za-z0-9 _.:/=+@-]{0,62}[A-Za-z0-9_.:/=+@-])?",
)
PROPERTY = Form("a property id", "three letters and two digits, as NET-14", r"[A-Z]{3}-[0-9]{2}")
SENTENCE = Form("a text", "1 to 500 characters, not only spaces", r"[\s\S]*\S[\s\S]*", test=_at_most(500))

PRINCIPAL = Form(
    "a principal's ARN",
    "the ARN of one role, user or account root, no *",
    _ARN + r"iam::[0-9]{12}:(root|(role|user)/[A-Za-z0-9_+=,.@/-]+)",
)
ROLE = Form("a role name", "1 to 64 letters, digits and _ + = , . @ -", r"[A-Za-z0-9_+=,.@-]{1,64}")
INSTANCE_TYPE = Form("an instance type", "FAMILY.SIZE, as m6i.xlarge", r"[a-z][a-z0-9-]*\.[a-z0-9-]+")

IMAGE = Form(
    "an image or chart in a registry",
    "registry/repository:tag, with @sha256:... where the tag is not enough",
    r"[a-z0-9.-]+\.[a-z0-9-]+(:[0-9]{1,5})?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"
    r"(@sha256:[0-9a-f]{64})?",
    mend=lambda text: text.removeprefix("oci://") if text.startswith("oci://") else "",
)

OBJECTIVE = Form("an objective", "a number and d, h or m, as 4h", r"(0|[1-9][0-9]{0,4})[dhm]")
SECRET = Form(
    "a secret's name",
    "1 to 255 letters, digits and / _ + = . @ -",
    r"[A-Za-z0-9/_+=.@-]{1,255}",
    mend=lambda text: "".join(re.findall(r":secret:(.+)-[A-Za-z0-9]{6}$", text)),
)
FORMS: dict[str, Form] = {
    "Intent.environment": Form(
        "a name",
        "2 to 32 lower-case letters, digits and dashes, beginning with a letter",
        r"[a-z][a-z0-9-]{0,30}[a-z0-9]",
    ),
    "Intent.account": ACCOUNT,
    "Intent.accounts_in_scope": ACCOUNT,
    "Intent.region": REGION,
    "Intent.regions_in_scope": REGION,
    "Intent.prefix": Form(
        "a prefix",
        "2 to 16 lower-case letters, digits and dashes, beginning with a letter",
        r"[a-z][a-z0-9-]{0,14}[a-z0-9]",
    ),
    "Intent.owner": TAG,
    "Intent.classification": TAG,
    "Intent.organization": Form(
        "an organization id", "o- and 10 to 32 lower-case letters and digits", r"o-[a-z0-9]{10,32}"
    ),
    "Network.vpc_cidr": _cidr(16, 28),
    "Network.on_premises_cidrs": _cidr(8, 32),
    "Network.dns_allow": Form(
        "a domain name",
        "a full name, or *. before one of two labels or more",
        rf"(\*\.)?({_LABEL}\.)+{_LABEL}",
        test=_at_most(253),
    ),
    "Network.flow_log_retention_days": RETENTION,
    "Subnet.cidr": _cidr(16, 28),
    "Subnet.zone": Form("an availability zone", "a Region's name and a letter, as us-east-1a", _REGION + "[a-z]"),
    "Identity.developer_principals": PRINCIPAL,
    "Identity.break_glass_principals": PRINCIPAL,
    "Identity.alarm_listeners": Form(
        "a listener's ARN",
        "the ARN of one topic, function or queue",
        _ARN + r"(sns|lambda|sqs):[a-z0-9-]+:[0-9]{12}:\S+",
    ),
    "Identity.permissions_boundary": Form(
        "a policy's ARN", "the ARN of one managed policy", _ARN + r"iam::([0-9]{12}|aws):policy/[A-Za-z0-9_+=,.@/-]+"
    ),
    "Identity.deploy_role": ROLE,
    "Identity.deployer_role": ROLE,
    "Identity.verifier_role": ROLE,
    "Identity.key_deletion_days": _range("a waiting period of KMS", 7, 30),
    "Endpoints.extra": ENDPOINT,
    "Endpoints.unavailable": ENDPOINT,
    "Logs.retention_days": RETENTION,
    "Logs.evidence_lock_days": _range("a lock period", 0, 36500),
    "NodeGroup.name": Form("a node group name", "1 to 63 letters, digits, - and _", r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}"),
    "NodeGroup.instance_types": INSTANCE_TYPE,
    "Cluster.operations_host_type": INSTANCE_TYPE,
    "NodeGroup.min_size": _range("a number of nodes", 1, 450),
    "NodeGroup.max_size": _range("a number of nodes", 1, 450),
    "NodeGroup.desired_size": _range("a number of nodes", 1, 450),
    "NodeGroup.volume_gib": _range("a volume size in GiB", 20, 16384),
    "Cluster.name": Form("a cluster name", "1 to 63 letters, digits, - and _", r"[0-9A-Za-z][A-Za-z0-9_-]{0,62}"),
    "Cluster.version": Form("a Kubernetes minor version", "1.NN in quotes, as '1.36'", r"1\.[1-9][0-9]"),
    "Cluster.service_cidr": _cidr(12, 24),
    "Data.postgres_name": Form(
        "an RDS identifier",
        "1 to 63 lower-case letters, digits and single dashes, beginning with a letter",
        r"[a-z](-?[a-z0-9])*",
        test=_at_most(63),
    ),
    "Data.table": Form("a table name", "3 to 255 letters, digits and _ . -", r"[A-Za-z0-9_.-]{3,255}"),
    "Data.database": Form(
        "a PostgreSQL database name", "1 to 63 lower-case letters, digits and _", r"[a-z][a-z0-9_]{0,62}"
    ),
    "Data.embeddings_table": Form(
        "a PostgreSQL table name", "1 to 63 lower-case letters, digits and _", r"[a-z_][a-z0-9_]{0,62}"
    ),
    "Data.postgres_version": Form("a major version of PostgreSQL", "14 or later, as '18'", r"1[4-9]|[2-9][0-9]"),
    "Data.postgres_class": Form(
        "an RDS instance class", "db.FAMILY.SIZE, as db.r6g.large", r"db\.[a-z0-9-]+\.[a-z0-9]+"
    ),
    "Data.postgres_gib": _range("a storage size in GiB", 20, 65536),
    "Data.embedding_dimensions": _range("a number of dimensions that ivfflat indexes", 1, 2000),  # pgvector README
    "Data.ivfflat_lists": _range("a number of ivfflat lists", 1, 32768),  # pgvector README
    "Data.cache_node_type": Form(
        "a cache node type", "cache.FAMILY.SIZE, as cache.r7g.large", r"cache\.[a-z0-9-]+\.[a-z0-9]+"
    ),
    "Data.backup_days": _range("a backup retention", 1, 35),
    "Data.recovery_point_minutes": _range("a number of minutes", 6, 1440),
    "Data.drill_days": _range("a number of days", 1, 731),
    "Data.rds_authorities": Form(
        "a bundle of certificates",
        "certificates in PEM, one after the other",
        r"\s*(-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)*",
    ),
    "Secrets.database": SECRET,
    "FurtherSecret.name": SECRET,
    "FurtherSecret.external_secret": Form("a Kubernetes name", "1 to 63 lower-case letters, digits and dashes", _LABEL),
    "FurtherSecret.purpose": SENTENCE,
    "FurtherSecret.namespaces": Form("a namespace", "1 to 63 lower-case letters, digits and dashes", _LABEL),
    "FurtherSecret.readers": ROLE,
    "FurtherSecret.rotated_by": Form(
        "a function's ARN",
        "the ARN of a Lambda function, without a version",
        _ARN + r"lambda:" + _REGION + r":[0-9]{12}:function:[A-Za-z0-9_-]{1,64}",
    ),
    "FurtherSecret.renewal_days": _range("a number of days", 1, 1000),
    "Secrets.rotation_days": _range("a rotation interval", 1, 1000),
    "Secrets.store": Form("a Kubernetes name", "1 to 63 lower-case letters, digits and dashes", _LABEL),
    "Secrets.external_secret": Form("a Kubernetes name", "1 to 63 lower-case letters, digits and dashes", _LABEL),
    "Secrets.refresh": Form("an interval", "a number and h, m or s, as 1h", r"[1-9][0-9]{0,4}[hms]"),
    "Edge.domain": Form(
        "a domain name", "a full name, as app.example.com", rf"({_LABEL}\.)+{_LABEL}", test=_at_most(253)
    ),
    "Edge.certificate_arn": Form(
        "a certificate's ARN",
        "the ARN of an ACM certificate",
        _ARN + r"acm:" + _REGION + r":[0-9]{12}:certificate/[0-9a-f-]{36}",
    ),
    "Edge.rate_limit": _range("a rate limit of WAF", 10, 2_000_000_000),
    "Edge.target_port": _range("a port", 1, 65535),
    "Edge.clients": _cidr(0, 32),
    "Edge.tls_policy": Form(
        "a TLS policy", "a policy of TLS 1.3 and 1.2 alone", r"ELBSecurityPolicy-TLS13-1-[23]-[A-Za-z0-9-]{4,60}"
    ),
    "Edge.health_path": Form("a path", "a path that begins with /", r"/[A-Za-z0-9_.~/-]{0,1023}"),
    "Ai.models": MODEL,
    "Ai.embedding_model": MODEL,
    "Ai.inference_regions": REGION,
    "Ai.blocked": INFORMATION,
    "Ai.masked": INFORMATION,
    "Images.application": IMAGE,
    "Images.extra": IMAGE,
    "Signer.name": TAG,
    "Signer.images": Form(
        "a source of images", "registry/repository without a tag, with * for any text", r"[a-z0-9.*:/_-]{1,255}"
    ),
    "Signer.key": Form(
        "a public key", "PEM, as cosign.pub: P-256, Ed25519, or RSA of 2048 bits at least", test=_is_public_key
    ),
    "Pipeline.runner_type": INSTANCE_TYPE,
    "Pipeline.runner_image": Form("a machine image", "the id of one, as ami-0123456789abcdef0", r"ami-[0-9a-f]{8,17}"),
    "Pipeline.build_image": Form(
        "an image of builds",
        "one of CodeBuild's own, or one of the environment's registry by its digest",
        r"aws/codebuild/[A-Za-z0-9_:.-]+|[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[a-z0-9._/-]+@sha256:[0-9a-f]{64}",
    ),
    "MappingReview.framework": Form("a framework's id", "lower-case letters, digits and dashes", r"[a-z0-9-]{1,40}"),
    "MappingReview.requirement": SENTENCE,
    "MappingReview.property": PROPERTY,
    "MappingReview.mapping": Form("a mapping's version", "12 hex digits, quoted", r"[0-9a-f]{12}"),
    "MappingReview.reviewer": SENTENCE,
    "MappingReview.date": DATE,
    "MappingReview.note": Form("a note", "up to 500 characters", test=_at_most(500)),
    "Recovery.of": Form("a resource", "kind:name, a kind, or *", r"\*|[a-z0-9-]+(:\S+)?"),
    "Recovery.rto": OBJECTIVE,
    "Recovery.rpo": OBJECTIVE,
    "Waiver.property": PROPERTY,
    "Waiver.resource": Form(
        "a logical key", "KIND:NAME of one resource, or * for all", r"\*|[a-z][a-z0-9-]*:\S{1,200}"
    ),
    "Waiver.owner": SENTENCE,
    "Waiver.approver": SENTENCE,
    "Waiver.reason": SENTENCE,
    "Waiver.compensating_control": SENTENCE,
    "Waiver.ticket": SENTENCE,
    "Waiver.created": DATE,
    "Waiver.expires": DATE,
}
"""Form of each field that is a text or a number, by class and field; of a list, the form of each item."""
