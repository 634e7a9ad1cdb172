"""The independent checker: re-verifies a certificate against the raw pages, sharing no code with what wrote it.

Verified: every page is the one that was judged; every judged subnet is of its class; each class's trees cover all
packets; each leaf's cited fact closes it. Only carried: the verdicts of channels that are no packets.
"""

from __future__ import annotations

import functools
import hashlib
import ipaddress
import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional

INDEX = "observations/index.json"
WHOLE = {"4": ((0, 2**32 - 1), (0, 255), (0, 65535)), "6": ((0, 2**128 - 1), (0, 255), (0, 65535))}
BLOCKS = ("DestinationCidrBlock", "DestinationIpv6CidrBlock")
NO_TARGET = (*BLOCKS, "DestinationPrefixListId", "InstanceOwnerId", "Origin", "State")
PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "icmpv6": 58}
GONE = ("disassociated", "failed")
ENTRY = {"CidrBlock", "Ipv6CidrBlock", "Egress", "IcmpTypeCode", "PortRange", "Protocol", "RuleAction", "RuleNumber"}
KINDS = ("Subnets", "RouteTables", "NetworkAcls", "VpcEndpoints", "PrefixLists", "PrefixListEntries", "Entries")
Region = tuple[tuple[int, int], ...]


class Route(NamedTuple):
    """A route of one family: its interval, prefix length, precedence, prefix as text, targets, whether closed."""

    low: int
    high: int
    length: int
    rank: int
    prefix: str
    targets: tuple[str, ...]
    closed: bool


class Pages:
    """The items that packets depend on, read from raw files."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.held: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS[:4]}
        self.lists: dict[str, list[str]] = {}
        self._links: dict[tuple[str, str], str] = {}
        for params, body in _bodies(files):
            for kind in KINDS[:4]:
                for one in body.get(kind) or []:
                    self._keep(kind, str(one.get(f"{kind[:-1]}Id")), one)
            for one in body.get("PrefixLists") or []:
                if "Cidrs" in one:
                    self.lists[str(one["PrefixListId"])] = list(one["Cidrs"])
            wrapped = [(one.get("PrefixListId"), one.get("Entries")) for one in body.get("PrefixListEntries") or []]
            for name, entries in [*wrapped, (params.get("PrefixListId"), body.get("Entries"))]:
                if name and entries is not None:
                    self.lists[str(name)] = self.lists.get(str(name), []) + [str(one["Cidr"]) for one in entries]

    def _keep(self, kind: str, name: str, one: dict[str, Any]) -> None:
        self.held[kind][name] = one
        for link in one.get("Associations") or []:
            if (link.get("AssociationState") or {}).get("State") not in GONE:
                self._links[kind, str(link.get("SubnetId") or (link.get("Main") and one["VpcId"]))] = name
        if one.get("IsDefault"):
            self._links[kind, str(one["VpcId"])] = name

    def holder(self, kind: str, subnet: Mapping[str, Any]) -> str:
        """Return the id of the table or ACL of a subnet: associated with it, else its VPC's main or default one."""
        return self._links.get((kind, subnet["SubnetId"])) or self._links.get((kind, subnet["VpcId"])) or ""


