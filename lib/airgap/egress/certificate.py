"""The certificate: for each class of subnets a tree that splits all packets, whose leaves cite what closes them.

``{"schema", "verdict", "boundary", "vpcs", "pages": {file: SHA-256}, "subnets": {subnet: number of its class}, "open":
{subnet: verdict}, "classes": [{"vpc", "table", "acl", "trees": {"4": tree, "6": tree}}], "channels": {id: verdict}}``.
A split is ``{"axis": 0 address | 1 protocol | 2 port, "at": n, "below": tree, "from": tree}``; a leaf has ``why``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Optional

from airgap.egress.boundary import Boundary
from airgap.egress.boxes import Box, meet, of_entry, of_range
from airgap.egress.cells import Cell, cells
from airgap.egress.facts import Item
from airgap.egress.network import Network, subnet_ranges, target
from airgap.egress.verdict import Proof

SCHEMA = "airgap/certificate/v1"
Tree = dict[str, Any]
_Piece = tuple[int, int, Tree]


def certificate(network: Network, boundary: Boundary, proof: Proof, pages: Mapping[str, bytes]) -> dict[str, Any]:
    """Return the certificate of a proof; subnets with a leak, or that are unknown, are named and have no tree."""
    classes: dict[tuple[str, ...], dict[str, Any]] = {}
    numbers: dict[str, int] = {}
    opened: dict[str, str] = {}
    for one in proof.judged:
        subnet = network.subnet(one.subnet) or {}
        table, acl = network.table(subnet), network.acl(subnet)
        if table is None or one.leaks or one.missing:
            opened[one.subnet] = one.verdict
            continue
        key: tuple[str, ...] = one.vpc, str(table["RouteTableId"]), str((acl or {}).get("NetworkAclId", ""))
        if key not in classes:
            classes[key] = _class(network, key, table, acl, (), boundary)
        if _open(classes[key]):
            # What the class lets out stays in this subnet: it has a class of its own, in which its ranges are leaves.
            own = [str(each) for each in subnet_ranges(subnet)]
            key = (*key, one.subnet)
            classes[key] = _class(network, key, table, acl, own, boundary)
        numbers[one.subnet] = list(classes).index(key)
    return {
        "schema": SCHEMA,
        "verdict": proof.verdict,
        "boundary": boundary.as_data(),
        "vpcs": sorted(proof.named),
        "pages": {name: hashlib.sha256(raw).hexdigest() for name, raw in sorted(pages.items())},
        "subnets": numbers,
        "open": opened,
        "classes": [{} if _open(one) else one for one in classes.values()],
        "channels": {one.channel.id: one.verdict for one in proof.channels},
    }


def _class(
    network: Network, key: tuple[str, ...], table: Item, acl: Optional[Item], own: Sequence[str], boundary: Boundary
) -> dict[str, Any]:
    trees = {str(each): _tree(network, boundary, table, acl, key[0], each, own) for each in (4, 6)}
    return {"vpc": key[0], "table": key[1], "acl": key[2], "trees": trees}


def _open(one: Mapping[str, Any]) -> bool:
    return any(leaf["why"] == "open" for tree in one["trees"].values() for leaf in leaves(tree))


def _tree(
    network: Network, boundary: Boundary, table: Item, acl: Optional[Item], vpc: str, version: int, own: Sequence[str]
) -> Tree:
    parts, _ = cells(network, table, version)
    groups: dict[tuple[int, int], list[Cell]] = {}
    for one in parts:
        groups.setdefault((one.low, one.high), []).append(one)
    inside = [(low, high, block, "range") for low, high, block in boundary.holes(network.ranges(vpc), version)]
    inside += [(*of_range(block), block, "own") for block in own if (":" in block) == (version == 6)]
    pieces: list[_Piece] = []
    for (low, high), tied in sorted(groups.items()):
        if all(_closed(network, boundary, one, vpc) for one in tied):
            pieces.append((low, high, _cited(tied)))
        else:
            pieces += _filtered(inside, acl, low, high, version)
    return _balanced(pieces)


def _closed(network: Network, boundary: Boundary, cell: Cell, vpc: str) -> bool:
    route = cell.route
    if route is None or route.get("State") == "blackhole" or target(route)[1] == "local":
        return True
    return boundary.admits(network, route, vpc)


def _cited(tied: list[Cell]) -> Tree:
    routes = [one.route for one in tied if one.route is not None]
    if not routes:
        return {"why": "no-route"}
    return {"why": "route", "route": tied[0].prefix, "targets": sorted(target(one)[1] for one in routes)}


def _filtered(
    inside: Sequence[tuple[int, int, str, str]], acl: Optional[Item], low: int, high: int, version: int
) -> Iterator[_Piece]:
    """Yield an interval in which a route is open: declared and own ranges alone, the rest by the network ACL."""
    while low <= high:
        holding = [one for one in inside if one[0] <= low <= one[1]]
        if holding:
            _, last, block, why = max(holding, key=lambda one: one[1])
            last = min(last, high)
            yield low, last, {"why": why, "cidr": block}
        else:
            last = min([high, *(one[0] - 1 for one in inside if one[0] > low)])
            yield low, last, _denied(acl, Box((low, last)), version)
        low = last + 1


def _denied(acl: Optional[Item], box: Box, version: int) -> Tree:
    """Return the tree of a box whose leaves cite the entry that denies them."""
    if acl is None:
        return {"why": "open", "rule": "default"}
    found = [one for one in acl.get("Entries") or [] if one.get("Egress")]
    for entry in sorted(found, key=lambda one: int(one.get("RuleNumber", 32767))):
        spoken = of_entry(entry, version)
        inner = meet(box, spoken) if spoken is not None else None
        if inner is None:
            continue
        for axis in range(3):
            if inner[axis][0] > box[axis][0]:
                return _split(acl, box, axis, inner[axis][0], version)
            if inner[axis][1] < box[axis][1]:
                return _split(acl, box, axis, inner[axis][1] + 1, version)
        denies = entry.get("RuleAction") == "deny"
        return {"why": "acl" if denies else "open", "rule": str(entry.get("RuleNumber"))}
    return {"why": "acl", "rule": "*"}


def _split(acl: Optional[Item], box: Box, axis: int, at: int, version: int) -> Tree:
    sides = list(box)
    below, above = sides[:], sides[:]
    below[axis], above[axis] = (sides[axis][0], at - 1), (at, sides[axis][1])
    return {
        "axis": axis,
        "at": at,
        "below": _denied(acl, Box(below[0], below[1], below[2]), version),
        "from": _denied(acl, Box(above[0], above[1], above[2]), version),
    }


def _balanced(pieces: Sequence[_Piece]) -> Tree:
    if len(pieces) == 1:
        return pieces[0][2]
    middle = len(pieces) // 2
    below, above = _balanced(pieces[:middle]), _balanced(pieces[middle:])
    return {"axis": 0, "at": pieces[middle][0], "below": below, "from": above}


def leaves(tree: Tree) -> Iterator[Tree]:
    """Yield every leaf of a tree."""
    if "why" in tree:
        yield tree
        return
    yield from leaves(tree["below"])
    yield from leaves(tree["from"])
