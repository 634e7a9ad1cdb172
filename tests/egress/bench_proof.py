"""The proof's speed on synthetic estates of 500, 5,000 and 50,000 interfaces; ``python tests/egress/bench_proof.py``.

Each VPC has 20 subnets of 50 interfaces; each table 8 routes, each network ACL 20 entries, each group 4 rules.
"""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from typing import Any

from networks import ACCOUNT, answers

from airgap.egress.boundary import Boundary
from airgap.egress.certificate import certificate
from airgap.egress.checker import Checker
from airgap.egress.facts import Facts
from airgap.egress.network import Network
from airgap.egress.verdict import prove

SUBNETS, INTERFACES = 20, 50


def estate(interfaces: int, leaky: bool) -> dict[str, list[dict[str, Any]]]:
    """Return an estate of this many interfaces; in a leaky one every other subnet has a default route out."""
    kinds = ("Vpcs", "Subnets", "RouteTables", "NetworkAcls", "SecurityGroups", "NetworkInterfaces")
    held: dict[str, list[dict[str, Any]]] = {kind: [] for kind in kinds}
    for number in range(max(1, interfaces // (SUBNETS * INTERFACES))):
        _vpc(held, number, leaky, min(INTERFACES, interfaces // SUBNETS))
    return held


def _vpc(held: dict[str, list[dict[str, Any]]], number: int, leaky: bool, each: int) -> None:
    vpc, block = f"vpc-{number}", f"10.{number % 256}"
    held["Vpcs"].append({"VpcId": vpc, "CidrBlock": f"{block}.0.0/16", "OwnerId": ACCOUNT})
    for at in range(SUBNETS):
        name = f"{number}-{at}"
        held["Subnets"].append({"SubnetId": f"subnet-{name}", "VpcId": vpc, "CidrBlock": f"{block}.{at}.0/24",
                                "OwnerId": ACCOUNT})  # fmt: skip
        routes = [{"DestinationCidrBlock": f"{block}.0.0/16", "GatewayId": "local", "State": "active"}]
        routes += [{"DestinationCidrBlock": f"172.{16 + one}.0.0/16", "TransitGatewayId": "tgw-1", "State": "blackhole"}
                   for one in range(6)]  # fmt: skip
        out = leaky and at % 2 == 0
        routes += [{"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1",
                    "State": "active" if out else "blackhole"}]  # fmt: skip
        held["RouteTables"].append({"RouteTableId": f"rtb-{name}", "VpcId": vpc, "Routes": routes,
                                    "Associations": [{"SubnetId": f"subnet-{name}"}]})  # fmt: skip
        held["NetworkAcls"].append({"NetworkAclId": f"acl-{name}", "VpcId": vpc, "Entries": _entries(),
                                    "Associations": [{"SubnetId": f"subnet-{name}"}]})  # fmt: skip
        rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
        held["SecurityGroups"].append({"GroupId": f"sg-{name}", "IpPermissionsEgress": [
            {**rule, "IpRanges": [{"CidrIp": f"{block}.{one}.0/24"}]} for one in range(4)]})  # fmt: skip
        held["NetworkInterfaces"] += [
            {"NetworkInterfaceId": f"eni-{name}-{one}", "SubnetId": f"subnet-{name}", "VpcId": vpc, "OwnerId": ACCOUNT,
             "PrivateIpAddress": f"{block}.{at}.{one + 10}", "Groups": [{"GroupId": f"sg-{name}"}]}
            for one in range(each)
        ]  # fmt: skip


def _entries() -> list[dict[str, Any]]:
    denied = [{"Egress": True, "RuleNumber": one, "RuleAction": "deny", "CidrBlock": f"198.51.{one}.0/24",
               "Protocol": "6", "PortRange": {"From": 25, "To": 25}} for one in range(1, 20)]  # fmt: skip
    return [*denied, {"Egress": True, "RuleNumber": 100, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0",
                      "Protocol": "-1"}]  # fmt: skip


def measure(interfaces: int, leaky: bool) -> dict[str, Any]:
    """Return CPU seconds to index and prove, to certify and to check, and the certificate's size in bytes."""
    items = estate(interfaces, leaky)
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    documents = answers(items)
    gc.collect()
    began = time.process_time()
    network = Network(Facts(documents))
    proof = prove(network, Boundary())
    proven = time.process_time()
    written = json.dumps(certificate(network, Boundary(), proof, pages))
    certified = time.process_time()
    problems = Checker(json.loads(written), pages).run()
    return {
        "interfaces": interfaces, "leaky": leaky, "verdict": proof.verdict, "witnesses": len(proof.witnesses),
        "prove_s": round(proven - began, 3), "certify_s": round(certified - proven, 3),
        "check_s": round(time.process_time() - certified, 3), "certificate_bytes": len(written),
        "holds": not problems, "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }  # fmt: skip


def bench(sizes: tuple[int, ...] = (500, 5_000, 50_000)) -> list[dict[str, Any]]:
    """Return the figures of clean and leaky estates of these sizes."""
    return [measure(size, leaky) for size in sizes for leaky in (False, True)]


if __name__ == "__main__":
    for row in bench(tuple(int(one) for one in sys.argv[1:]) or (500, 5_000, 50_000)):
        sys.stdout.write(json.dumps(row) + "\n")
