"""Why a link of the first deployment is broken: which endpoint, rule, policy, role or object broke it.

One function a link. Each looks for what breaks that link, in the order in which a request meets it, and yields every
cause that stands in the recorded pages; a cause that could not be looked for raises ``NotObserved``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from airgap.checks.deployment_path import PATH_READS, Cause, Place, place_of, unreached
from airgap.checks.deployment_subject import APPLICATION, Subject, condition, declared_images, pods, subject, workloads
from airgap.checks.keys import KEY_READS
from airgap.checks.registry import LISTED
from airgap.checks.roles import READS as ROLE_READS
from airgap.checks.roles import one_role, policies
from airgap.checks.running import PODS, objects
from airgap.checks.scope import Item, every, label, sealed_subnets
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.policy import ALLOW, DENY, Request, evaluate, parse

REPOSITORY_POLICY = "ecr:GetRepositoryPolicy"
PULL, PUSH = ("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"), ("ecr:InitiateLayerUpload", "ecr:PutImage")
PULLING = ("AmazonEC2ContainerRegistryPullOnly", "AmazonEC2ContainerRegistryReadOnly")
"""AWS's own policies by which a node may pull."""
STORES, EXTERNAL = "kubernetes:ListClusterSecretStores", "kubernetes:ListExternalSecrets"

PUSH_READS = (*PATH_READS, *ROLE_READS, REPOSITORY_POLICY)
PULL_READS = (*PATH_READS, *ROLE_READS, REPOSITORY_POLICY, *KEY_READS)
RUN_READS = (STORES, EXTERNAL, "eks:DescribePodIdentityAssociation", *PATH_READS)


def _interfaces(estate: Estate, hosts: Iterable[str]) -> list[Item]:
    wanted = set(hosts)
    found = estate.items("ec2:DescribeNetworkInterfaces", "NetworkInterfaces")
    return [one for one in found if one.get("PrivateIpAddress") in wanted]


def nodes(intent: Intent, estate: Estate) -> Place:
    """Return where the cluster's nodes stand: by the addresses of the hosts that its pods run on."""
    hosts = {str(dig(one, "status.hostIP")) for one in objects(estate, PODS) if dig(one, "status.hostIP")}
    return place_of("the nodes", _interfaces(estate, hosts))


def _runner(intent: Intent, estate: Estate) -> Place:
    """Return where CI/CD stands: its group, in the sealed subnets."""
    groups = estate.items("ec2:DescribeSecurityGroups", "SecurityGroups")
    own = tuple(one["GroupId"] for one in groups if label(one, "GroupId") == "security-group:runner")
    return Place("the runner", own, tuple(one["SubnetId"] for _, one in sealed_subnets(intent, estate)))


