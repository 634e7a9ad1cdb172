"""Versions of Kubernetes that EKS offers, with the ends of their support.

Dates of 1.31 to 1.35 follow the AWS calendar (second-hand, November 2026), later ones are estimates; read them when
it matters.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call

# version: (released, end of standard support, end of extended support)
VERSIONS = {
    "1.31": ("2024-09-26", "2025-11-26", "2026-11-26"),
    "1.32": ("2025-01-23", "2026-03-23", "2027-03-23"),
    "1.33": ("2025-05-29", "2026-07-29", "2027-07-29"),
    "1.34": ("2025-10-02", "2026-12-02", "2027-12-02"),
    "1.35": ("2026-01-27", "2027-03-27", "2028-03-27"),
    "1.36": ("2026-06-01", "2027-08-01", "2028-08-01"),
    "1.37": ("2026-10-01", "2027-12-01", "2028-12-01"),
}
DEFAULT_VERSION = "1.36"
PLATFORM = "eks.1"


def minor(version: str) -> int:
    """Return the minor number of a version such as ``1.36``."""
    return int(version.split(".")[1])


def today() -> str:
    """Return the date of the rehearsal's clock, in UTC."""
    return datetime.now(UTC).date().isoformat()


def support(version: str, day: str) -> str:
    """Return the state of a version's support on a day."""
    _, standard, extended = VERSIONS[version]
    if day <= standard:
        return "standard-support"
    return "extended-support" if day <= extended else "unsupported"


def offered(version: str) -> bool:
    """Say whether a new cluster can have a version today."""
    return version in VERSIONS and support(version, today()) != "unsupported"


@answers("eks", "DescribeClusterVersions")
def describe_versions(call: Call) -> dict[str, Any]:
    """Return the versions, newest first, with their state of today."""
    return {"clusterVersions": [x for x in map(_described, sorted(VERSIONS, reverse=True)) if _asked(call, x)]}


def _described(version: str) -> dict[str, Any]:
    released, standard, extended = VERSIONS[version]
    status = support(version, today())
    return {
        "clusterVersion": version,
        "clusterType": "eks",
        "defaultPlatformVersion": PLATFORM,
        "defaultVersion": version == DEFAULT_VERSION,
        "releaseDate": f"{released}T00:00:00Z",
        "endOfStandardSupportDate": f"{standard}T00:00:00Z",
        "endOfExtendedSupportDate": f"{extended}T00:00:00Z",
        "status": status,
        "versionStatus": status.upper().replace("-", "_"),
        "kubernetesPatchVersion": f"{version}.0",
    }


def _asked(call: Call, version: dict[str, Any]) -> bool:
    if call.get("defaultOnly") and not version["defaultVersion"]:
        return False
    if call.get("clusterVersions") and version["clusterVersion"] not in call.get("clusterVersions"):
        return False
    statuses = {call.get("status"), call.get("versionStatus")} - {None}
    return not statuses or bool(statuses & {version["status"], version["versionStatus"]})
