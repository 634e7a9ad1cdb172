"""What an environment's cluster is declared to be, from its params alone: add-ons, access, service accounts, names.

Both the declarations and the checks speak from these tables. AWS: EKS User Guide, "Amazon EKS add-ons", "Grant IAM
users access to Kubernetes with EKS access entries", "EKS Pod Identity".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from airgap.model.intent import Intent
from airgap.model.prices import size

LOG_TYPES = ("api", "audit", "authenticator", "controllerManager", "scheduler")
EGRESS = {"customer-routed": "CUSTOMER_ROUTED", "aws-managed": "AWS_MANAGED"}
ADMIN_POLICY = "AmazonEKSClusterAdminPolicy"
CONTAINER_LOGS = ("application", "dataplane", "host", "performance")
"""Log groups that the shipper writes, under ``/aws/containerinsights/CLUSTER``."""
FORWARDING = "AWS-StartPortForwardingSessionToRemoteHost"
"""The document of a tunnel through the operations host."""
DOCUMENTS = ("SSM-SessionManagerRunShell", FORWARDING)
"""The documents by which a session on the operations host may be started."""


class Addon(NamedTuple):
    """An EKS add-on: the component for whose sake it is there ('': always), and whether nodes need it to be Ready.

    ``identity`` names the service account that acts in AWS for it, ``configuration`` is its configuration as JSON.
    """

    name: str
    component: str
    before_nodes: bool
    identity: str = ""
    configuration: str = ""


ADDONS = (
    Addon("vpc-cni", "", True, "vpc-cni", '{"enableNetworkPolicy":"true"}'),
    Addon("kube-proxy", "", True),
    Addon("eks-pod-identity-agent", "pod-identity-agent", True),
    Addon("coredns", "", False),
    Addon("aws-ebs-csi-driver", "ebs-csi", False, "ebs-csi"),
    Addon("amazon-cloudwatch-observability", "log-shipper", False, "log-shipper"),
)


class ServiceAccount(NamedTuple):
    """A service account with a role of its own, and the components for whose sake it exists."""

    name: str
    namespace: str
    account: str
    components: tuple[str, ...]


SERVICE_ACCOUNTS = (
    ServiceAccount("vpc-cni", "kube-system", "aws-node", ("vpc-cni",)),
    ServiceAccount("ebs-csi", "kube-system", "ebs-csi-controller-sa", ("ebs-csi",)),
    ServiceAccount("cluster-autoscaler", "kube-system", "cluster-autoscaler", ("cluster-autoscaler",)),
    ServiceAccount(
        "load-balancer-controller", "kube-system", "aws-load-balancer-controller", ("load-balancer-controller",)
    ),
    ServiceAccount("external-secrets", "external-secrets", "external-secrets", ("external-secrets",)),
    ServiceAccount("log-shipper", "amazon-cloudwatch", "cloudwatch-agent", ("log-shipper",)),
    ServiceAccount(
        "application",
        "application",
        "application",
        ("bedrock-inference", "transcribe-batch", "transcribe-streaming", "dynamodb", "application-buckets"),
    ),
)


class Access(NamedTuple):
    """Who may enter the cluster: a role by its name, the kind of entry, its Kubernetes groups, its access policies."""

    name: str
    role: str
    type: str
    groups: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    why: str = ""


def addons(intent: Intent) -> tuple[Addon, ...]:
    """Return the add-ons of the chosen components."""
    return tuple(one for one in ADDONS if not one.component or one.component in intent.components)


def service_accounts(intent: Intent) -> tuple[ServiceAccount, ...]:
    """Return the service accounts of the chosen components."""
    return tuple(one for one in SERVICE_ACCOUNTS if set(one.components) & set(intent.components))


def kubernetes_group(purpose: str) -> str:
    """Return the Kubernetes group of an access entry, as ``airgap:verifier``; roles in the cluster are bound to it."""
    return f"airgap:{purpose}"


def access(intent: Intent) -> tuple[Access, ...]:
    """Return the declared access entries: groups whose rights are roles in the cluster, the nodes, and break-glass.

    No entry but break-glass carries an access policy: those admit no custom resources, and their administrators read
    every Secret.
    """

    def person(name: str, role: str, why: str) -> Access:
        return Access(name, role, "STANDARD", (kubernetes_group(name),), (), why)

    return (
        person("deployer", deployer_role(intent), "the runbook applies objects in its namespaces"),
        person("verifier", verifier_role(intent), "the runbook reads everything but secrets"),
        person("cicd", intent.identity.deploy_role, "CI/CD deploys releases in the application's namespaces"),
        person("developer", intent.name("developer"), "developers look, and see no secrets"),
        Access("nodes", intent.name("node"), "EC2_LINUX", why="nodes join the cluster as it"),
        Access(
            "break-glass",
            intent.name("break-glass"),
            "STANDARD",
            policies=(ADMIN_POLICY,),
            why="the last resort of a person with a second factor",
        ),
    )


def deployer_role(intent: Intent) -> str:
    """Return the name of the role as which the runbook deploys; it exists before the runbook runs."""
    return intent.identity.deployer_role or intent.name("deployer")


def verifier_role(intent: Intent) -> str:
    """Return the name of the role as which the runbook verifies; it exists before the runbook runs."""
    return intent.identity.verifier_role or intent.name("verifier")


def equal_sizes(types: Sequence[str]) -> bool:
    """Tell whether instance types are of one size, as the autoscaler assumes of the nodes of a group."""
    return len({found.vcpus if (found := size(one)) else one for one in types}) <= 1


ALARMED_STATE = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
"""The state of the rule on break-glass: AssumeRole is a read-only event, which a rule merely enabled need not see."""


def alarm_name(intent: Intent) -> str:
    """Return the name of the rule that sees break-glass used, and of the queue that it tells."""
    return intent.name("break-glass-used")


def alarm_queue(intent: Intent) -> str:
    """Return the ARN of the queue that keeps each use of break-glass."""
    return intent.arn("sqs", alarm_name(intent))


def alarm_targets(intent: Intent) -> dict[str, str]:
    """Return the ARN of each one who is told of break-glass, by its name in the rule."""
    listeners = enumerate(intent.identity.alarm_listeners, start=1)
    return {"queue": alarm_queue(intent), **{f"listener-{number}": arn for number, arn in listeners}}


def break_glass_pattern(intent: Intent) -> dict[str, Any]:
    """Return the event pattern of break-glass: somebody becomes the role, or a session of it calls AWS.

    EventBridge User Guide, "Comparison operators for use in event patterns" (``$or``).
    """
    role = [role_arn(intent, intent.name("break-glass"))]
    used = {"userIdentity": {"sessionContext": {"sessionIssuer": {"arn": role}}}}
    return {"detail": {"$or": [{"requestParameters": {"roleArn": role}}, used]}}


def role_arn(intent: Intent, name: str) -> str:
    """Return the ARN of a role of the environment by its name."""
    return intent.arn("iam", f"role/{name}", region="")


def made_by_eks(principal: str) -> bool:
    """Tell whether an access entry's principal is a service-linked role of EKS itself."""
    return ":role/aws-service-role/eks" in principal


def control_plane_log_group(intent: Intent) -> str:
    """Return the name of the log group to which EKS writes the control plane's logs; EKS alone chooses it."""
    return f"/aws/eks/{intent.cluster.name}/cluster"


def container_log_groups(intent: Intent) -> tuple[str, ...]:
    """Return the names of the log groups to which the shipper writes; none without one."""
    if "log-shipper" not in intent.components:
        return ()
    return tuple(f"/aws/containerinsights/{intent.cluster.name}/{one}" for one in CONTAINER_LOGS)
