"""Rules of everything but the address plan: scope, approval, components, cluster, models, names and exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from airgap.controls.properties import PROPERTIES
from airgap.model.cluster import addons
from airgap.model.components import COMPONENTS
from airgap.model.intent import Intent
from airgap.params.forms import IMAGE
from airgap.params.problems import Problem, Where, nearest, quoted
from airgap.params.rules import repeated, rule

PARTITIONS = {
    "us-gov-": "aws-us-gov",
    "cn-": "aws-cn",
    "us-iso-": "aws-iso",
    "us-isob-": "aws-iso-b",
    "us-isof-": "aws-iso-f",
    "eu-isoe-": "aws-iso-e",
    "eusc-": "aws-eusc",
}
"""Beginning of a Region's name -> its partition; every other Region is in ``aws``."""

_PROFILE = re.compile(r"(us|us-gov|eu|apac|jp|au|ca|sa|global)\.(?=[a-z0-9-]+\.)")


def partition_of(region: str) -> str:
    """Return the partition of a Region, by the beginning of its name."""
    return next((partition for start, partition in PARTITIONS.items() if region.startswith(start)), "aws")


@rule("partition", "region", "regions_in_scope", "ai.inference_regions")
def regions_lie_in_the_partition(intent: Intent) -> Iterator[Problem]:
    """Every Region named is one of the partition's."""
    named: list[tuple[Where, str]] = [(("region",), intent.region)]
    named += [(("regions_in_scope", index), name) for index, name in enumerate(intent.regions_in_scope)]
    named += [(("ai", "inference_regions", index), name) for index, name in enumerate(intent.ai.inference_regions)]
    for where, name in named:
        partition = partition_of(name)
        if partition != intent.partition:
            what = f"{quoted(name)} is a Region of partition {partition}, and partition is {intent.partition}"
            yield Problem(where, what, f"set partition: {partition}, or another Region")


@rule("region", "regions_in_scope", "account", "accounts_in_scope")
def scope_holds_the_environment(intent: Intent) -> Iterator[Problem]:
    """What the statement speaks of includes the environment's own account and Region."""
    for key, scope, own in (
        ("accounts_in_scope", intent.accounts_in_scope, intent.account),
        ("regions_in_scope", intent.regions_in_scope, intent.region),
    ):
        if scope and own not in scope:
            yield Problem((key,), f"the environment's own, {quoted(own)}, is not in the list", "add it")


@rule("world", "approval")
def auto_approval_only_in_rehearsal(intent: Intent) -> Iterator[Problem]:
    """Nothing is applied unseen but to the embedded AWS."""
    if intent.approval == "auto" and not intent.embedded:
        what = f"'auto' is for rehearsal and lab only, and world is {intent.world}; allowed: digest, four-eyes"
        yield Problem(("approval",), what, "write digest, or four-eyes")


@rule("components")
def components_are_known(intent: Intent) -> Iterator[Problem]:
    """Every component is one that endpoints can be derived from, named once."""
    known = [component.name for component in COMPONENTS]
    for index, name in enumerate(intent.components):
        if name not in known:
            near = nearest(name, known)
            mend = f"did you mean {near}?" if near else f"allowed: {', '.join(known)}"
            yield Problem(("components", index), f"{quoted(name)} is not a component; {mend}")
    yield from repeated(("components",), intent.components)


@rule("components", "cluster.workload_identity")
def workload_identity_has_its_component(intent: Intent) -> Iterator[Problem]:
    """The component that hands roles to service accounts is among the components."""
    wanted = {"pod-identity": "pod-identity-agent", "irsa": "irsa"}[intent.cluster.workload_identity]
    if wanted not in intent.components:
        what = f"'{intent.cluster.workload_identity}' needs component {wanted}, which components does not name"
        yield Problem(("cluster", "workload_identity"), what, f"add {wanted} to components")