def _bodies(files: Mapping[str, bytes]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Yield (parameters, body) of each answer that can matter: by the index of a snapshot, else of every file."""
    told = {name for name, raw in files.items() if b"\\u" in raw or any(b'"%s"' % one.encode() in raw for one in KINDS)}
    if INDEX not in files:
        yield from (({}, json.loads(files[name])) for name in sorted(told))
        return
    latest: dict[tuple[str, ...], Mapping[str, Any]] = {}
    for row in sorted(json.loads(files[INDEX]), key=lambda one: str(one["time"])):
        subject = row["account"], row["region"], row["call"], json.dumps(row["params"], sort_keys=True)
        latest[(*subject, str(row["number"]))] = row
    for row in latest.values():
        name = f"observations/{row['page']}.json"
        if row["call"].startswith("ec2:") and row["status"] == "ok" and (name in told or name not in files):
            yield row["params"], json.loads(files[name])


class Checker:
    """One check of one certificate; a class of no subnet proves nothing and is passed over."""

    def __init__(self, certificate: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        self.certificate, self._boundary, self._files = certificate, certificate.get("boundary") or {}, files
        self.problems: list[str] = []
        self._ranges: dict[int, list[list[str]]] = {}
        self.leaves = 0

    def run(self) -> list[str]:
        """Return what is wrong, nothing where the certificate holds."""
        if self.certificate.get("schema") != "airgap/certificate/v1":
            return [f"schema {self.certificate.get('schema')!r} is not airgap/certificate/v1"]
        stated = {(name, str(one)) for name, one in (self.certificate.get("pages") or {}).items()}
        differing = stated ^ {(name, hashlib.sha256(raw).hexdigest()) for name, raw in self._files.items()}
        self.problems += sorted({f"{name} is not the page that was judged" for name, _ in differing})
        try:
            if not self.problems:
                self._pages = Pages(self._files)
                self._subnets()
                for number in self._ranges:
                    self._class(number, self.certificate["classes"][number])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self.problems.append(f"the certificate or a page is malformed: {error!r}")
        return self.problems

    def _subnets(self) -> None:
        """Every judged subnet has a class, and it is the class of its own route table and network ACL."""
        classed, opened, judged = self.certificate["subnets"], self.certificate["open"], self._judged()
        if judged != {*classed, *opened}:
            self.problems.append(f"not the judged subnets: {sorted(judged ^ {*classed, *opened})}")
        if self.certificate["verdict"] == "proven":
            others = {name: one for name, one in self.certificate["channels"].items() if one != "proven"}
            if opened or others or not judged:
                self.problems.append(f"stated as proven, with {sorted([*opened, *others]) or 'no subnet'} open")
        for name, number in classed.items():
            subnet, stated = self._pages.held["Subnets"][name], self.certificate["classes"][number]
            self._ranges.setdefault(number, []).append(_ranges(subnet))
            own = [subnet["VpcId"], *(self._pages.holder(kind, subnet) for kind in ("RouteTables", "NetworkAcls"))]
            if own != [stated.get(member) for member in ("vpc", "table", "acl")]:
                self.problems.append(f"{name} is of another class")

    def _judged(self) -> set[str]:
        """The sealed subnets, and where the boundary says which are open, all others of their VPCs; else every one."""
        sealed, opened = ({*(self._boundary.get(name) or [])} for name in ("sealed_subnets", "open_subnets"))
        vpcs = self.certificate.get("vpcs") or []
        held = {name: one for name, one in self._pages.held["Subnets"].items() if not vpcs or one["VpcId"] in vpcs}
        named = {name for name, one in held.items() if not sealed or sealed & {*_ranges(one)}}
        homes = {held[name]["VpcId"] for name in named} if "open_subnets" in self._boundary else ()
        return named | {name for name, one in held.items() if one["VpcId"] in homes and not opened & {*_ranges(one)}}

    def _class(self, number: int, one: Mapping[str, Any]) -> None:
        table = self._pages.held["RouteTables"].get(one["table"])
        acl = self._pages.held["NetworkAcls"].get(one["acl"])
        if table is None or set(one["trees"]) != set(WHOLE):
            raise ValueError(f"class {number} has no route table or not a tree for each family")
        for version, tree in one["trees"].items():
            routes = self._routes(table, one["vpc"], version)
            entries = sorted(acl["Entries"] if acl else [], key=lambda entry: int(entry["RuleNumber"]))
            boxes = [(entry, box) for entry in entries if entry["Egress"] for box in [_box(entry, version)] if box]
            own = set.intersection(*map(set, self._ranges[number]))
            declared = {"range": self._boundary.get("cidrs") or [], "own": sorted(own)}
            for leaf, region in self._walk(tree, WHOLE[version]):
                self.leaves += 1
                wrong = _unproven(leaf, region, routes, boxes if acl else None, version, declared)
                self.problems += [f"class {number} of {one['table']}, IPv{version}: {wrong}"] if wrong else []

    def _walk(self, tree: Mapping[str, Any], region: Region) -> Iterator[tuple[Mapping[str, Any], Region]]:
        """Yield each leaf with its region; the two halves of a split cover it and share nothing."""
        if "why" in tree:
            yield tree, region
            return
        axis, at, (low, high) = tree["axis"], tree["at"], region[tree["axis"]]
        if not low < at <= high:
            raise ValueError(f"a split at {at} lies outside {low} to {high}")
        yield from self._walk(tree["below"], (*region[:axis], (low, at - 1), *region[axis + 1 :]))
        yield from self._walk(tree["from"], (*region[:axis], (at, high), *region[axis + 1 :]))

    def _routes(self, table: Mapping[str, Any], vpc: str, version: str) -> list[Route]:
        found = []
        for one in table["Routes"]:
            named = [str(value) for member, value in one.items() if member not in NO_TARGET and value]
            closed = named == ["local"] or one.get("State") == "blackhole" or self._admitted(named, vpc)
            listed = self._pages.lists.get(str(one.get("DestinationPrefixListId")))
            blocks = [one[name] for name in BLOCKS if one.get(name)]
            if not blocks and listed is None and not closed:
                self.problems.append(f"the list {one.get('DestinationPrefixListId')} is not recorded")
            rank = 2 if one.get("Origin") == "EnableVgwRoutePropagation" else int(not blocks)
            nets = [one for one in map(_net, blocks or listed or []) if one[0] == version]
            found += [Route(*ends, length, rank, text, tuple(named), closed) for _, ends, length, text in nets]
        return found

    def _admitted(self, targets: list[str], vpc: str) -> bool:
        """Tell whether the boundary declares every target of a route."""
        endpoints = self._boundary.get("endpoints") or []
        declared = {*(self._boundary.get("gateways") or []), *([] if isinstance(endpoints, str) else endpoints)}
        held = self._pages.held["VpcEndpoints"] if "all of the VPC" in endpoints else {}
        doors = {name for name, one in held.items() if one.get("VpcId") == vpc and
                 one.get("VpcEndpointType", "") in ("Gateway", "Interface", "")}  # fmt: skip
        return bool(targets) and {*targets} <= declared | doors


def _unproven(leaf: Mapping[str, Any], region: Region, routes: list[Route], entries: Optional[list[Any]], version: str,
              declared: Mapping[str, list[str]]) -> Optional[str]:  # fmt: skip
    """Return why a leaf's cited fact does not close its region, None where it does."""
    low, high = region[0]
    if leaf["why"] in declared:
        family, (first, last), _, _ = _net(leaf["cidr"])
        inside = family == version and first <= low and high <= last
        home = [one for one in routes if one.targets == ("local",) and one.low <= high and low <= one.high]
        holds = inside and leaf["cidr"] in declared[leaf["why"]] and (leaf["why"] == "own" or not home)
        return None if holds else f"{leaf['cidr']} does not declare {low} to {high}"
    if leaf["why"] == "acl":
        meeting = (one for one in entries or [] if all(a[0] <= b[1] and b[0] <= a[1] for a, b in zip(one[1], region)))
        entry, box = next(meeting, (dict[str, Any](), region))
        stated = str(entry.get("RuleNumber", "*")) == leaf["rule"] and entry.get("RuleAction", "deny") == "deny"
        within = entries is not None and all(b[0] <= a[0] and a[1] <= b[1] for a, b in zip(region, box))
        return None if stated and within else f"{leaf['rule']} is open: {region}"
    holding = [one for one in routes if one.low <= low and high <= one.high]
    local = any(one.targets == ("local",) for one in holding)
    parts = [one for one in routes if one.low <= high and low <= one.high and one not in holding]
    if any(not (local and one.rank == 2) for one in parts):
        return f"not one route decides for {low} to {high}"
    standing = [one for one in holding if not (local and one.rank == 2)]
    if not standing or leaf["why"] == "no-route":
        return None if not standing and leaf["why"] == "no-route" else f"no route or another one for {low} to {high}"
    best = min((-one.length, one.rank) for one in standing)
    ties = [one for one in standing if (-one.length, one.rank) == best]
    cited = leaf["why"] == "route" and leaf["route"] == ties[0].prefix and len(leaf["targets"]) == len(ties)
    named = all(any(each in one.targets for one in ties) for each in leaf.get("targets") or [])
    return None if cited and named and all(one.closed for one in ties) else f"its route does not close {low} to {high}"


@functools.lru_cache(maxsize=1 << 16)
def _net(block: str) -> tuple[str, tuple[int, int], int, str]:
    """Return family, first and last address, prefix length and text of a range."""
    net = ipaddress.ip_network(block, strict=False)
    return str(net.version), (int(net[0]), int(net[-1])), net.prefixlen, str(net)


def _ranges(subnet: Mapping[str, Any]) -> list[str]:
    six = subnet.get("Ipv6CidrBlockAssociationSet") or []
    blocks = [subnet, *(one for one in six if (one.get("Ipv6CidrBlockState") or {}).get("State") not in GONE)]
    return [str(one[name]) for one in blocks for name in ("CidrBlock", "Ipv6CidrBlock") if one.get(name)]


def _box(entry: Mapping[str, Any], version: str) -> Optional[Region]:
    """Return what an entry of a network ACL speaks of, None where it is of the other family."""
    named = [entry.get("CidrBlock"), entry.get("Ipv6CidrBlock")]
    if {member for member in entry if entry[member]} - ENTRY or not any(named):
        raise ValueError(f"what entry {entry['RuleNumber']} of a network ACL says is not known")
    block = named[version == "6"]
    number = int(PROTOCOLS.get(str(entry["Protocol"]).lower(), entry["Protocol"]))
    ports, between, icmp = (0, 65535), entry.get("PortRange") or {}, entry.get("IcmpTypeCode") or {}
    if number in (6, 17) and between.get("From") not in (None, -1):
        ports = int(between["From"]), int(between["To"])
    if number in (1, 58) and icmp.get("Type") not in (None, -1):
        code, first = icmp.get("Code"), int(icmp["Type"]) * 256
        ports = (first, first + 255) if code in (None, -1) else (first + int(code), first + int(code))
    silent = number in (1, 58) and icmp.get("Type") in (None, -1) and icmp.get("Code") not in (None, -1)
    if not block or (silent and entry["RuleAction"] == "deny"):
        return None
    return _net(block)[1], (0, 255) if number == -1 else (number, number), ports
