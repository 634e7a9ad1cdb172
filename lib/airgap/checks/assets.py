"""What an inventory says of an asset beside what it is: where it stands, how long it is supported, how soon it is back.

Support: what AWS's own calls say of versions. Objectives: the params. An asset without a version of its own is kept up
by AWS. AWS: RDS API Reference, "DescribeDBMajorEngineVersions"; EKS API Reference, "DescribeClusterVersions".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from airgap.checks import inventory
from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.scope import Item, every, label
from airgap.model.estate import Estate
from airgap.model.intent import Intent, Recovery

DATABASES, ENGINES = "rds:DescribeDBInstances", "rds:DescribeDBMajorEngineVersions"
CLUSTER, CLUSTER_VERSIONS = "eks:DescribeCluster", "eks:DescribeClusterVersions"
SUPPORT_READS = (DATABASES, ENGINES, CLUSTER, CLUSTER_VERSIONS)
STANDARD = "open-source-rds-standard-support"


def objective(key: str, intent: Intent) -> Optional[Recovery]:
    """Return the recovery objective that is nearest to a logical key: its own, its kind's, everybody's."""
    by_name = {one.of: one for one in intent.recovery}
    return by_name.get(key) or by_name.get(key.partition(":")[0]) or by_name.get("*")


def region_of(arn: str, intent: Intent) -> str:
    """Return where an ARN says that something stands; what has no Region of its own belongs to the partition."""
    parts = arn.split(":", 5)
    bucket = len(parts) == 6 and parts[2] == "s3"
    return (parts[3] if len(parts) == 6 else "") or (intent.region if bucket else intent.partition)


def database_end(database: Item, estate: Estate) -> str:
    """Return the last day of a database's standard support, empty where AWS names none."""
    for one in every(estate, ENGINES, "DBMajorEngineVersions"):
        version = str(database.get("EngineVersion", ""))
        own = one.get("Engine") == database.get("Engine") and version.partition(".")[0] == one.get("MajorEngineVersion")
        for cycle in one.get("SupportedEngineLifecycles") or [] if own else []:
            if cycle.get("LifecycleSupportName") == STANDARD:
                return str(cycle.get("LifecycleSupportEndDate", ""))[:10]
    return ""


def cluster_end(version: str, estate: Estate) -> str:
    """Return the last day of a Kubernetes version's standard support, empty where EKS names none."""
    for one in every(estate, CLUSTER_VERSIONS, "clusterVersions"):
        if one.get("clusterVersion") == version:
            return str(one.get("endOfStandardSupportDate", ""))[:10]
    return ""


def ends(intent: Intent, estate: Estate) -> dict[str, str]:
    """Return the last day of support of what has a version of its own, by logical key."""
    found = {label(one, "DBInstanceIdentifier"): database_end(one, estate) for one in _databases(estate)}
    for _, body in estate.pages(CLUSTER):
        cluster = body.get("cluster") or {}
        if cluster.get("name") == intent.cluster.name:
            end = cluster_end(str(cluster.get("version")), estate)
            found.update(dict.fromkeys(("eks-cluster:main", *_followers(intent)), end))
    return found


def _followers(intent: Intent) -> list[str]:
    """Nodes run the cluster's version: it ends for them on the same day."""
    return [f"node-group:{one.name}" for one in intent.cluster.node_groups]


def _databases(estate: Estate) -> list[Item]:
    return estate.items(DATABASES, "DBInstances")


def _supported(intent: Intent, estate: Estate) -> Population:
    found = [(label(one, "DBInstanceIdentifier"), one) for one in _databases(estate)]
    if not found:
        raise NotApplicable("no database stands here whose support could end")
    return found


@check(
    "inventory-supported",
    "The database's major version is in standard support, until a day that AWS names",
    severity="medium",
    properties=("INV-01",),
    reads=(DATABASES, ENGINES),
    remedy="plan the upgrade to a supported major version before that day",
    over=_supported,
)
def supported(database: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that standard support has ended; a version of which AWS names no end is undecided."""
    end = database_end(database, estate)
    version = f"{database.get('Engine')} {database.get('EngineVersion')}"
    if not end:
        raise Undecided(f"{ENGINES} names no end of standard support for {version}")
    if end < estate.taken_at[:10]:
        yield f"standard support of {version} ended on {end}"


def _kinds(intent: Intent, estate: Estate) -> Population:
    """The logical keys of each tagged kind that is declared."""
    if not intent.recovery:
        raise NotApplicable("the params declare no recovery objectives: the institution's own register has them")
    return [(kind, sorted(keys)) for kind, keys in sorted(inventory.assets(estate, adopted=True).items())]


@check(
    "inventory-recoverable",
    "Every resource of this kind has a recovery objective",
    severity="medium",
    properties=("INV-01",),
    reads=(),
    remedy="name the resource, its kind, or * under recovery in the params",
    over=_kinds,
)
def recoverable(keys: list[str], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each resource that no objective is for."""
    yield from (f"{key} has no recovery objective" for key in keys if objective(key, intent) is None)


CHECKS = (supported, recoverable)
