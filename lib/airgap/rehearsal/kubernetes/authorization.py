"""RBAC: what a caller may do, by roles and bindings in the cluster and by the access policies of EKS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from airgap.rehearsal.kubernetes.identities import ANONYMOUS, User
from airgap.rehearsal.kubernetes.kinds import Kind, core
from airgap.rehearsal.kubernetes.refusals import Refusal, forbidden, unauthorized
from airgap.rehearsal.kubernetes.selecting import selects
from airgap.rehearsal.kubernetes.store import Store

Object = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
# EKS access policies by the cluster role whose rules they have (AWS: "Review access policy permissions").
POLICIES = {
    "AmazonEKSClusterAdminPolicy": "cluster-admin",
    "AmazonEKSAdminPolicy": "admin",
    "AmazonEKSEditPolicy": "edit",
    "AmazonEKSViewPolicy": "view",
    "AmazonEKSAdminViewPolicy": "airgap:admin-view",
}
_HEALTH = ("/healthz", "/livez", "/readyz")


@dataclass(frozen=True)
class Asked:
    """One action: verb, resource with group and subresource, namespace and name; or a verb on a path."""

    verb: str
    group: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def resource(self) -> str:
        """The resource as rules write it: ``pods/log``."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural


def _meets(rule: Object, asked: Asked) -> bool:
    verbs = rule.get("verbs") or ()
    if asked.verb not in verbs and "*" not in verbs:
        return False
    if asked.path:
        return any(fnmatchcase(asked.path, pattern) for pattern in rule.get("nonResourceURLs") or ())
    groups, resources, names = (rule.get(key) or () for key in ("apiGroups", "resources", "resourceNames"))
    listed = asked.resource in resources or "*" in resources or f"*/{asked.subresource}" in resources
    return listed and (asked.group in groups or "*" in groups) and (not names or asked.name in names)


class Authorizer:
    """Judges actions by what is in the store at this moment."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def allows(self, user: User, asked: Asked) -> bool:
        """Say whether a caller may do something."""
        return any(_meets(rule, asked) for rule in self.rules(user, asked.namespace))

    def rules(self, user: User, namespace: str) -> Iterator[Object]:
        """Yield every rule that a caller has in a namespace, by bindings and by access policies."""
        yield from self.bound(user, namespace)
        yield from self._by_policies(user, namespace)

    def require(self, user: User, asked: Asked, kind: Kind | None = None) -> None:
        """Refuse what a caller may not do, in the words of the API server."""
        if user == ANONYMOUS and asked.path not in _HEALTH:
            raise unauthorized()
        if not self.allows(user, asked):
            raise _refusal(user, asked, kind)

    def bound(self, user: User, namespace: str) -> Iterator[Object]:
        """Yield the rules that bindings give a caller in a namespace, empty for the whole cluster."""
        for binding in self.store.all(core("ClusterRoleBinding", _RBAC)):
            if _binds(binding, user, ""):
                yield from self._rules(binding, "")
        if namespace:
            for binding in self.store.all(core("RoleBinding", _RBAC), namespace):
                if _binds(binding, user, namespace):
                    yield from self._rules(binding, namespace)

    def _rules(self, binding: Object, namespace: str) -> Iterable[Object]:
        target = binding["roleRef"]
        role = self.store.get(core(target["kind"], _RBAC), namespace, target["name"])
        return role.get("rules") or () if role else ()

    def _by_policies(self, user: User, namespace: str) -> Iterator[Object]:
        for arn, namespaces in user.policies:
            role = POLICIES.get(arn.rsplit("/", 1)[-1], "")
            everywhere = not namespaces
            if not everywhere and not any(namespace and fnmatchcase(namespace, one) for one in namespaces):
                continue
            held = self.store.get(core("ClusterRole", _RBAC), "", role)
            yield from (held or {}).get("rules") or ()

    def guard(self, user: User, kind: Kind, item: Object) -> None:
        """Refuse a role or binding that gives more than its writer has (escalation)."""
        if kind.group != _RBAC:
            return
        namespace, name = item["metadata"].get("namespace", ""), item["metadata"]["name"]
        role = kind.name in ("Role", "ClusterRole")
        target = name if role else item["roleRef"]["name"]
        plural = kind.plural if role else {"Role": "roles"}.get(item["roleRef"]["kind"], "clusterroles")
        verb = "escalate" if role else "bind"
        if self.allows(user, Asked(verb, _RBAC, plural, "", namespace, target)):
            return
        wanted = (item.get("rules") or ()) if role else self._rules(item, namespace)
        held = list(self.bound(user, namespace))
        missing = [one for one in _single(wanted) if not any(_meets(rule, one) for rule in held)]
        if missing:
            raise _escalation(user, kind, name, missing)


def _binds(binding: Object, user: User, namespace: str) -> bool:
    for subject in binding.get("subjects") or ():
        sort, name = subject["kind"], subject["name"]
        if sort == "ServiceAccount":
            sort, name = "User", f"system:serviceaccount:{subject.get('namespace', namespace)}:{name}"
        if (sort == "User" and name == user.name) or (sort == "Group" and name in user.groups):
            return True
    return False


def _single(rules: Iterable[Object]) -> Iterator[Asked]:
    for rule in rules:
        for verb in rule.get("verbs") or ():
            for path in rule.get("nonResourceURLs") or ():
                yield Asked(verb, path=path)
            for group in rule.get("apiGroups") or ():
                for resource in rule.get("resources") or ():
                    plural, _, sub = resource.partition("/")
                    for name in rule.get("resourceNames") or ("",):
                        yield Asked(verb, group, plural, sub, name=name)


def _escalation(user: User, kind: Kind, name: str, missing: list[Asked]) -> Refusal:
    lines = []
    for one in missing:
        what = (
            f'NonResourceURLs:["{one.path}"]'
            if one.path
            else f'APIGroups:["{one.group}"], Resources:["{one.resource}"]'
        )
        names = f', ResourceNames:["{one.name}"]' if one.name else ""
        lines.append(f'{{{what}{names}, Verbs:["{one.verb}"]}}')
    groups = " ".join(f'"{group}"' for group in user.groups)
    why = f'user "{user.name}" (groups=[{groups}]) is attempting to grant RBAC permissions not currently held:\n'
    return forbidden(kind, name, why + "\n".join(lines))


def _refusal(user: User, asked: Asked, kind: Kind | None) -> Refusal:
    if kind is None:
        message = f'forbidden: User "{user.name}" cannot {asked.verb} path "{asked.path}"'
        return Refusal(403, "Forbidden", message, {})
    scope = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
    what = f'resource "{asked.resource}" in API group "{asked.group}" {scope}'
    return forbidden(kind, asked.name, f'User "{user.name}" cannot {asked.verb} {what}')


def aggregated(store: Store, role: Object) -> list[Object]:
    """Return the rules that an aggregated cluster role gathers by labels."""
    selectors = role["aggregationRule"].get("clusterRoleSelectors") or ()
    found: list[Object] = []
    for other in store.all(core("ClusterRole", _RBAC)):
        if other is not role and any(selects(one, other["metadata"].get("labels")) for one in selectors):
            found.extend(rule for rule in other.get("rules") or () if rule not in found)
    return found
