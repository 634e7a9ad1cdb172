"""The twin as text, against case files; ``python tests/lab/test_twin_text.py`` writes them again."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_networks import NETWORKS, sealed

from airgap.lab.names import answer, matching, names
from airgap.lab.space import Space
from airgap.lab.twin import Builder

# The networks of the proof's own tests; small_networks has put them on the path.
from networks import network  # isort: skip

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("name", NETWORKS)
def test_a_recorded_network_becomes_this_text(name: str) -> None:
    assert Builder(network(NETWORKS[name]())).build().text() == (CASES / f"{name}.txt").read_text()


def test_the_same_network_becomes_the_same_text() -> None:
    assert Builder(network(sealed())).build().text() == Builder(network(sealed())).build().text()


def test_every_device_stands_in_a_space_of_the_lab() -> None:
    """None is made in the machine's own namespace."""
    made = Builder(network(NETWORKS["open"]())).build()
    for line in made.links_text("airgap.t.").splitlines():
        words = line.split()
        assert [words[at + 1] for at, one in enumerate(words) if one == "netns"] == [
            words[words.index("netns") + 1], words[-1]]  # fmt: skip
        assert line.count("netns airgap.t.") == 2


def test_no_device_has_a_name_that_the_kernel_refuses() -> None:
    for name in NETWORKS:
        for space in Builder(network(NETWORKS[name]())).build().spaces.values():
            assert all(0 < len(one) < 16 for one in space.devices)
            assert len(set(space.devices)) == len(space.devices)


def test_a_sink_is_made_once() -> None:
    space = Space("subnet-1", "subnet")
    first = space.sink("dropped", "no-route", "subnet-1", tell=True)
    assert space.sink("dropped", "no-route", "subnet-1", tell=True) == first
    assert space.sink("dropped", "blackhole-route", "subnet-1") != first
    assert len(space.chains["pass"]) == 2


def test_what_cannot_be_built_is_said() -> None:
    items = NETWORKS["open"]()
    items["NetworkInterfaces"][0]["SubnetId"] = "subnet-of-somebody"
    assert Builder(network(items)).build().missing == ["eni-1: its subnet is not recorded"]


@pytest.mark.parametrize(
    ("domain", "name", "is_of_it"),
    [("*", "a.example", True), ("*.amazonaws.com", "sts.us-east-1.amazonaws.com", True),
     ("*.amazonaws.com", "amazonaws.com", False), ("*.amazonaws.com", "evilamazonaws.com", False),
     ("ec2.internal", "EC2.internal.", True), ("ec2.internal", "a.ec2.internal", False)],
)  # fmt: skip
def test_domains_of_a_firewall(domain: str, name: str, is_of_it: bool) -> None:
    assert matching(domain, name) == is_of_it


def firewall(*rules: tuple[str, str, list[str]]) -> dict[str, object]:
    found = [{"action": action, "response": response, "type": "", "domains": held} for action, response, held in rules]
    own = {"rules": found, "private": {"sts.x": ["10.0.1.8"]}}
    return {"vpcs": {"vpc-1": own}, "public": {"*.s3.x": ["52.216.0.1"]}, "otherwise": "198.51.100.53"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("sts.x", ("NOERROR", ["10.0.1.8"])), ("b.s3.x", ("NOERROR", ["52.216.0.1"])), ("example.com", ("NXDOMAIN", [])),
     ("closed.x", ("NOERROR", []))],
)  # fmt: skip
def test_the_first_rule_that_names_a_domain_decides(name: str, expected: tuple[str, list[str]]) -> None:
    data = firewall(("BLOCK", "NODATA", ["closed.x"]), ("ALLOW", "", ["*.x"]), ("BLOCK", "NXDOMAIN", ["*"]))
    assert answer(data, "vpc-1", name) == expected


def test_without_a_firewall_every_name_is_answered() -> None:
    assert answer(firewall(), "vpc-1", "example.com") == ("NOERROR", ["198.51.100.53"])
    assert answer(firewall(("ALLOW", "", ["*"])), "vpc-1", "example.com")[1] == ["198.51.100.53"]


def test_names_of_endpoints_lead_to_them() -> None:
    data = names(network(sealed()))
    assert data["vpcs"]["vpc-1"]["private"] == {"sts.us-east-1.amazonaws.com": ["10.0.1.8"]}
    assert data["public"]["*.s3.us-east-1.amazonaws.com"] == ["52.216.0.1"]
    assert data["vpcs"]["vpc-1"]["answers"] is False, "the VPC's resolver is off in these networks"


if __name__ == "__main__":
    for each, made in NETWORKS.items():
        (CASES / f"{each}.txt").write_text(Builder(network(made())).build().text())
