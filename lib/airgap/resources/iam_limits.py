"""How far IAM can limit each action of the deployer: by our names, by our tags, or to this account and Region.

``iam_actions.tsv`` holds action, resource and the tags that can limit it (``request``: those that it sets at birth,
``resource``: those that are there), taken from the Service Authorization Reference by tests/resources/iam_reference.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from airgap.model.intent import Intent
from airgap.resources import names
from airgap.resources.identity import SERVICES
from airgap.resources.rights import platform_roles
from airgap.resources.roles import Role
from airgap.resources.workloads import pod_identity_trust, workload_roles

# Resources whose names are ours, so that a name says more than a tag, which somebody else might set.
NAMED: dict[str, tuple[str, ...]] = {
    "iam::{account}:role/*": ("role/{prefix}-*", "role/{deploy_role}"),
    "iam::{account}:instance-profile/*": ("instance-profile/{prefix}-*",),
    "kms:{region}:{account}:alias/*": ("alias/{prefix}-*",),
    "logs:{region}:{account}:log-group:*": (
        "log-group:{own_logs}",
        "log-group:/aws/*/{prefix}-*",
        "log-group:aws-waf-logs-{prefix}-*",
    ),
    "s3:::*": ("{prefix}-*-{account}-{region}",),
    "s3:::*/*": ("{prefix}-*-{account}-{region}/*",),
    "cloudtrail:{region}:{account}:trail/*": ("trail/{prefix}-*",),
}
# The action by which a service sets tags at birth, which it asks for beside the creating one.
TAGGING = {
    "cloudtrail": "cloudtrail:AddTags",
    "ec2": "ec2:CreateTags",
    "route53resolver": "route53resolver:TagResource",
}

# What they make is tagged in the same call (EC2 API Reference), although the reference lists no tags for them.
_RULES = frozenset({"ec2:AuthorizeSecurityGroupEgress", "ec2:AuthorizeSecurityGroupIngress"})

_EC2_ID = re.compile(r"[a-z]+(-[a-z]+)*-[0-9a-f]{8,17}")

Limit = tuple[str | list[str], dict[str, Any]]


@functools.cache
def scopes() -> Mapping[str, tuple[tuple[str, str], ...]]:
    """Action -> (ARN without partition, what tags can limit it), as the Service Authorization Reference has it."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for line in (files(__package__) / "iam_actions.tsv").read_text(encoding="utf-8").splitlines():
        action, resource, tagged = line.split("\t")
        found[action] = (*found.get(action, ()), (resource, tagged))
    return found


def creates(action: str) -> bool:
    """Tell whether an action makes something that it can tag in the same call."""
    return any(tagged == "request" for _, tagged in scopes().get(action, ()))


def limits(intent: Intent, action: str, born: bool, wanted: Iterable[str]) -> Iterator[Limit]:
    """Yield (resource, condition) for each sort of resource that an action touches.

    ``born`` says that it also touches what AWS makes, which carries no tag; ``wanted`` are all actions of the policy.
    Raises ``LookupError`` for an action without a row.
    """
    special = SPECIAL.get(action)
    if special:
        yield special(intent, wanted)
        return
    if action not in scopes():
        raise LookupError(f"iam_actions.tsv has no row for {action}; its maker is tests/resources/iam_reference.py")
    for template, tagged in scopes()[action]:
        yield _limit(intent, template, "-" if born and tagged == "resource" else tagged)
        if creates(action) and tagged == "resource" and not born and _adopted(intent):
            yield _adopted(intent), {}


def _adopted(intent: Intent) -> list[str]:
    """In what is somebody else's, as a shared VPC, things of ours are made; it carries no tag of ours and is named."""
    ids = [one for one in intent.adopt.values() if _EC2_ID.fullmatch(one)]
    return sorted(_arn(intent, f"ec2:{{region}}:{{account}}:*/{one}") for one in ids)


def _limit(intent: Intent, template: str, tagged: str) -> Limit:
    if template in NAMED:
        head = template.rpartition(":")[0] if template.startswith("s3") else ":".join(template.split(":")[:3])
        return [_arn(intent, f"{head}:{name}") for name in NAMED[template]], {}
    mine = {"StringEquals": {f"aws:{tagged.capitalize()}Tag/airgap:environment": intent.environment}}
    if tagged == "resource":
        return "*", mine
    return _arn(intent, template), mine if tagged == "request" else {}


