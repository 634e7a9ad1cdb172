"""The components as data: what each needs from endpoints.

Sources: EKS User Guide "Deploy private clusters with limited internet access" and the components' own documentation.
"""

from __future__ import annotations

from typing import NamedTuple

from airgap.model.component_calls import CALLS, Calls


class Need(NamedTuple):
    """An endpoint that a component needs; `when` names another component that must be chosen for the need to exist."""

    service: str
    reason: str
    hard: bool = True
    when: str = ""


class Component(NamedTuple):
    """Something that runs in the sealed subnets."""

    name: str
    title: str
    needs: tuple[Need, ...]
    calls: tuple[Calls, ...]


_PULL_NEEDS = (
    Need("ecr.api", "the credential provider asks it for a registry token"),
    Need("ecr.dkr", "image manifests and layer addresses come through it"),
    Need("s3", "image layers are downloaded from ECR's bucket of the Region"),
)
_IDENTITY = (
    Need("eks-auth", "its credentials come from EKS Pod Identity", when="pod-identity-agent"),
    Need("sts", "its web identity token is exchanged at the regional STS", when="irsa"),
)
COMPONENTS: tuple[Component, ...] = (
    Component(
        "node-bootstrap",
        "AL2023 nodes joining the cluster (nodeadm, kubelet)",
        (
            Need("ec2", "nodeadm asks DescribeInstances for the node's private DNS name and retries until it works"),
            *_PULL_NEEDS,
            Need("eks", "only a self-managed node without endpoint and CA in its NodeConfig asks for them", hard=False),
        ),
        CALLS["node-bootstrap"],
    ),
    Component(
        "ecr-pull",
        "Image pulls, from own repositories and from AWS's add-on registry",
        (*_PULL_NEEDS, Need("ecr-public.api", "public repositories, in us-east-1 alone", hard=False)),
        CALLS["ecr-pull"],
    ),
    Component(
        "control-plane",
        "EKS API server with customer-routed egress",
        (Need("oidc-eks", "the API server fetches the issuer's keys over the cluster's own interfaces", when="irsa"),),
        CALLS["control-plane"],
    ),
    Component(
        "vpc-cni",
        "VPC CNI plug-in",
        (Need("ec2", "it attaches interfaces and assigns pod addresses"), *_IDENTITY),
        CALLS["vpc-cni"],
    ),
    Component(
        "pod-identity-agent",
        "EKS Pod Identity agent",
        (Need("eks-auth", "it exchanges each pod's token for credentials"),),
        CALLS["pod-identity-agent"],
    ),
    Component(
        "irsa",
        "IAM roles for service accounts",
        (Need("sts", "web identity tokens are exchanged at the regional STS"),),
        CALLS["irsa"],
    ),
    Component(
        "ebs-csi",
        "EBS CSI driver",
        (
            Need("ec2", "it creates, attaches and snapshots volumes"),
            *_IDENTITY,
            Need("kms", "EBS encryption is done by EC2; only a client that asks KMS itself needs it", hard=False),
        ),
        CALLS["ebs-csi"],
    ),
    Component(
        "cluster-autoscaler",
        "Cluster Autoscaler",
        (
            Need("autoscaling", "it reads the groups and sets their desired size"),
            Need("ec2", "it reads instance types and launch templates"),
            *_IDENTITY,
            Need("eks", "labels of an empty node group, for scaling from zero", hard=False),
        ),
        CALLS["cluster-autoscaler"],
    ),
    Component(
        "load-balancer-controller",
        "AWS Load Balancer Controller, binding targets only",
        (
            Need("elasticloadbalancing", "it registers pods in the target group"),
            Need("ec2", "it reads subnets, groups and interfaces"),
            *_IDENTITY,
            Need("acm", "certificate discovery", hard=False),
            Need("wafv2", "web ACL association by the controller (enable-wafv2)", hard=False),
            Need("shield", "Shield protection by the controller (enable-shield)", hard=False),
            Need("tagging", "the EnableRGTAPI feature", hard=False),
        ),
        CALLS["load-balancer-controller"],
    ),
    Component(
        "external-secrets",
        "External Secrets Operator",
        (
            Need("secretsmanager", "it reads the secrets that it mirrors; KMS is asked by Secrets Manager itself"),
            *_IDENTITY,
            Need("ssm", "Parameter Store as a source", hard=False),
        ),
        CALLS["external-secrets"],
    ),
    Component(
        "log-shipper",
        "Fluent Bit and CloudWatch agent",
        (
            Need("logs", "container and host logs are written to it"),
            Need("monitoring", "metrics are written to it"),
            *_IDENTITY,
            Need("ec2", "instance tags and volumes as dimensions", hard=False),
            Need("xray", "traces", hard=False),
            Need("application-signals", "service-level metrics", hard=False),
        ),
        CALLS["log-shipper"],
    ),
    Component(
        "session-manager",
        "SSM agent and Session Manager, with encrypted sessions and transcripts",
        (
            Need("ssm", "the agent registers itself and reads session documents"),
            Need("ssmmessages", "sessions run over it"),
            Need("kms", "both ends of an encrypted session ask for its data key"),
            Need("logs", "session transcripts are written to it"),
            Need("s3", "agent updates and documents come from buckets of Systems Manager"),
            Need("ec2messages", "fallback of older agents", hard=False),
        ),
        CALLS["session-manager"],
    ),
    Component(
        "dynamodb",
        "DynamoDB tables",
        (
            Need("dynamodb", "tables are read and written through the gateway"),
            Need("dynamodb-streams", "streams have no gateway endpoint", hard=False),
        ),
        CALLS["dynamodb"],
    ),
    Component(
        "application-buckets",
        "Application buckets in S3",
        (Need("s3", "objects are read and written through the gateway"),),
        CALLS["application-buckets"],
    ),
    Component(
        "bedrock-inference",
        "Applications that invoke Bedrock models",
        (
            Need("bedrock-runtime", "inference and embeddings"),
            Need("bedrock-agent-runtime", "agents and knowledge bases", hard=False),
        ),
        CALLS["bedrock-inference"],
    ),
    Component(
        "bedrock-verify",
        "The check that models are active and inference is logged",
        (Need("bedrock", "models, guardrails and logging are read from it"),),
        CALLS["bedrock-verify"],
    ),
    Component(
        "transcribe-batch",
        "Transcription jobs on recorded audio",
        (
            Need("transcribe", "jobs are started and followed through it"),
            Need("s3", "audio and transcripts are carried through own buckets"),
        ),
        CALLS["transcribe-batch"],
    ),
    Component(
        "transcribe-streaming",
        "Live transcription",
        (Need("transcribestreaming", "audio is streamed through it"),),
        CALLS["transcribe-streaming"],
    ),
    Component(
        "secret-rotation",
        "The function that rotates database passwords",
        (Need("secretsmanager", "it reads the old password and stores the new one"),),
        CALLS["secret-rotation"],
    ),
    Component(
        "database-bootstrap",
        "The function that prepares the database for vectors",
        (Need("secretsmanager", "it reads the master's password"),),
        CALLS["database-bootstrap"],
    ),
    Component(
        "operations-host",
        "The operators' host (kubectl, helm, diagnosis)",
        (
            Need("sts", "every session starts by asking who it is"),
            Need("ec2", "diagnosis reads the network"),
            Need("eks", "kubeconfig and cluster state come from it"),
            Need(
                "oidc-eks", "the eks endpoint's private DNS hides the issuer's name unless this endpoint answers for it"
            ),
            Need("ecr.api", "images are looked up"),
            Need("ecr.dkr", "images and charts are pulled"),
            Need("s3", "the kit and image layers come through it"),
            Need("elasticloadbalancing", "target health is read"),
            Need("autoscaling", "node group activity is read"),
            Need("secretsmanager", "rotation state is read"),
            Need("ssm", "parameters are read"),
            Need("ssmmessages", "it is reached by Session Manager alone"),
            Need("logs", "logs are read"),
            *(
                Need(service, "operators' look-ups; the runbook reads it from outside", hard=False)
                for service in ("acm", "bedrock", "cloudtrail", "dynamodb", "elasticache", "rds", "tagging", "wafv2")
            ),
        ),
        CALLS["operations-host"],
    ),
    Component(
        "ci-runner",
        "The self-hosted CI runner that pushes images and deploys",
        (
            Need("sts", "it assumes the deployment role"),
            *_PULL_NEEDS,
            Need("eks", "kubeconfig comes from it"),
            Need("secretsmanager", "it reads the secrets that a deployment names"),
            Need("ssm", "it is reached by Session Manager alone, and reads parameters"),
        ),
        CALLS["ci-runner"],
    ),
    Component(
        "runbook-inside",
        "The runbook itself, run on the operations host instead of from outside",
        (
            *(
                Need(service, "the runbook reads and changes what it deploys")
                for service in (
                    *(
                        "acm",
                        "autoscaling",
                        "bedrock",
                        "cloudtrail",
                        "dynamodb",
                        "ec2",
                        "ecr.api",
                        "eks",
                        "elasticache",
                    ),
                    *("elasticloadbalancing", "kms", "logs", "monitoring", "rds", "s3", "secretsmanager", "ssm", "sts"),
                    *("tagging", "transcribe", "wafv2"),
                )
            ),
        ),
        CALLS["runbook-inside"],
    ),
)
