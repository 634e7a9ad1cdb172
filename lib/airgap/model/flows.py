"""Which data leaves the VPC through services of AWS, and what of each service AWS operates and the institution decides.

A sealed VPC still hands data to AWS: that is what its endpoints are for. These tables say which, to whom, and which
property of the statement decides it. AWS: "Shared Responsibility Model"; the services' own user guides.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airgap.model.derived import endpoint_services
from airgap.model.edge import PUBLIC, scheme
from airgap.model.intent import Intent


class Flow(NamedTuple):
    """Data that leaves the VPC, or enters it: what, by which way, where it ends, and the properties that decide it."""

    what: str
    way: str
    ends: str
    properties: tuple[str, ...]
    users: tuple[str, ...] = ()


class Share(NamedTuple):
    """One service: what AWS operates of it, what the institution decides, and the properties that show the latter."""

    service: str
    operated: str
    decided: str
    properties: tuple[str, ...]
    components: tuple[str, ...] = ()


_CARRIED = {
    "autoscaling": "descriptions of node groups, and their wanted sizes",
    "bedrock": "descriptions of models; no prompts",
    "bedrock-runtime": "prompts, texts to embed, and what models answer",
    "codebuild": "descriptions and states of builds",
    "codepipeline": "descriptions and states of releases",
    "dynamodb": "items of the application's table",
    "ec2": "descriptions of network and nodes; addresses that the CNI assigns",
    "ecr.api": "registry tokens, descriptions of images",
    "ecr.dkr": "image manifests, pulled and pushed",
    "eks": "descriptions of the cluster",
    "eks-auth": "tokens of pods, credentials of their roles",
    "elasticloadbalancing": "addresses of pods, as targets",
    "kms": "data keys, encrypted and plain, over TLS; no data",
    "logs": "log lines of containers, nodes and sessions",
    "monitoring": "numbers on nodes and pods",
    "oidc-eks": "public keys of the cluster's token issuer",
    "s3": "objects of the environment's buckets, image layers, packages of nodes",
    "secretsmanager": "values of named secrets",
    "ssm": "parameters, states of the operations host",
    "ssmmessages": "what operators type and see, and what they forward",
    "sts": "credentials of roles",
    "transcribe": "descriptions of jobs; recordings and transcripts stay in the environment's buckets",
    "transcribestreaming": "speech, and its transcript",
}
_UNSAID = "requests and answers of the service's API"


def through_endpoints(intent: Intent) -> Iterator[Flow]:
    """Yield what leaves the VPC through each endpoint, with the components that send it."""
    for service, users in endpoint_services(intent).items():
        ends = f"the service in {intent.region}"
        if service == "bedrock-runtime" and intent.ai.inference_regions:
            ends = f"the service in {', '.join((intent.region, *intent.ai.inference_regions))}"
        yield Flow(_CARRIED.get(service, _UNSAID), f"endpoint {service}", ends, ("NET-08", "NET-09"), users)


def beside_endpoints(intent: Intent) -> Iterator[Flow]:
    """Yield what moves between services of AWS, on their own side, and what comes in."""
    store = f"a log group in {intent.region}, under the key of logs"
    yield Flow("addresses, ports and names that were asked for", "flow and query logs", store, ("NET-14", "NET-10"))
    yield Flow("requests to the Kubernetes API", "control-plane logs", store, ("EKS-03",))
    yield Flow("calls of AWS's API", "CloudTrail", "the bucket of logs", ("LOG-01", "LOG-02"))
    backups = f"their storage in {intent.region}, under the key of data"
    yield Flow("snapshots of database and cache", "backups of RDS and ElastiCache", backups, ("DAT-02", "DAT-04"))
    clients = "clients on the internet" if scheme(intent) == PUBLIC else "clients of declared ranges"
    yield Flow("requests and answers of the application", "load balancer, behind the web ACL", clients, ("WEB-01",))
    yield Flow("who asked for what, and what was blocked", "logs of load balancer and web ACL",
               f"a bucket and a log group in {intent.region}", ("WEB-01", "LOG-02"))  # fmt: skip
    yield Flow("images, charts, signatures", "the mirror, from outside", "the environment's registry", ("SUP-01",))


SHARES: tuple[Share, ...] = (
    Share("EC2 and the VPC", "hosts, hypervisor, the network below; addresses of its own in every VPC",
          "routes, groups, ACLs, endpoints, machine images", ("NET-03", "NET-04", "EKS-09")),
    Share("PrivateLink endpoints", "the interfaces, and the services behind them",
          "which there are, and the policy of each", ("NET-08", "NET-09")),
    Share("Route 53 Resolver", "the resolver, which asks the internet for what may resolve",
          "which names may resolve; the log of what was asked", ("NET-10",)),
    Share("EKS", "the control plane, its database and its updates; its own traffic to that database and to its logs",
          "version, access, encryption of secrets, what runs, what may talk", ("EKS-01", "EKS-02", "EKS-04", "EKS-08")),
    Share("IAM, STS, KMS", "sign-in, evaluation of policies, hardware that holds the keys",
          "roles, policies, keys and who may use them", ("IAM-01", "KEY-01")),
    Share("ECR", "storage and scanning of images", "which images, by digest and signature", ("SUP-01", "SUP-02")),
    Share("RDS for PostgreSQL", "host, engine's packages, replication, automated backups",
          "version, network, TLS, users, data, when to restore", ("DAT-01", "DAT-03", "DAT-04")),
    Share("ElastiCache", "hosts, engine, replication", "users, TLS, what is kept in it", ("DAT-02", "DAT-03")),
    Share("S3, DynamoDB", "storage, durability", "policies, keys, versions, what is kept", ("DAT-02", "LOG-02")),
    Share("Secrets Manager", "storage and calling the rotation", "who reads, the rotation itself", ("KEY-02",)),
    Share("Load balancer, WAF, ACM", "hosts, managed rules and their updates, renewal of certificates",
          "TLS policy, which rules block, who is let in", ("WEB-01", "KEY-03")),
    Share("Bedrock, Transcribe", "models and their hosts, for as long as a model lives",
          "which models, guardrail, what is sent, where results go", ("IAM-01",), ("bedrock-inference",)),
    Share("Session Manager", "the channel between operator and host", "who may open one, which documents, what is kept",
          ("LOG-02", "EKS-08"), ("session-manager",)),
    Share("CloudTrail, CloudWatch Logs", "delivery and storage", "what is recorded, how long, who may read",
          ("LOG-01", "LOG-02")),
)  # fmt: skip
"""Service by service; rows without components are there in every environment."""


def shares(intent: Intent) -> tuple[Share, ...]:
    """Return the rows of the services that the environment uses."""
    return tuple(one for one in SHARES if not one.components or set(one.components) & set(intent.components))
