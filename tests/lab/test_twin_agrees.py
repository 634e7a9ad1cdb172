"""The twin and the proof, packet by packet, on this machine's kernel; needs root, and makes namespaces of its own."""

from __future__ import annotations

import copy
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_networks
from hypothesis import HealthCheck, Phase, given, settings

from airgap.egress.facts import Facts
from airgap.egress.network import Network
from airgap.lab import kernel, standing
from airgap.lab.agreement import Agreement, agreement, compare
from airgap.lab.sampling import Sampler
from airgap.lab.twin import Builder
from airgap.run.estates import documents

# The networks of the proof's own tests; small_networks has put them on the path.
import joined_networks  # isort: skip
import networks  # isort: skip
import vectors  # isort: skip

pytestmark = [
    pytest.mark.lab,
    pytest.mark.timeout(900),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
]
FEW = settings(
    max_examples=int(os.environ.get("AIRGAP_LAB_EXAMPLES", "12")),
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    standing.install(print)


def agreed(found: Agreement, share: float = 0.9) -> None:
    told = found.as_data()
    assert told["differing"] == []
    assert told["packets"] > 20, "too few to say anything"
    assert told["agreed"] >= share * told["packets"], told


@pytest.mark.parametrize("name", small_networks.NETWORKS)
def test_they_agree_on_small_networks(name: str) -> None:
    found = agreement(networks.network(small_networks.NETWORKS[name]()), 400, 1)
    agreed(found)
    kinds = found.as_data()["by_outcome"]
    assert kinds["delivered"] > 0, kinds
    if name == "open":
        assert {"exits", "blackhole-route", "peering-inactive", "source-dest-check", "unknown-target"} <= set(kinds)


@pytest.mark.skipif(not vectors.names(), reason="the recorded networks are not beside this project")
@pytest.mark.parametrize("name", vectors.names())
def test_they_agree_on_recorded_networks(name: str) -> None:
    agreed(agreement(Network(Facts(documents(vectors.ROOT / name))), 600, 1))


def test_they_agree_on_random_networks() -> None:
    @FEW
    @given(networks.estates)
    def each(items: dict[str, Any]) -> None:
        agreed(agreement(networks.network(items), 150, 1), share=0.0)

    each()


def test_they_agree_on_random_joined_networks() -> None:
    @FEW
    @given(joined_networks.joined())
    def each(items: dict[str, Any]) -> None:
        agreed(agreement(networks.network(items), 150, 1), share=0.0)

    each()


def _close_the_group(items: dict[str, Any]) -> None:
    items["SecurityGroups"][1]["IpPermissionsEgress"] = []


def _deny(items: dict[str, Any]) -> None:
    items["NetworkAcls"][0]["Entries"].insert(0, networks.entry(1, "deny", "52.216.0.0/16"))


def _reroute(items: dict[str, Any]) -> None:
    items["RouteTables"][0]["Routes"][-1]["State"] = "blackhole"


@pytest.mark.parametrize("changed", [_close_the_group, _deny, _reroute])
def test_a_kernel_that_does_otherwise_is_found(changed: Any) -> None:
    """The comparison can fail: the twin is of one network, the walk through another."""
    items = small_networks.sealed()
    builder = Builder(networks.network(items))
    made = builder.build()
    other = copy.deepcopy(items)
    changed(other)
    probes = Sampler(builder, 1).draw(300)
    kernel.carry_out(made, "airgap-t.other.")
    try:
        assert compare(networks.network(items), "airgap-t.other.", list(made.spaces), probes).differing == []
        assert compare(networks.network(other), "airgap-t.other.", list(made.spaces), probes).differing
    finally:
        kernel.remove("airgap-t.other.")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of state of this test's own; whatever it leaves standing is taken down."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    yield tmp_path
    for one in ("test-one", "test-two"):
        standing.down(one)


def listening() -> set[str]:
    """What listens in the machine's own namespace: of TCP all that does, of UDP all that is bound."""
    found = set()
    for kind in ("tcp", "tcp6", "udp", "udp6"):
        for line in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]:
            words = line.split()
            if kind.startswith("udp") or words[3] == "0A":
                found.add(f"{kind} {words[1]} {words[9]}")
    return found


def own(pid: int) -> set[str]:
    """The inodes of a process's sockets."""
    links = Path(f"/proc/{pid}/fd").iterdir()
    return {os.readlink(one)[8:-1] for one in links if os.readlink(one).startswith("socket:[")}


def test_two_labs_stand_side_by_side_and_leave_nothing(state: Path) -> None:
    devices = {name for _, name in socket.if_nameindex()}
    network = networks.network(small_networks.NETWORKS["open"]())
    first, second = standing.up(network, "test-one"), standing.up(network, "test-two")
    assert {one.name for one in standing.standing()} == {"test-one", "test-two"}
    assert {name for _, name in socket.if_nameindex()} == devices
    sockets = own(first.pid) | own(second.pid)
    assert sockets
    assert not [one for one in listening() if one.split()[-1] in sockets], "something listens outside the lab"
    assert standing.down("test-one")
    assert standing.status("test-two") is not None
    assert standing.down("test-two")
    assert not standing.down("test-two")
    assert kernel.spaces("airgap.test-one.") + kernel.spaces("airgap.test-two.") == []
    assert list((state / "airgap" / "lab").iterdir()) == []
    for pid in (first.pid, second.pid):
        assert not Path(f"/proc/{pid}").exists()


def test_a_lab_that_cannot_come_up_leaves_nothing(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "SERVER", "airgap.lab.no_such_module")
    with pytest.raises(standing.AirgapError, match="nothing answers"):
        standing.up(networks.network(small_networks.sealed()), "test-one")
    assert kernel.spaces("airgap.test-one.") == []
    assert not (state / "airgap" / "lab" / "test-one").exists()


def test_a_lab_of_one_name_stands_once(state: Path) -> None:
    network = networks.network(small_networks.sealed())
    standing.up(network, "test-one")
    with pytest.raises(standing.UsageError, match="stands already"):
        standing.up(network, "test-one")
    assert standing.status("test-one") is not None
    data = json.loads((state / "airgap" / "lab" / "test-one" / "lab.json").read_text())
    assert data["missing"] == []
