"""Major versions of RDS's engines, with the days on which their support begins and ends.

The days are those of the release calendar of RDS for PostgreSQL, second-hand (November 2026); a runbook reads them when
it runs. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBMajorEngineVersions.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.wire import Call

STANDARD, EXTENDED = "open-source-rds-standard-support", "open-source-rds-extended-support"
# Major version of PostgreSQL: the year of its release on RDS; each is supported for five years and then for three more.
MAJOR_VERSIONS = {"13": 2021, "14": 2022, "15": 2023, "16": 2024, "17": 2025, "18": 2026}


@answers("rds", "DescribeDBMajorEngineVersions")
def describe(call: Call) -> dict[str, Any]:
    """Return the major versions of PostgreSQL; of other engines the rehearsal has none."""
    engine, version = call.get("Engine", "postgres"), call.get("MajorEngineVersion", "")
    found = [one for one in MAJOR_VERSIONS if version in ("", one)] if engine == "postgres" else []
    return {"DBMajorEngineVersions": [_version(engine, one) for one in found]}


def _version(engine: str, major: str) -> dict[str, Any]:
    begun, ended, late = (datetime(MAJOR_VERSIONS[major] + years, 2, 28, tzinfo=UTC) for years in (0, 5, 8))
    cycles = [(STANDARD, begun, ended), (EXTENDED, ended, late)]
    lifecycles = [
        {"LifecycleSupportName": name, "LifecycleSupportStartDate": since, "LifecycleSupportEndDate": until}
        for name, since, until in cycles
    ]
    return {"Engine": engine, "MajorEngineVersion": major, "SupportedEngineLifecycles": lifecycles}
