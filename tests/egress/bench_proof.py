"""The proof's speed on synthetic estates of 500, 5,000 and 50,000 interfaces; ``python tests/egress/bench_proof.py``.

Each VPC has 20 subnets of 50 interfaces; each table 8 routes, each network ACL 20 entries, every 5 interfaces a group
of 20 rules: 5,000 interfaces have 20,000 rules. Seconds are CPU seconds of one process for each row, prover and
checker both from the bytes on disk; memory is the prover's peak. Beside it an SMT solver is asked the same of every
class of subnets (of 200 at most, and its seconds scaled to all).
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from typing import Any

from networks import ACCOUNT, answers
from second_opinion import leaks

from airgap.egress.boundary import Boundary
from airgap.egress.certificate import certificate
from airgap.egress.checker import Checker
from airgap.egress.facts import Facts
from airgap.egress.network import Network
from airgap.egress.verdict import Proof, prove

SUBNETS, INTERFACES, MEMBERS, RULES = 20, 50, 5, 20
MOST = 200
"""Classes of subnets that the solver is asked about."""


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
        held["SecurityGroups"] += [
            {"GroupId": f"sg-{name}-{group}", "IpPermissionsEgress": [
                {**rule, "IpRanges": [{"CidrIp": f"{block}.{one}.0/24"}]} for one in range(RULES)]}
            for group in range(-(-each // MEMBERS))
        ]  # fmt: skip
        held["NetworkInterfaces"] += [
            {"NetworkInterfaceId": f"eni-{name}-{one}", "SubnetId": f"subnet-{name}", "VpcId": vpc, "OwnerId": ACCOUNT,
             "PrivateIpAddress": f"{block}.{at}.{one + 10}", "Groups": [{"GroupId": f"sg-{name}-{one // MEMBERS}"}]}
            for one in range(each)
        ]  # fmt: skip


def _entries() -> list[dict[str, Any]]:
    denied = [{"Egress": True, "RuleNumber": one, "RuleAction": "deny", "CidrBlock": f"198.51.{one}.0/24",
               "Protocol": "6", "PortRange": {"From": 25, "To": 25}} for one in range(1, 20)]  # fmt: skip
    return [*denied, {"Egress": True, "RuleNumber": 100, "RuleAction": "allow", "CidrBlock": "0.0.0.0/0",
                      "Protocol": "-1"}]  # fmt: skip


def measure(interfaces: int, leaky: bool) -> dict[str, Any]:
    """Return seconds to parse and prove, to certify and to check, the certificate's size, and the solver's seconds."""
    items = estate(interfaces, leaky)
    pages = {f"{kind}.json": json.dumps({kind: value}).encode() for kind, value in items.items()}
    gc.collect()
    began = time.process_time()
    network, proof = proved(pages)
    proven = time.process_time()
    written = json.dumps(certificate(network, Boundary(), proof, pages))
    certified = time.process_time()
    problems = Checker(json.loads(written), pages).run()
    checked = time.process_time()
    asked, agree = solver(items, {one.subnet: bool(one.leaks) for one in proof.judged})
    return {
        "interfaces": interfaces, "leaky": leaky, "verdict": proof.verdict, "witnesses": len(proof.witnesses),
        "rules": sum(len(one["IpPermissionsEgress"]) for one in items["SecurityGroups"]),
        "prove_s": round(proven - began, 3), "certify_s": round(certified - proven, 3),
        "check_s": round(checked - certified, 3), "certificate_bytes": len(written),
        "memory_mb": memory(pages), "smt_s": round(asked, 3), "smt_agrees": agree,
        "holds": not problems,
    }  # fmt: skip


def proved(pages: Mapping[str, bytes]) -> tuple[Network, Proof]:
    """Return the proof over pages as they lie on disk, every other call having been answered as empty."""
    items = {kind: found for raw in pages.values() for kind, found in json.loads(raw).items()}
    network = Network(Facts(answers(items)))
    return network, prove(network, Boundary())


def memory(pages: Mapping[str, bytes]) -> int:
    """Return the MiB that proving holds at its peak, the parsed pages included."""
    tracemalloc.start()
    proved(pages)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak >> 20


def solver(items: dict[str, list[dict[str, Any]]], leaking: dict[str, bool]) -> tuple[float, bool]:
    """Return the seconds in which a solver answers for every subnet, and whether it says the same of each."""
    tables = {one["Associations"][0]["SubnetId"]: one["Routes"] for one in items["RouteTables"]}
    filters = {one["Associations"][0]["SubnetId"]: one["Entries"] for one in items["NetworkAcls"]}
    some = items["Subnets"][:MOST]
    began = time.process_time()
    agree = all(
        (leaks(one, tables[one["SubnetId"]], filters[one["SubnetId"]]) is not None) == leaking[one["SubnetId"]]
        for one in some
    )
    return (time.process_time() - began) * len(items["Subnets"]) / len(some), agree


def bench(sizes: tuple[int, ...]) -> Iterator[str]:
    """Yield the rows of clean and leaky estates of these sizes, each measured in a process of its own."""
    for size in sizes:
        for leaky in ("clean", "leaky"):
            done = subprocess.run([sys.executable, __file__, str(size), leaky], capture_output=True, text=True)
            if done.returncode:
                sys.exit(done.stderr[-2000:])
            yield done.stdout


if __name__ == "__main__":
    if sys.argv[2:] in (["clean"], ["leaky"]):
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]), sys.argv[2] == "leaky")) + "\n")
    else:
        for row in bench(tuple(int(one) for one in sys.argv[1:]) or (500, 5_000, 50_000)):
            sys.stdout.write(row)
            sys.stdout.flush()
