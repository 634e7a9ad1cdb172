"""Who can read Secrets in the cluster: every subject that RBAC lets, by name; only declared ones may.

Kubernetes documentation: "Role Based Access Control Good Practices". List and watch reveal values too. So do, by a way
round, the rights to make pods, which mount what they like, to enter them, to get tokens, and to become or to give more
than one has: they are counted where a binding gives them in every namespace. In one namespace they are what deploying
means: whoever deploys there can have its Secrets mounted, so a namespace is a wall and a role in it is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.checks.check import check
from airgap.checks.running import SYSTEM, objects
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.kubernetes import key_of

ROLES = ("kubernetes:ListRoles", "kubernetes:ListClusterRoles")
BINDINGS = ("kubernetes:ListRoleBindings", "kubernetes:ListClusterRoleBindings")
_READING = ("get", "list", "watch", "*")
_WRITING = ("create", "update", "patch", "*")
_WAYS_ROUND: dict[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): ("create", "*"),
    ("", "pods/exec"): ("create", "get", "*"),
    ("", "pods/attach"): ("create", "get", "*"),
    ("", "serviceaccounts/token"): ("create", "*"),
    ("", "users"): ("impersonate", "*"),
    ("", "groups"): ("impersonate", "*"),
    ("", "serviceaccounts"): ("impersonate", "*"),
    **{("apps", kind): _WRITING for kind in ("deployments", "daemonsets", "statefulsets", "replicasets")},
    **{("batch", kind): _WRITING for kind in ("jobs", "cronjobs")},
    ("rbac.authorization.k8s.io", "roles"): ("escalate", "bind", "*"),
    ("rbac.authorization.k8s.io", "clusterroles"): ("escalate", "bind", "*"),
}
"""(API group, resource) -> verbs that lead to the values of Secrets without reading one."""
READERS = (
    "ServiceAccount external-secrets/external-secrets",
    "ServiceAccount external-secrets/external-secrets-cert-controller",
    "Group system:masters",
)
"""Subjects that must read Secrets: the operator that writes them, its certificates, and break-glass."""


def reads_secrets(role: Mapping[str, Any]) -> bool:
    """Tell whether a role lets its subjects read the values of Secrets, all of them or those that it names."""
    for rule in role.get("rules") or []:
        groups, resources = rule.get("apiGroups") or [], rule.get("resources") or []
        if not ({"", "*"} & set(groups) and {"secrets", "*"} & set(resources)):
            continue
        if set(_READING) & set(rule.get("verbs") or []):
            return True
    return False


def way_round(role: Mapping[str, Any]) -> str:
    """Return a right of a role that leads to Secrets without reading one, as ``create pods``; empty for none."""
    for rule in role.get("rules") or []:
        groups, resources = set(rule.get("apiGroups") or []), set(rule.get("resources") or [])
        for (group, resource), verbs in _WAYS_ROUND.items():
            named = {group, "*"} & groups and {resource, "*", f"*/{resource.partition('/')[2]}"} & resources
            held = sorted(set(verbs) & set(rule.get("verbs") or []))
            if named and held and not rule.get("resourceNames"):
                return f"{held[0]} {resource}"
    return ""


def subjects(intent: Intent, estate: Estate) -> list[tuple[str, tuple[str, list[str]]]]:
    """Return each subject that can read Secrets, with the bindings that let it; those of Kubernetes itself apart."""
    roles = {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]): one
        for call in ROLES
        for one in objects(estate, call)
    }
    found: dict[str, list[str]] = {}
    for call in BINDINGS:
        for one in objects(estate, call):
            namespace, role = one["metadata"].get("namespace", ""), one["roleRef"]
            given = roles.get((role["kind"], namespace if role["kind"] == "Role" else "", role["name"])) or {}
            reading = reads_secrets(given)
            around = "" if reading or namespace else way_round(given)
            for subject in (one.get("subjects") or []) if reading or around else ():
                if not _built_in(subject, role["name"]) and not (around and subject.get("namespace") in SYSTEM):
                    found.setdefault(_named(subject), []).append(f"{key_of(one)} ({around})" if around else key_of(one))
    return [(name, (name, bindings)) for name, bindings in sorted(found.items())]


def _named(subject: Mapping[str, Any]) -> str:
    place = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject['kind']} {place}{subject['name']}"


def _built_in(subject: Mapping[str, Any], role: str) -> bool:
    """Tell whether a subject is a part of Kubernetes or EKS, by a role of theirs: both names are theirs alone."""
    part = subject["name"].startswith(("system:", "eks:")) or subject.get("namespace") == "kube-system"
    return part and role.startswith(("system:", "eks:"))


@check(
    "secrets-readers-declared",
    "Only the operator that writes Secrets, and break-glass, can read them",
    severity="critical",
    properties=("EKS-08", "KEY-02"),
    reads=(*ROLES, *BINDINGS),
    remedy="remove the binding, or the right on secrets from its role; rotate what the subject could read",
    over=subjects,
)
def readers(item: tuple[str, list[str]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield the bindings of a subject that is not one of the declared readers."""
    name, bindings = item
    if name not in READERS:
        yield f"it can read Secrets, by {', '.join(bindings)}"


CHECKS = (readers,)