def not_pushed(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what keeps the deployment role from pushing: repository, its policy, the role, the endpoints."""
    one = subject(intent, estate)
    if not _exists(one, estate):
        yield Cause(f"repository:{one.repository}", "it does not exist", "apply the step images")
        return
    for _, role in one_role("deploy")(intent, estate):
        yield from _by_repository(one, role, PUSH, intent, estate)
        own = [each["VpcEndpointId"] for each in estate.items("ec2:DescribeVpcEndpoints", "VpcEndpoints")]
        contexts = [{**_caller(intent), "aws:SourceVpce": (each,)} for each in own]
        yield from _by_role(role, PUSH, _arn(one, intent), contexts, intent, estate)
    for service in ("ecr.api", "ecr.dkr", "s3"):
        yield from unreached(service, _runner(intent, estate), ("ci-runner",), intent, estate)


def not_registered(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield which digest was deployed, and what the tag names, where they are not the locked one."""
    one = subject(intent, estate)
    for workload in workloads(estate):
        name = f"Deployment {APPLICATION}/{workload['metadata']['name']}"
        for image in declared_images(workload):
            if image != one.reference:
                yield Cause(name, f"it names {image}, and {one.reference} was pushed", _AGAIN)
    if not workloads(estate):
        yield Cause(f"namespace {APPLICATION}", "no Deployment in it", _AGAIN)


_AGAIN = "apply the step first_deployment, which deploys what the lock pins"


def not_pulled(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what keeps nodes from pulling: their role, the repository's policy and key, and the endpoints."""
    one = subject(intent, estate)
    if not _exists(one, estate):
        yield Cause(f"repository:{one.repository}", "it does not exist", "apply the step images")
    for _, role in one_role("node")(intent, estate):
        yield from _by_repository(one, role, PULL, intent, estate)
        if not _pulls(role):
            yield from _by_role(role, PULL, _arn(one, intent), [_caller(intent)], intent, estate)
        yield from _denied(role, PULL, _arn(one, intent), intent, estate)
    yield from _by_key(one, estate)
    for service in ("ecr.api", "ecr.dkr", "s3"):
        yield from unreached(service, nodes(intent, estate), ("ecr-pull",), intent, estate)
    yield from _unscheduled(pods(estate))


def _exists(one: Subject, estate: Estate) -> bool:
    return one.repository in [each["repositoryName"] for each in every(estate, LISTED, "repositories")]


def _arn(one: Subject, intent: Intent) -> str:
    return intent.arn("ecr", f"repository/{one.repository}")


def _caller(intent: Intent) -> dict[str, tuple[str, ...]]:
    organization: dict[str, tuple[str, ...]] = {}
    if intent.organization:
        organization["aws:PrincipalOrgID"] = (intent.organization,)
    return {"aws:PrincipalAccount": (intent.account,), "aws:PrincipalIsAWSService": ("false",), **organization}


def _asked(role: Item, action: str, resource: str, intent: Intent, context: Mapping[str, tuple[str, ...]]) -> Request:
    return Request(action, resource, role["Arn"], "AWS", intent.account, context, complete=False)


def _by_repository(one: Subject, role: Item, actions: Iterable[str], intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield each action that the repository's policy denies the role; what it does not name is the role's own right."""
    page = estate.page(REPOSITORY_POLICY, repositoryName=one.repository) or {}
    if not page.get("policyText"):
        return
    policy = parse(page["policyText"])
    for action in actions:
        decision = evaluate(policy, _asked(role, action, _arn(one, intent), intent, _caller(intent)))
        if decision.outcome == DENY and decision.statement is not None:
            what = f"its policy refuses {action} to {role['RoleName']} ({decision.reason})"
            yield Cause(f"repository:{one.repository}", what, "apply the step images, which sets its own policy")


def _pulls(role: Item) -> bool:
    carried = {str(one["PolicyArn"]).rpartition("/")[2] for one in role.get("AttachedManagedPolicies", [])}
    return bool(carried & set(PULLING))


def _by_role(
    role: Item,
    actions: Iterable[str],
    resource: str,
    contexts: list[dict[str, tuple[str, ...]]],
    intent: Intent,
    estate: Estate,
) -> Iterator[Cause]:
    """Yield each action that no policy of the role allows in any of these contexts."""
    found = [policy for _, policy in policies(role, estate)]
    for action in actions:
        asked = [_asked(role, action, resource, intent, context) for context in contexts]
        if not any(evaluate(policy, one).outcome == ALLOW for policy in found for one in asked):
            what = f"no policy of it allows {action} on {resource}"
            yield Cause(f"role {role['RoleName']}", what, "apply the step identity")


def _denied(role: Item, actions: Iterable[str], resource: str, intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield each action that a policy of the role denies by name."""
    for name, policy in policies(role, estate):
        for action in actions:
            decision = evaluate(policy, _asked(role, action, resource, intent, _caller(intent)))
            if decision.outcome == DENY and decision.statement is not None:
                what = f"its policy {name} denies {action} ({decision.reason})"
                yield Cause(f"role {role['RoleName']}", what, "take the statement out; CloudTrail says who added it")


def _by_key(one: Subject, estate: Estate) -> Iterator[Cause]:
    """Yield the key under which the repository's layers lie, where it gives nothing out."""
    for each in every(estate, LISTED, "repositories"):
        key = dig(each, "encryptionConfiguration.kmsKey")
        if each["repositoryName"] != one.repository or not key:
            continue
        for _, body in estate.pages("kms:DescribeKey"):
            told = body.get("KeyMetadata") or {}
            if told.get("Arn") == key and told.get("KeyState") != "Enabled":
                yield Cause(str(key), f"the key of the repository is {told.get('KeyState')}", "enable the key again")


def _unscheduled(found: Iterable[Item]) -> Iterator[Cause]:
    for pod in found:
        told = condition(pod, "PodScheduled")
        if told.get("status") == "False":
            name = f"Pod {APPLICATION}/{pod['metadata']['name']}"
            yield Cause(name, f"no node takes it: {told.get('message')}", "look at the node group and the autoscaler")


def not_running(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield what keeps pulled containers from running: admission, the secret and its chain, or their own end."""
    for workload in workloads(estate):
        refused = condition(workload, "ReplicaFailure")
        if refused.get("status") == "True":
            name = f"Deployment {APPLICATION}/{workload['metadata']['name']}"
            yield Cause(name, f"its pods are refused: {refused.get('message')}", "mend what the admission names")
    waiting = [state for pod in pods(estate) for state in _waiting(pod)]
    if any("secret" in str(state.get("message")).lower() for state in waiting):
        yield from _no_secret(intent, estate)
    for state in waiting:
        if state.get("reason") == "CrashLoopBackOff":
            what = f"the application ends by itself: {state.get('message')}"
            yield Cause(f"namespace {APPLICATION}", what, "read the container's log; the platform has done its part")
    yield from _unscheduled(pods(estate))


def _waiting(pod: Item) -> Iterator[Mapping[str, Any]]:
    for one in dig(pod, "status.containerStatuses") or []:
        if dig(one, "state.waiting"):
            yield one["state"]["waiting"]


def _no_secret(intent: Intent, estate: Estate) -> Iterator[Cause]:
    """Yield the broken part of the way of a secret: external secret, store, identity, endpoint."""
    name = intent.secrets.external_secret
    wanted = [one for one in objects(estate, EXTERNAL) if one["metadata"]["name"] == name]
    if not wanted:
        yield Cause(f"ExternalSecret {APPLICATION}/{name}", "it does not exist", "apply the step secrets")
    for one in wanted:
        told = condition(one, "Ready")
        if told.get("status") != "True":
            what = f"it is not synchronised: {told.get('reason')}: {told.get('message')}"
            yield Cause(f"ExternalSecret {APPLICATION}/{name}", what, "mend what follows, or apply the step secrets")
    if intent.secrets.store not in [one["metadata"]["name"] for one in objects(estate, STORES)]:
        yield Cause(f"ClusterSecretStore {intent.secrets.store}", "it does not exist", "apply the step secrets")
    bound = [one["association"] for _, one in estate.pages("eks:DescribePodIdentityAssociation")]
    if intent.cluster.workload_identity == "pod-identity" and not any(
        one.get("serviceAccount") == "external-secrets" for one in bound
    ):
        what = "no Pod Identity association gives its service account a role"
        yield Cause("service account external-secrets", what, "apply the step cluster")
    yield from unreached("secretsmanager", nodes(intent, estate), ("external-secrets",), intent, estate)