@rule("endpoints")
def endpoints_are_named_once(intent: Intent) -> Iterator[Problem]:
    """No endpoint is wanted twice, nor both wanted and accepted as missing."""
    yield from repeated(("endpoints", "extra"), intent.endpoints.extra)
    yield from repeated(("endpoints", "unavailable"), intent.endpoints.unavailable)
    for name in sorted(set(intent.endpoints.extra) & set(intent.endpoints.unavailable)):
        yield Problem(("endpoints", "unavailable"), f"{quoted(name)} stands under extra too", "remove one of the two")


@rule("cluster.node_groups")
def node_groups_can_scale(intent: Intent) -> Iterator[Problem]:
    """There is a node group; names differ; sizes are in order; each group has an instance type."""
    groups = intent.cluster.node_groups
    if not groups:
        yield Problem(("cluster", "node_groups"), "the list is empty; allowed: one node group or more")
    yield from repeated(("cluster", "node_groups"), [group.name for group in groups])
    for index, group in enumerate(groups):
        where: Where = ("cluster", "node_groups", index)
        if not group.instance_types:
            yield Problem((*where, "instance_types"), "the list is empty; allowed: one instance type or more")
        if not group.min_size <= group.desired_size <= group.max_size:
            what = f"sizes are min {group.min_size}, desired {group.desired_size}, max {group.max_size}"
            yield Problem((*where, "desired_size"), f"{what}; allowed: min <= desired <= max")


@rule("components", "cluster.addon_versions")
def addons_with_a_version_are_chosen(intent: Intent) -> Iterator[Problem]:
    """A version is named only for an add-on that the components bring."""
    known = [one.name for one in addons(intent)]
    for name in intent.cluster.addon_versions:
        if name not in known:
            what = f"{quoted(name)} is no add-on of the chosen components; allowed: {', '.join(known)}"
            yield Problem(("cluster", "addon_versions", name), what)


@rule("components", "images")
def charts_are_of_components(intent: Intent) -> Iterator[Problem]:
    """A chart is named for a chosen component, by registry, repository and version; no image is wanted twice."""
    for component, chart in intent.images.charts.items():
        where: Where = ("images", "charts", component)
        if component not in (*intent.components, "application"):
            yield Problem(where, f"{quoted(component)} is not among the components", "remove it, or choose it")
        if not IMAGE.accepts(chart):
            meant = IMAGE.mend(chart) if IMAGE.mend else ""
            what = f"{quoted(chart)} is not {IMAGE.noun}; allowed: {IMAGE.allowed}"
            yield Problem(where, what, f"write {meant}" if meant else "")
    if ("application" in intent.images.charts) != bool(intent.images.application):
        what = "image and chart of the application come together"
        yield Problem(("images", "application"), what, "name both images.application and images.charts.application")
    yield from repeated(("images", "extra"), intent.images.extra)


@rule("pipeline")
def tools_are_pinned(intent: Intent) -> Iterator[Problem]:
    """A tool that is fetched is helm or kubectl, and named by the SHA-256 of its one file."""
    for tool, digest in intent.pipeline.tools.items():
        where: Where = ("pipeline", "tools", tool)
        if tool not in ("helm", "kubectl"):
            yield Problem(where, f"{quoted(tool)} is not a tool of a deployment; allowed: helm, kubectl")
        if not re.fullmatch(r"[0-9a-f]{64}", digest):
            yield Problem(where, f"{quoted(digest)} is not a SHA-256; allowed: 64 hex digits, as sha256sum prints them")


@rule("ai")
def models_stay_in_the_region(intent: Intent) -> Iterator[Problem]:
    """Models are named by foundation model id; that inference leaves the Region is declared by naming Regions."""
    named: list[tuple[Where, str]] = [(("ai", "models", index), name) for index, name in enumerate(intent.ai.models)]
    for where, name in [*named, (("ai", "embedding_model"), intent.ai.embedding_model)]:
        profile = _PROFILE.match(name)
        if profile:
            what = f"{quoted(name)} is a cross-Region inference profile, not a foundation model"
            yield Problem(where, what, f"write {name[profile.end() :]}, and its Regions under ai.inference_regions")
    yield from repeated(("ai", "models"), intent.ai.models)
    if not intent.ai.models:
        yield Problem(("ai", "models"), "the list is empty; allowed: one model or more")


