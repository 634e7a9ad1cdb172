"""The runner: sealed, with a role of its own, and deployments that are what the params render.

Properties NET-05, NET-11, IAM-01, SUP-01, KEY-02. What is run inside is compared with what ``model.delivery`` renders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from airgap.checks.check import NotApplicable, check
from airgap.checks.cluster_nodes import INSTANCE_READS, instances
from airgap.checks.roles import DETAILS, one_role
from airgap.checks.scope import Item, Named, every, is_ours, tiers
from airgap.model import delivery
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy_document import parse

RUNNER = "instance:runner"
RULES, PROFILES, USER_DATA = (
    "ec2:DescribeSecurityGroupRules",
    "iam:ListInstanceProfiles",
    "ec2:DescribeInstanceAttribute",
)
LISTED, GOT, SHARED = "ssm:ListDocuments", "ssm:GetDocument", "ssm:DescribeDocumentPermission"


def runners(intent: Intent, estate: Estate) -> Named:
    """Return the runner host, where the variant has one."""
    if not delivery.has_host(intent):
        raise NotApplicable(f"deployments run without a host of ours: {delivery.variant(intent).title}")
    return [one for one in instances(intent, estate) if one[0] == RUNNER and is_ours(one[1], intent)]


def callers(groups: Any, estate: Estate) -> Iterator[str]:
    """Yield each inbound rule of groups."""
    for rule in every(estate, RULES, "SecurityGroupRules"):
        if rule["GroupId"] in groups and not rule.get("IsEgress"):
            yield f"rule {rule['SecurityGroupRuleId']} admits callers"


@check(
    "runner-sealed",
    "The runner stands in a sealed subnet, and nothing may call it",
    severity="critical",
    properties=("NET-05",),
    reads=(*INSTANCE_READS, "ec2:DescribeSubnets", RULES),
    remedy="revoke its groups' inbound rules; Session Manager needs none, and a runner asks for its work itself",
    over=runners,
)
def sealed(runner: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the runner is elsewhere, or each inbound rule of a group that it carries."""
    tier = tiers(intent, estate).get(runner.get("SubnetId", ""), "foreign")
    if tier != "private":
        yield f"it stands in {runner.get('SubnetId')}, a {tier} subnet"
    carried = {one["GroupId"] for link in runner.get("NetworkInterfaces", []) for one in link.get("Groups", [])}
    yield from callers(carried, estate)


@check(
    "runner-own-role",
    "The runner has its own profile, and the profile the runner's role alone",
    severity="critical",
    properties=("IAM-01",),
    reads=(*INSTANCE_READS, PROFILES),
    remedy="replace the runner by one with its own profile; put the runner's role, and no other, into that",
    over=runners,
)
def own_role(runner: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the runner has no profile, another's, or one with a role that is not the runner's."""
    carried, wanted = dig(runner, "IamInstanceProfile.Arn"), intent.name("runner")
    for profile in every(estate, PROFILES, "InstanceProfiles"):
        if profile["Arn"] != carried:
            continue
        if profile["InstanceProfileName"] != wanted:
            yield f"it carries the profile {profile['InstanceProfileName']}"
        for role in profile.get("Roles", []):
            if role["RoleName"] != wanted:
                yield f"with its profile it becomes the role {role['RoleName']}"
        return
    yield "it carries no profile of the account" if carried else "it carries no profile"


@check(
    "runner-without-user-data",
    "The runner was started without user data, so nothing can be hidden there",
    severity="high",
    properties=("KEY-02",),
    reads=(*INSTANCE_READS, USER_DATA),
    remedy="replace the runner; a token that stood there is to be withdrawn",
    over=runners,
)
def no_user_data(runner: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that user data is there: whoever may describe the instance, or runs on it, reads that."""
    page = estate.page(USER_DATA, InstanceId=runner["InstanceId"], Attribute="userData") or {}
    if dig(page, "UserData.Value"):
        yield "it has user data, which everybody reads who may describe it"


def documents(intent: Intent, estate: Estate) -> list[tuple[str, tuple[str, Item]]]:
    """Return the documents by which deployments are started: purpose, and what is listed of each."""
    if not delivery.has_documents(intent):
        raise NotApplicable(f"no document starts a deployment: {delivery.variant(intent).title}")
    held = {one["Name"]: one for one in every(estate, LISTED, "DocumentIdentifiers")}
    wanted = {purpose: delivery.document_name(intent, purpose) for purpose in delivery.PURPOSES}
    return [(f"document:{purpose}", (purpose, held.get(name, {}))) for purpose, name in wanted.items()]


@check(
    "documents-own",
    "The document that starts a deployment is the account's own and shared with nobody",
    severity="high",
    properties=("NET-11",),
    reads=(LISTED, SHARED),
    remedy="end the sharing; apply the step pipeline",
    over=documents,
)
def documents_own(item: tuple[str, Item], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that a document is missing, somebody else's, or shared."""
    found = item[1]
    if not found:
        yield "there is no such document"
        return
    if found.get("Owner") not in (None, intent.account):
        yield f"it belongs to {found['Owner']}"
    page = estate.page(SHARED, Name=found["Name"], PermissionType="Share") or {}
    for who in page.get("AccountIds") or []:
        yield f"it is shared with {'everybody' if who == 'all' else f'account {who}'}"


@check(
    "documents-rendered",
    "What a document runs is what the params render: one chart and one image by digest, as the deployment role",
    severity="critical",
    properties=("SUP-01", "IAM-01"),
    reads=(LISTED, GOT),
    remedy="find out who changed the document, and what was deployed since; then apply the step pipeline",
    over=documents,
)
def documents_rendered(item: tuple[str, Item], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that the version that runs holds something else."""
    purpose, found = item
    if not found:
        yield "there is no such document"
        return
    page = estate.page(GOT, Name=found["Name"], DocumentVersion="$DEFAULT") or {}
    if json.loads(page.get("Content") or "null") != delivery.document(intent, purpose):
        yield f"its version {page.get('DocumentVersion')}, the one that runs, is not what the params render"


@check(
    "role-deploy-trusted",
    "Nobody but the runner's role may become the deployment role",
    severity="critical",
    properties=("IAM-01",),
    reads=(DETAILS,),
    remedy="apply the step identity; look in CloudTrail for who became the role meanwhile",
    over=one_role("deploy"),
)
def deploy_trusted(role: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each principal that the deployment role trusts and that is not the runner's role."""
    runner = intent.arn("iam", f"role/{intent.name('runner')}", region="")
    document = role["AssumeRolePolicyDocument"]
    for statement in parse(document).statements:
        if statement.effect != "Allow":
            continue
        if "Principal" in statement.negated:
            yield "it trusts all but some"
        named = statement.principals or {"": ("nobody in particular",)}
        yield from (
            f"it trusts {who}" for kind, names in named.items() for who in names if (kind, who) != ("AWS", runner)
        )


CHECKS = (sealed, own_role, no_user_data, documents_own, documents_rendered, deploy_trusted)
