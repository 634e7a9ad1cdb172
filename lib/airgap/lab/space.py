"""What a twin is made of: spaces (network namespaces), links between them, and the text that sets each up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from airgap.egress.network import Range

GROUP = 1
"""The netfilter log group of every verdict; what is not listened to costs nothing."""
HOOKS = {
    "arrive": "type filter hook prerouting priority -150; policy accept;",
    "translate": "type nat hook prerouting priority -100; policy accept;",
    "enter": "type filter hook input priority 0; policy accept;",
    "pass": "type filter hook forward priority 0; policy accept;",
    "conceal": "type nat hook postrouting priority 100; policy accept;",
}
"""Chains that the kernel calls, in the order in which a packet meets them; others are called by these."""
LAST = 1_000_000
"""The metric of a default route that stands where no other one does."""
MAC = "02:00:00:00:00:01"
"""Every device has this address and asks for none, so a link needs no addresses of its own."""


def verdict(outcome: str, reason: str, at: str) -> str:
    """Return the log statement by which a rule says what becomes of a packet; the three words are the walker's."""
    return f'log prefix "{outcome}|{reason}|{at}" group {GROUP}'


@dataclass
class Space:
    """One network namespace: its devices, addresses and routes as ``ip`` takes them, and its chains as nft does."""

    name: str
    kind: str
    about: str = ""
    ip: list[str] = field(default_factory=list)
    chains: dict[str, list[str]] = field(default_factory=dict)
    addresses: list[str] = field(default_factory=list)
    devices: list[str] = field(default_factory=list)

    def device(self, kind: str) -> str:
        """Return the name of a new device: its kind and a number."""
        name = f"{kind}{sum(one.rstrip('0123456789') == kind for one in self.devices)}"
        self.devices.append(name)
        return name

    def rule(self, chain: str, text: str) -> None:
        """Add a rule to a chain."""
        self.chains.setdefault(chain, []).append(text)

    def route(self, block: Range | str, device: str, *, metric: int = 0, table: int = 254) -> None:
        """Add a route to a device."""
        family = "-6 " if ":" in str(block) else ""
        rank = f" metric {metric}" if metric else ""
        self.ip.append(f"{family}route add {block} dev {device} table {table}{rank}")

    def sink(self, outcome: str, reason: str, at: str, *, tell: bool = False) -> str:
        """Return a device on which packets end with a verdict; ``tell`` sends the sender an ICMP error."""
        end = "reject with icmpx type no-route" if tell else "drop"
        said = f"{verdict(outcome, reason, at)} {end}"
        known = [one for one in self.chains.get("pass", []) if one.endswith(said)]
        if known:
            return known[0].split('"')[1]
        device, other = self.device("x"), self.device("y")
        self.ip.append(f"link add {device} address {MAC} type veth peer name {other} address {MAC}")
        self.ip += [f"link set {one} addrgenmode none arp off up" for one in (device, other)]
        self.rule("pass", f'oifname "{device}" {said}')
        return device

    def answers_all(self) -> None:
        """Make every address that is not routed elsewhere one of this space."""
        self.ip += ["route add local 0.0.0.0/0 dev lo table 254", "-6 route add local ::/0 dev lo table 254"]

    def ip_text(self) -> str:
        """Return what ``ip -batch`` takes, once the links are there."""
        return "".join(f"{one}\n" for one in self.ip)

    def nft_text(self) -> str:
        """Return what ``nft -f`` takes, empty where nothing is filtered."""
        if not self.chains:
            return ""
        called = [one for one in self.chains if one not in HOOKS]
        lines = ["table inet airgap {"]
        for chain in [*called, *(one for one in HOOKS if one in self.chains)]:
            head = [f"    {HOOKS[chain]}"] if chain in HOOKS else []
            lines += [f"  chain {chain} {{", *head, *(f"    {one}" for one in self.chains[chain]), "  }"]
        return "\n".join([*lines, "}\n"])


@dataclass(frozen=True)
class Link:
    """A pair of devices in two spaces."""

    near: str
    near_device: str
    far: str
    far_device: str


@dataclass
class Twin:
    """Every space and link of a recorded network, and what of it could not be built."""

    spaces: dict[str, Space] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def space(self, name: str, kind: str = "", about: str = "") -> Space:
        """Return a space, made where it is not there yet."""
        return self.spaces.setdefault(name, Space(name, kind, about))

    def link(self, near: Space, kind: str, far: Space, far_kind: str) -> tuple[str, str]:
        """Link two spaces, and return the names of both devices."""
        made = Link(near.name, near.device(kind), far.name, far.device(far_kind))
        self.links.append(made)
        return made.near_device, made.far_device

    def end(self, space: str, device: str) -> str:
        """Return the name of the device at the other end of a link."""
        return next(one.far_device for one in self.links if (one.near, one.near_device) == (space, device))

    def links_text(self, prefix: str) -> str:
        """Return what ``ip -batch`` takes in this machine's own namespace: no device is ever made in that one."""
        return "".join(
            f"link add {one.near_device} address {MAC} netns {prefix}{one.near} type veth"
            f" peer name {one.far_device} address {MAC} netns {prefix}{one.far}\n"
            for one in self.links
        )

    def setup_text(self, name: str) -> str:
        """Return what ``ip -batch`` takes in one space: its links up, then its own lines."""
        ends = [one.near_device for one in self.links if one.near == name]
        ends += [one.far_device for one in self.links if one.far == name]
        up = "".join(f"link set {one} addrgenmode none arp off up\n" for one in ends)
        return f"link set lo up\naddr add 100.64.0.1/32 dev lo\n{up}{self.spaces[name].ip_text()}"

    def text(self) -> str:
        """Return the whole twin as one page, for people and for tests."""
        parts = [f"# links\n{self.links_text('')}"]
        for name in sorted(self.spaces):
            one = self.spaces[name]
            parts.append(f"# {one.kind} {name}\n{self.setup_text(name)}{one.nft_text()}")
        return "\n".join([*parts, *(f"# not built: {one}" for one in self.missing)])


def matches(member: str, blocks: Iterable[Range]) -> list[str]:
    """Return one match per family of what lies in any of the blocks: ``member`` is ``saddr`` or ``daddr``."""
    import ipaddress

    held = list(blocks)
    found = []
    for family, version in (("ip", 4), ("ip6", 6)):
        same = sorted(ipaddress.collapse_addresses([one for one in held if one.version == version]))  # type: ignore[type-var]
        if same:
            found.append(f"{family} {member} {{ {', '.join(str(one) for one in same)} }}")
    return found