@rule("partition", "account", "region", "identity", "edge.certificate_arn")
def arns_lie_in_the_partition(intent: Intent) -> Iterator[Problem]:
    """ARNs carry the environment's partition; the certificate and the boundary also its account, and its Region."""
    identity, own = intent.identity, f"arn:{intent.partition}:"
    named: list[tuple[Where, str | None, str]] = [
        (("identity", key, index), arn, own)
        for key in ("developer_principals", "break_glass_principals")
        for index, arn in enumerate(getattr(identity, key))
    ]
    named.append((("edge", "certificate_arn"), intent.edge.certificate_arn, intent.arn("acm", "certificate/")))
    named.append((("identity", "permissions_boundary"), identity.permissions_boundary, own))
    for where, arn, start in named:
        if arn and not arn.startswith(start):
            yield Problem(where, f"{quoted(arn)} is not of this environment; allowed: {start}...")


_ID_PREFIXES = {
    "vpc": "vpc",
    "subnet": "subnet",
    "route-table": "rtb",
    "internet-gateway": "igw",
    "nat-gateway": "nat",
    "network-acl": "acl",
    "security-group": "sg",
    "endpoint": "vpce",
    "vpc-endpoint": "vpce",
    "dhcp-options": "dopt",
    "flow-log": "fl",
}
_ID = re.compile(r"([a-z]+(?:-[a-z]+)*)-([0-9a-f]{8}|[0-9a-f]{17})")


@rule("adopt")
def adopted_resources_are_named_by_id(intent: Intent) -> Iterator[Problem]:
    """An adopted resource is ``kind:name`` with an AWS id, ARN or name; of a kind with ids of its own, such an id."""
    for key, value in intent.adopt.items():
        where: Where = ("adopt", key)
        if not re.fullmatch(r"[a-z][a-z0-9-]*:\S{1,200}", key):
            yield Problem(where, f"key {quoted(key)} is not a logical key; allowed: KIND:NAME, as vpc:main")
            continue
        wanted = _ID_PREFIXES.get(key.partition(":")[0])
        found = _ID.fullmatch(value)
        if wanted and not (found and found[1] == wanted):
            what = f"{quoted(value)} is not the id of such a resource; allowed: {wanted}- and 8 or 17 hex digits"
            yield Problem(where, what)
        elif not re.fullmatch(r"[A-Za-z0-9/_+=,.@:*-]{1,2048}", value):
            yield Problem(where, f"{quoted(value)} is not an AWS id, ARN or name")


@rule("logs.trail", "adopt")
def adopted_trail_is_named(intent: Intent) -> Iterator[Problem]:
    """An adopted trail is named under ``adopt``."""
    if intent.logs.trail == "adopted" and not any(key.startswith("trail:") for key in intent.adopt):
        what = "'adopted' needs the trail under adopt, and none is there"
        yield Problem(("logs", "trail"), what, "add trail:NAME: its ARN")


@rule("exceptions")
def waivers_end_after_they_begin(intent: Intent) -> Iterator[Problem]:
    """An exception's last day is not before its approval; whether it is over is judged on the day of a run."""
    for index, waiver in enumerate(intent.exceptions):
        if waiver.expires < waiver.created:
            what = f"{quoted(waiver.expires)} is before created {quoted(waiver.created)}; allowed: that day or later"
            yield Problem(("exceptions", index, "expires"), what)


@rule("exceptions")
def waivers_name_known_properties(intent: Intent) -> Iterator[Problem]:
    """An exception is of a property that there is; of any other it would waive nothing, unnoticed."""
    known = [one.id for one in PROPERTIES]
    for index, waiver in enumerate(intent.exceptions):
        if waiver.property not in known:
            near = nearest(waiver.property, known)
            mend = f"did you mean {near}?" if near else f"allowed: {known[0]} to {known[-1]}"
            yield Problem(("exceptions", index, "property"), f"{quoted(waiver.property)} is no property; {mend}")
