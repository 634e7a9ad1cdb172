"""Boxes are exact: cutting and meeting lose no packet and count none twice; an ACL admits what its entries say."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from airgap.egress.boxes import Box, meet, of_range, permitted, volume, without
from airgap.egress.rules import Packet, acl_rule

edges = st.tuples(st.integers(0, 12), st.integers(0, 12)).map(lambda two: (min(two), max(two)))
boxes = st.builds(Box, edges, edges, edges)
points = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))


def holds(box: Box, point: tuple[int, int, int]) -> bool:
    return all(low <= each <= high for (low, high), each in zip(box, point, strict=True))


@given(boxes, boxes, points)
def test_what_two_boxes_share(one: Box, other: Box, point: tuple[int, int, int]) -> None:
    shared = meet(one, other)
    assert (shared is not None and holds(shared, point)) == (holds(one, point) and holds(other, point))


@given(boxes, boxes, points)
def test_a_box_without_another(one: Box, other: Box, point: tuple[int, int, int]) -> None:
    parts = list(without(one, other))
    assert sum(holds(part, point) for part in parts) == (holds(one, point) and not holds(other, point))
    shared = meet(one, other)
    assert volume(parts) + (volume([shared]) if shared else 0) == volume([one])


BLOCKS = ["10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "10.1.2.0/24", "192.0.2.0/24"]
entries = st.fixed_dictionaries(
    {
        "Egress": st.just(True),
        "RuleAction": st.sampled_from(["allow", "deny"]),
        "CidrBlock": st.sampled_from(BLOCKS),
        "Protocol": st.sampled_from(["-1", "6", "17", "1", "47"]),
        "PortRange": st.sampled_from([{}, {"From": 443, "To": 443}, {"From": 0, "To": 1023}]),
        "IcmpTypeCode": st.sampled_from([{"Type": -1, "Code": -1}, {"Type": 8, "Code": -1}, {"Type": 8, "Code": 0}]),
    }
)
packets = st.builds(
    Packet,
    st.just(ipaddress.ip_address("10.1.0.5")),
    st.sampled_from([ipaddress.ip_address(one) for one in ("10.1.2.3", "10.9.9.9", "192.0.2.7", "8.8.8.8")]),
    st.sampled_from([1, 6, 17, 47, 50]),
    st.sampled_from([443, 1023, 1024, 8 * 256, 8 * 256 + 1, 0]),
)


@given(st.lists(entries, max_size=6), packets)
def test_the_permitted_boxes_are_what_the_entries_say(found: list[dict[str, Any]], packet: Packet) -> None:
    """The prover's boxes and the walker's rule-by-rule reading are two ways to one answer."""
    acl = {"Entries": [{**one, "RuleNumber": 100 + number} for number, one in enumerate(found)]}
    region = Box(of_range("0.0.0.0/0"))
    point = int(packet.destination), packet.protocol, packet.port or 0
    hits = [one for one in permitted(acl, True, region, 4) if holds(one.box, point)]
    admitted, rule = acl_rule(acl, packet, packet.destination, True)
    assert len(hits) == admitted
    if admitted:
        assert hits[0].rule == rule
