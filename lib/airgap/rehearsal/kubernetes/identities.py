"""Who a bearer token stands for in a cluster: access entries give an IAM principal its name, groups and policies."""

from __future__ import annotations

from dataclasses import dataclass

from airgap.rehearsal.kubernetes.refusals import unauthorized
from airgap.rehearsal.kubernetes.setting import AccessEntry, ClusterFacts, Surroundings


@dataclass(frozen=True)
class User:
    """A caller: name, groups, and the EKS access policies with their namespaces (none: the whole cluster)."""

    name: str
    groups: tuple[str, ...]
    policies: tuple[tuple[str, tuple[str, ...]], ...] = ()
    arn: str = ""


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


def caller(authorization: str, facts: ClusterFacts, around: Surroundings) -> User:
    """Return who sent an ``Authorization`` header; a Refusal (401) where its token proves nothing or has no entry."""
    sort, _, token = authorization.partition(" ")
    if not authorization:
        return ANONYMOUS
    if sort.lower() != "bearer" or not token.strip():
        raise unauthorized()
    arn = around.principal_of(token.strip(), facts.name)
    entry = None if arn is None else next((one for one in facts.access if _same(one.principal_arn, arn)), None)
    if arn is None or entry is None:
        raise unauthorized()
    return _user(entry, arn)


def _user(entry: AccessEntry, arn: str) -> User:
    session = arn.rsplit("/", 1)[-1]
    name = entry.username or _default_name(entry.principal_arn, arn)
    for mark, value in (("{{SessionName}}", session.replace("@", "-")), ("{{SessionNameRaw}}", session)):
        name = name.replace(mark, value)
    name = name.replace("{{AccountID}}", arn.split(":")[4])
    # EKS refuses entries with this group: only the policy AmazonEKSClusterAdminPolicy gives so much.
    groups = tuple(group for group in entry.groups if group != "system:masters")
    return User(name, (*groups, "system:authenticated"), entry.policies, arn)


def _default_name(principal: str, arn: str) -> str:
    return arn if ":assumed-role/" in arn else principal


def _same(principal: str, arn: str) -> bool:
    return _canonical(principal) == _canonical(arn)


def _canonical(arn: str) -> tuple[str, str, str]:
    """A session stands for its role, whose path a session's ARN does not have."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return ("", "", arn)
    steps = parts[5].split("/")
    if steps[0] == "assumed-role" and len(steps) > 1:
        return (parts[4], "role", steps[1])
    return (parts[4], steps[0], steps[-1])
