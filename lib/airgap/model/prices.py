"""List prices in us-east-1 and sizes of instance types, as a dated table: an estimate, never an offer.

Prices: public AWS price lists, on-demand, Linux, US dollars, as known on the date below; those of endpoints, NAT
gateways, addresses, clusters and database storage were compared with tables that others published up to June 2026.
Other Regions cost more or less; taxes, discounts and what is billed by use (requests, traffic, logs) are not in it.
The AWS Pricing Calculator has the price of the day. Sizes: EC2 User Guide,
"Maximum IP addresses per network interface" and "Instance type specifications".
"""

from __future__ import annotations

from typing import NamedTuple, Optional

AS_OF = "2025-06-30"
REGION = "us-east-1"
SOURCE = "public AWS list prices, on-demand"
ESTIMATE = f"an estimate by {SOURCE}, {REGION}, as known on {AS_OF}"
"""What every sum of these prices is: said wherever one is shown."""
HOURS = 730
"""Hours of a month, as AWS's own calculator counts them."""


class Size(NamedTuple):
    """What one instance type has: vCPUs, network interfaces, and IPv4 addresses of each interface."""

    vcpus: int
    interfaces: int
    addresses: int


_GENERAL = {
    "large": Size(2, 3, 10),
    "xlarge": Size(4, 4, 15),
    "2xlarge": Size(8, 4, 15),
    "4xlarge": Size(16, 8, 30),
    "8xlarge": Size(32, 8, 30),
    "12xlarge": Size(48, 8, 30),
    "16xlarge": Size(64, 15, 50),
}
_BURSTABLE = {
    "micro": Size(2, 2, 2),
    "small": Size(2, 3, 4),
    "medium": Size(2, 3, 6),
    "large": Size(2, 3, 12),
    "xlarge": Size(4, 4, 15),
    "2xlarge": Size(8, 4, 15),
}
_FAMILIES = {
    **dict.fromkeys(("m5", "m6i", "m6a", "m6g", "m7i", "m7a", "m7g", "c5", "c6i", "c6g", "c7i", "c7g"), _GENERAL),
    **dict.fromkeys(("r5", "r6i", "r6g", "r7i", "r7g"), _GENERAL),
    **dict.fromkeys(("t3", "t3a", "t4g"), _BURSTABLE),
}

# US dollars an hour; instance types by the price of their family's large, which doubles with every size.
_LARGE = {
    "m5": 0.096, "m6i": 0.096, "m6a": 0.0864, "m6g": 0.077, "m7i": 0.1008, "m7g": 0.0816,
    "c5": 0.085, "c6i": 0.085, "c6g": 0.068, "c7i": 0.08925, "c7g": 0.0725,
    "r5": 0.126, "r6i": 0.126, "r6g": 0.1008, "r7i": 0.1323, "r7g": 0.1071,
    "t3": 0.0832, "t3a": 0.0752, "t4g": 0.0672,
    "db.r6g": 0.225, "db.r6i": 0.25, "db.r7g": 0.239, "db.m6g": 0.159, "db.m7g": 0.168, "db.t4g": 0.129,
    "cache.r7g": 0.219, "cache.r6g": 0.206, "cache.m7g": 0.158, "cache.m6g": 0.149, "cache.t4g": 0.13,
}  # fmt: skip
_TIMES = {"micro": 0.125, "small": 0.25, "medium": 0.5, "large": 1, "xlarge": 2, "2xlarge": 4, "4xlarge": 8,
          "8xlarge": 16, "12xlarge": 24, "16xlarge": 32}  # fmt: skip

HOURLY = {
    "interface endpoint": 0.01,
    "nat gateway": 0.045,
    "public address": 0.005,
    "cluster": 0.10,
    "load balancer": 0.0225,
}
MONTHLY = {
    "gp3 GiB": 0.08,
    "database gp3 GiB, two zones": 0.23,
    "key": 1.00,
    "secret": 0.40,
    "web ACL": 5.00,
    "web ACL rule": 1.00,
}


def size(instance_type: str) -> Optional[Size]:
    """Return what an instance type has, or None for one that is not in the table."""
    family, _, name = instance_type.partition(".")
    return _FAMILIES.get(family, {}).get(name)


def hourly(kind: str) -> Optional[float]:
    """Return the price of an instance type (``m6i.xlarge``, ``db.r6g.large``), or None when it is not in the table."""
    family, _, name = kind.rpartition(".")
    large, times = _LARGE.get(family), _TIMES.get(name)
    return None if large is None or times is None else large * times
