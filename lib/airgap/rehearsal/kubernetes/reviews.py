"""Reviews: objects that are questions, answered and not kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airgap.rehearsal.kubernetes.authorization import Asked
from airgap.rehearsal.kubernetes.cluster import Cluster
from airgap.rehearsal.kubernetes.identities import User
from airgap.rehearsal.kubernetes.refusals import bad_request
from airgap.rehearsal.kubernetes.store import Object


def answered(cluster: Cluster, user: User, item: Object) -> Object:
    """Return a review with its answer as status."""
    return {
        **item,
        "metadata": item.get("metadata") or {},
        "status": _ANSWERS[item["kind"]](cluster, user, item.get("spec") or {}),
    }


def _access(cluster: Cluster, user: User, spec: Object) -> Object:
    if "user" in spec or "groups" in spec:
        user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
    path, resource = spec.get("nonResourceAttributes"), spec.get("resourceAttributes")
    if path is not None:
        asked = Asked(path.get("verb", ""), path=path.get("path", ""))
    elif resource is not None:
        names = ("verb", "group", "resource", "subresource", "namespace", "name")
        asked = Asked(*(resource.get(name, "") for name in names))
    else:
        raise bad_request("spec: exactly one of nonResourceAttributes or resourceAttributes must be specified")
    allowed = cluster.authorizer.allows(user, asked)
    return {"allowed": allowed, **({} if allowed else {"reason": "no EKS policy found"})}


def _rules(cluster: Cluster, user: User, spec: Object) -> Object:
    namespace = spec.get("namespace") or ""
    if not namespace:
        raise bad_request("no namespace on request")
    rules = list(cluster.authorizer.rules(user, namespace))
    resource = [
        {"verbs": [], "apiGroups": [], "resources": [], **rule} for rule in rules if not rule.get("nonResourceURLs")
    ]
    return {
        "resourceRules": resource,
        "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }


def _self(_: Cluster, user: User, __: Object) -> Object:
    extra: dict[str, Any] = {"arn": [user.arn], "canonicalArn": [user.arn]} if user.arn else {}
    return {"userInfo": {"username": user.name, "groups": list(user.groups), **({"extra": extra} if extra else {})}}


_ANSWERS: dict[str, Callable[[Cluster, User, Object], Object]] = {
    "SelfSubjectAccessReview": _access,
    "LocalSubjectAccessReview": _access,
    "SubjectAccessReview": _access,
    "SelfSubjectRulesReview": _rules,
    "SelfSubjectReview": _self,
}
