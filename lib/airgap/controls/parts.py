"""What each property asks for, part by part, and what decides each: the checks that do so today, or who will.

A property may say more than the checks of a run judge. A part without a decision in a run is named as not tested, with
the step, probe or command that decides it; a pass without it is a pass in part. A new check is named here, in the part
that it decides.
"""

from __future__ import annotations

from typing import NamedTuple


class Part(NamedTuple):
    """One part of a property: what must be so, who decides it, and the checks by which that is done."""

    what: str
    by: str
    checks: tuple[str, ...] = ()


IDENTITY, NETWORK, ENDPOINTS, CLUSTER = "step identity", "step network", "step endpoints", "step cluster"
IMAGES, CONTROLLERS, DATA, EDGE = "step images", "step controllers", "step data", "step edge"
AI = "step ai"
ATTEST, PREFLIGHT, SECRETS, FIRST = "step attest", "step preflight", "step secrets", "step first_deployment"
PIPELINE = "step pipeline"
PROBE = "a live probe (airgap probe)"
BUNDLE = "the sealed bundle (airgap bundle verify)"
TRAIL = "the trail's own files in the sealed bundle (airgap bundle trail)"

PARTS: dict[str, tuple[Part, ...]] = {
    "NET-01": (
        Part("gateways attached", NETWORK, ("gateways-internet", "gateways-egress-only")),
        Part("routes of sealed subnets to them", NETWORK, ("gateways-unreachable",)),
        Part("proven: gateways, and every sealed subnet", ATTEST, ("proof-gateways", "proof-subnets")),
    ),
    "NET-02": (
        Part("NAT gateways", NETWORK, ("addresses-nat",)),
        Part("public and elastic addresses", NETWORK, ("addresses-public", "addresses-elastic")),
        Part("load balancers that face the internet", EDGE, ("balancer-placed",)),
        Part("addresses that subnets give, and IPv6", NETWORK, ("addresses-not-mapped", "addresses-no-ipv6")),
        Part("proven: translation, and every sealed subnet", ATTEST, ("proof-gateways", "proof-subnets")),
    ),
    "NET-03": (
        Part("sealed and main tables", NETWORK, ("routes-sealed", "routes-main")),
        Part("tables of the other tiers", NETWORK, ("routes-public", "routes-ingress")),
        Part("interfaces that forward, and IPv6", NETWORK, ("interfaces-not-forwarding", "addresses-no-ipv6")),
        Part("proven: every packet of every sealed subnet", ATTEST, ("proof-subnets",)),
    ),
    "NET-04": (
        Part("outbound rules", NETWORK, ("groups-egress-named",)),
        Part("the load balancer's way to the pods", EDGE, ("balancer-group-narrow",)),
    ),
    "NET-05": (
        Part("inbound rules and the default group", NETWORK, ("groups-ingress-named", "groups-default-empty")),
        Part("the endpoints' group", ENDPOINTS, ("endpoints-group",)),
        Part("the operations host", CLUSTER, ("host-sealed",)),
        Part("the runner, or builds", PIPELINE, ("runner-sealed", "builds-sealed")),
        Part("the load balancer and the way to the pods", EDGE, ("balancer-group-narrow", "nodes-admit-balancer")),
    ),
    "NET-06": (Part("network ACLs of every tier", NETWORK, ("acls-sealed", "acls-own", "acls-default-empty")),),
    "NET-07": (Part("mode and exclusions", NETWORK, ("public-access-blocked", "public-access-exclusions")),),
    "NET-08": (
        Part("the derived set and nothing extra", ENDPOINTS, ("endpoints-required", "endpoints-not-surplus")),
        Part(
            "zones, private DNS, group and routes", ENDPOINTS,
            ("endpoints-placed", "endpoints-private-dns", "endpoints-group", "endpoints-routed"),
        ),
        Part("proven: what the doors lead to", ATTEST, ("proof-doors",)),
        Part("calls through them", AI, ("trials-from-inside",)),
    ),
    "NET-09": (
        Part("every policy, by its requests", ENDPOINTS, ("endpoint-policies-bounded", "probes-foreign-bucket")),
        Part("proven: who and what every door lets through", ATTEST, ("proof-doors",)),
    ),
    "NET-10": (
        Part(
            "the firewall's rules and failure mode", NETWORK,
            ("names-firewall-associated", "names-last-blocked", "names-allowed-narrow", "names-fail-closed"),
        ),
        Part("the log of queries", NETWORK, ("names-logged",)),
        Part(
            "the resolver, its rules and zones", NETWORK,
            ("names-not-forwarded", "names-zones-own", "names-amazon-resolver"),
        ),
        Part("proven: no name reaches a stranger", ATTEST, ("proof-names",)),
    ),
    "NET-11": (
        Part("connections and shares", NETWORK, ("connections-registered", "connections-shares", "connections-owned")),
        Part("the control plane's ways out", CLUSTER, ("cluster-egress-routed", "cluster-alone")),
        Part("replication and pull-through of images", IMAGES, ("registry-leads-nowhere",)),
        Part("prompts to other Regions", AI, ("models-stay-in-regions", "profiles-stay-in-regions")),
        Part("transcripts, and AWS's use of content", AI, ("transcripts-own-bucket", "ai-opted-out")),
        Part("webhooks", CONTROLLERS, ("webhooks-inside",)),
        Part("functions", SECRETS, ("functions-sealed", "functions-lead-nowhere")),
        Part("shared snapshots and replicated tables", DATA, ("database-snapshots-private", "table-closed")),
        Part(
            "documents, builds and pipelines of deployments", PIPELINE,
            ("documents-own", "builds-sealed", "pipeline-at-home"),
        ),
        Part(
            "proven: every channel that is no packet, and every connection", ATTEST,
            ("proof-gateways", "proof-control-plane", "proof-copies"),
        ),
    ),
    "NET-12": (
        Part(
            "no path to or from a gateway", "Network Access Analyzer in a real account",
            ("analysis-no-paths", "analysis-agrees"),
        ),
        Part("the declared paths are reachable", "Reachability Analyzer in a real account"),
    ),
    "NET-13": (
        Part("canaries and endpoints from inside", PROBE, ("probes-fail-outward",)),
        Part("a foreign bucket, by the endpoint's policy", PROBE, ("probes-foreign-bucket",)),
        Part("the metadata service, from instances and pods", PROBE, ("probes-metadata",)),
    ),
    "NET-14": (
        Part("all traffic of the VPC is recorded", NETWORK, ("flows-recorded",)),
        Part("the records are locked against deletion", "a bucket under Object Lock as their destination"),
    ),
    "EKS-01": (Part("the API endpoint", CLUSTER, ("cluster-api-private",)),),
    "EKS-02": (Part("encryption of Kubernetes secrets", CLUSTER, ("cluster-secrets-encrypted",)),),
    "EKS-03": (Part("log types and retention", CLUSTER, ("cluster-logs-on", "cluster-logs-kept")),),
    "EKS-04": (
        Part("the declared version, and the end of its support", PREFLIGHT, ("preflight-kubernetes-version",)),
        Part("the version that the cluster runs", CLUSTER, ("cluster-version-supported",)),
        Part("add-ons", CLUSTER, ("addons-supported",)),
        Part("node images", CLUSTER, ("nodes-supported",)),
    ),
    "EKS-05": (
        Part("default-deny policies", CONTROLLERS, ("namespaces-closed",)),
        Part("the CNI enforces them", CLUSTER, ("addons-network-policy",)),
        Part("a packet that they forbid is dropped", PROBE),
    ),
    "EKS-06": (
        Part("admission", CONTROLLERS, ("namespaces-restricted",)),
        Part("running pods", CONTROLLERS, ("pods-unprivileged", "probes-pods")),
    ),
    "EKS-07": (
        Part("trust is bound to one service account", IDENTITY, ("roles-pods-bound",)),
        Part("rights name actions and resources", IDENTITY, ("roles-no-wildcards",)),
        Part("the cluster's associations lead to these roles", CLUSTER, ("cluster-pods-associated",)),
    ),
    "EKS-08": (
        Part(
            "access entries and their policies", CLUSTER,
            (
                "cluster-creator-gone", "cluster-entries-declared", "cluster-policies-declared",
                "cluster-break-glass-guarded",
            ),
        ),
        Part("each use of break-glass is told of", CLUSTER, ("cluster-break-glass-alarmed",)),
        Part("who may read secrets inside", CLUSTER, ("secrets-readers-declared",)),
    ),
    "EKS-09": (
        Part("node groups and launch templates", CLUSTER, ("nodes-sealed", "nodes-started-safely")),
        Part("running instances", CLUSTER, ("instances-run-safely", "probes-metadata")),
    ),
    "SUP-01": (
        Part(
            "the private registry holds what the manifest lists, and nothing leads out of it", IMAGES,
            (
                "repositories-declared", "repositories-closed", "registry-leads-nowhere", "registry-holds-the-lock",
                "probes-registry",
            ),
        ),
        Part(
            "running pods are of these digests", CONTROLLERS,
            ("pods-run-mirrored-images", "workloads-ready", "probes-pods"),
        ),
        Part(
            "the application's digest from push to healthy target", FIRST,
            (
                "deployment-pushed", "deployment-registered", "deployment-pulled", "deployment-running",
                "deployment-healthy",
            ),
        ),
        Part(
            "deployments are by digest, as rendered", PIPELINE,
            ("documents-rendered", "builds-rendered", "pipeline-at-home"),
        ),
    ),
    "SUP-02": (
        Part("signatures of images and charts by approved keys", IMAGES, ("images-signed",)),
        Part("signatures of the runbook's own artefacts", BUNDLE),
    ),
    "DAT-01": (
        Part("PostgreSQL's address and subnets", DATA, ("database-sealed",)),
        Part("security groups of its own, and the cache's place", DATA, ("database-own-group", "cache-sealed")),
    ),
    "DAT-02": (
        Part("buckets", NETWORK, ("buckets-encrypted",)),
        Part("log groups", NETWORK, ("logs-kept",)),
        Part("new volumes of the account", IDENTITY, ("volumes-encrypted-by-default",)),
        Part("volumes of the environment", CLUSTER, ("volumes-encrypted",)),
        Part("repositories", IMAGES, ("repositories-closed",)),
        Part("secrets and functions", SECRETS, ("secrets-encrypted", "functions-without-variables")),
        Part("guardrails and transcripts", AI, ("guardrail-stands", "transcription-bound")),
        Part("PostgreSQL, cache and tables", DATA, ("database-encrypted", "cache-encrypted", "table-encrypted")),
        Part("their backups", DATA, ("database-backups-encrypted",)),
    ),
    "DAT-03": (
        Part("buckets refuse requests without TLS", NETWORK, ("buckets-tls-only",)),
        Part("PostgreSQL and cache demand TLS", DATA, ("database-tls-only", "cache-tls-only")),
        Part("a function has reached PostgreSQL over verified TLS", DATA, ("database-prepared",)),
        Part("the load balancer's TLS policy", EDGE, ("listeners-tls",)),
        Part("a live handshake with database and cache", PROBE, ("probes-data-tls",)),
        Part("a live handshake with the entry", PROBE, ("probes-entry",)),
    ),
    "DAT-04": (
        Part(
            "backups, their encryption and age", DATA,
            ("database-backed-up", "database-backups-encrypted", "cache-backed-up", "table-recoverable"),
        ),
        Part("snapshots are shared with nobody", DATA, ("database-snapshots-private",)),
        Part("a restore in the period", "the restore drill of step data", ("database-restored", "probes-restore")),
    ),
    "DAT-05": (
        Part("second zones as declared", DATA, ("database-two-zones", "cache-two-zones")),
        Part("a failover in the period", "the failover drill of step data", ("stores-failed-over",)),
    ),
    "KEY-01": (
        Part("state and rotation", IDENTITY, ("keys-live", "keys-rotate")),
        Part("policies and grants", IDENTITY, ("keys-own-principals", "keys-grants-known", "keys-serve-consumers")),
    ),
    "KEY-02": (
        Part(
            "secrets in Secrets Manager: rotation and policy", SECRETS,
            ("secrets-rotated", "secrets-own-principals", "probes-rotation"),
        ),
        Part("who may read them, in the account", SECRETS, ("secrets-readers-named", "secrets-operator-limited")),
        Part(
            "what is mirrored into the cluster, and for whom", SECRETS,
            ("stores-limited", "external-secrets-mirrored"),
        ),
        Part("no variables of functions", SECRETS, ("functions-without-variables",)),
        Part("who may read secrets in the cluster", CLUSTER, ("secrets-readers-declared",)),
        Part("no token in what starts a runner or a build", PIPELINE, ("runner-without-user-data", "builds-rendered")),
        Part("no secret in notebooks, journals and pages", BUNDLE),
        Part("no secret in manifests, pods and ConfigMaps", SECRETS, ("manifests-without-secrets",)),
        Part("no secret in variables, labels and history of images", "airgap mirror copy, which refuses such an image"),
        Part("no secret in the layers of images", "the scan of each image where it is built"),
    ),
    "KEY-03": (Part("certificates", EDGE, ("certificates-valid",)), Part("trust stores in the cluster", CONTROLLERS)),
    "IAM-01": (
        Part("rights of the environment's roles", IDENTITY, ("roles-no-wildcards", "roles-managed-known")),
        Part("models and transcriptions by name", AI, ("models-by-name", "transcription-bound")),
        Part("who may be these roles", IDENTITY, ("roles-trust-own",)),
        Part("who may call functions and read secrets", SECRETS, ("functions-own-callers", "secrets-readers-named",
                                                                  "secrets-operator-limited")),
        Part(
            "each role's task", IDENTITY,
            ("role-developer-reads", "role-deploy-limited", "role-runner-assumes", "role-node-pulls",
             "role-cache-user"),
        ),
        Part(
            "who may become the deployment role, and what is run as it", PIPELINE,
            ("role-deploy-trusted", "runner-own-role", "documents-rendered"),
        ),
        Part("the permissions boundary", IDENTITY, ("roles-bounded",)),
        Part("users of cache and database", DATA, ("cache-users-authenticate", "probes-rights")),
        Part("the organisation's control policies", IDENTITY, ("organization-perimeter",)),
        Part("principals of the account beside the environment's", "the account's owner"),
    ),
    "IAM-02": (
        Part("the session that runs the runbook", IDENTITY, ("caller-session",)),
        Part("another person approves", ATTEST, ("caller-separate",)),
        Part("the session was opened with a second factor", "CloudTrail's record of the sign-in"),
        Part("the verifier's role can only read", "IAM's policy simulator in a real account"),
    ),
    "WEB-01": (
        Part("the web ACL and its log", EDGE, ("waf-associated", "waf-rules-block", "waf-logged")),
        Part(
            "the only entrance, its place and settings", EDGE,
            ("balancers-declared", "balancer-placed", "balancer-hardened", "balancer-targets"),
        ),
        Part("a request is answered through it, under the true server name", FIRST, ("deployment-live",)),
        Part("attacks are blocked, plain text is turned away", PROBE, ("probes-entry",)),
    ),
    "LOG-01": (
        Part("the trail and its settings", NETWORK, ("trail-records-everything",)),
        Part("refused calls at endpoints", NETWORK, ("trail-records-endpoints",)),
        Part("the digest chain of the run's time", TRAIL),
    ),
    "LOG-02": (
        Part("retention, key and destinations of log groups", NETWORK, ("logs-kept", "logs-stay")),
        Part(
            "buckets: closed, versioned, copied nowhere", NETWORK,
            ("buckets-closed", "buckets-versioned", "buckets-own-principals", "buckets-not-copied"),
        ),
        Part("the lock of the evidence bucket", NETWORK, ("evidence-locked",)),
        Part("logs of the control plane and of sessions", CLUSTER, ("cluster-logs-kept", "sessions-recorded")),
        Part("logs of database and cache", DATA, ("database-logs-kept", "cache-logs-kept")),
        Part("who asked the load balancer for what", EDGE, ("balancer-logged",)),
        Part("invocations of models", AI, ("invocations-logged",)),
    ),
    "CHG-01": (Part("declared and live fields", ATTEST, ("change-no-drift",)),),
    "CHG-02": (
        Part("approval, answer and request id of each write", ATTEST, ("change-writes-answered",)),
        Part("each write in CloudTrail", ATTEST, ("change-in-trail",)),
        Part("the change ticket of each write", "an approval that names one"),
        Part("no other write of the same session in CloudTrail", TRAIL),
    ),
    "INV-01": (
        Part("an independent count", ATTEST, ("inventory-reconciles",)),
        Part("owner and classification", ATTEST, ("inventory-attributes",)),
        Part("repositories", IMAGES, ("repositories-declared",)),
        Part(
            "end of support of what has a version", ATTEST,
            ("inventory-supported", "cluster-version-supported", "nodes-supported", "addons-supported"),
        ),
        Part("recovery objectives of each asset", ATTEST, ("inventory-recoverable",)),
    ),
    "EXC-01": (
        Part("what each exception names, and its end", ATTEST, ("exceptions-complete",)),
        Part("the register's signature", BUNDLE),
    ),
    "EVD-01": (Part("manifest, chain, signature and time-stamp", BUNDLE),),
    "EVD-02": (
        Part("every answer to its last page", ATTEST, ("evidence-pages-closed",)),
        Part("accounts and Regions in scope", ATTEST, ("evidence-scope",)),
    ),
    "EVD-03": (Part("a second tool's verdicts", "a peer scanner", ("peer-agrees",)),),
}  # fmt: skip