def _arn(intent: Intent, template: str) -> str:
    if template == "*":
        return template
    values = {
        "region": intent.region,
        "account": intent.account,
        "prefix": intent.prefix,
        "deploy_role": intent.identity.deploy_role,
        "own_logs": names.log_group(intent, "*"),
    }
    return f"arn:{intent.partition}:{template.format(**values)}"


def _roles(intent: Intent) -> list[str]:
    return [_arn(intent, f"iam::{{account}}:{name}") for name in NAMED["iam::{account}:role/*"]]


def _declared_roles(intent: Intent) -> list[Role]:
    return [*platform_roles(intent), *workload_roles(intent, lambda one: pod_identity_trust(intent, one))]


def _pass_role(intent: Intent, wanted: Iterable[str]) -> Limit:
    """A role is passed to the services that its own trust names, and to no other."""
    roles = _declared_roles(intent)
    services = {
        one["Principal"]["Service"]
        for role in roles
        for one in role.trust["Statement"]
        if "Service" in one["Principal"]
    }
    return _roles(intent), {"StringEquals": {"iam:PassedToService": sorted(services)}}


def _service_linked(intent: Intent, wanted: Iterable[str]) -> Limit:
    services = [f"{name}.amazonaws.com" for name in SERVICES]
    resource = _arn(intent, "iam::{account}:role/aws-service-role/*")
    return resource, {"StringEquals": {"iam:AWSServiceName": services}}


def _bounded(intent: Intent, wanted: Iterable[str]) -> Limit:
    """Rights are given under the declared permissions boundary only, so that the deployer cannot outgrow itself."""
    boundary = intent.identity.permissions_boundary
    return _roles(intent), {"StringEquals": {"iam:PermissionsBoundary": boundary}} if boundary else {}


def _attach(intent: Intent, wanted: Iterable[str]) -> Limit:
    """AWS's own policies that the roles are declared to carry, and no other."""
    roles = _declared_roles(intent)
    attached = sorted({_arn(intent, f"iam::aws:policy/{name}") for role in roles for name in role.managed})
    resource, condition = _bounded(intent, wanted)
    return resource, {**condition, "ArnEquals": {"iam:PolicyARN": attached}}


def _tag_at_birth(intent: Intent, wanted: Iterable[str]) -> Limit:
    """EC2 tags in the creating call; tags of what exists are never changed (EC2 User Guide, "Tag resources")."""
    ours = [action for action in wanted if action.startswith("ec2:")]
    made = [action for action in ours if creates(action) or action in SPECIAL or action in _RULES]
    creating = [action.split(":")[1] for action in made if action != "ec2:CreateTags"]
    return _arn(intent, "ec2:*:{account}:*/*"), {"StringEquals": {"ec2:CreateAction": sorted(creating)}}


def _run(intent: Intent, wanted: Iterable[str]) -> Limit:
    """Instances of any image in what is ours, with IMDSv2 alone; there is no right to use an SSH key."""
    kinds = ("instance", "launch-template", "network-interface", "security-group", "subnet", "volume")
    resources = [_arn(intent, f"ec2:{{region}}:{{account}}:{one}/*") for one in kinds]
    ours = {"aws:ResourceTag/airgap:environment": intent.environment, "ec2:MetadataHttpTokens": "required"}
    return [*resources, _arn(intent, "ec2:{region}::image/*")], {"StringEqualsIfExists": ours}


def _package(intent: Intent, wanted: Iterable[str]) -> Limit:
    """Lambda takes the code of our functions with its caller's rights, and nothing else in a bucket is read."""
    return _arn(intent, "s3:::{prefix}-artifacts-{account}-{region}/functions/*"), {}


SPECIAL: dict[str, Callable[[Intent, Iterable[str]], Limit]] = {
    "ec2:CreateTags": _tag_at_birth,
    "iam:AttachRolePolicy": _attach,
    "iam:CreateRole": _bounded,
    "iam:CreateServiceLinkedRole": _service_linked,
    "iam:PassRole": _pass_role,
    "iam:PutRolePermissionsBoundary": _bounded,
    "iam:PutRolePolicy": _bounded,
    "ec2:RunInstances": _run,
    "s3:GetObject": _package,
    "s3:GetObjectVersion": _package,
}
