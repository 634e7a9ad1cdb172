"""People behind principals: who planned, who approved and who applied, for the four-eyes rule.

A session names a person by its source identity, or else by the sign-in that made it: the name of an IAM user, or the
session name of an assumed role, which IAM Identity Center sets to the sign-in name. A session name that software made
names no one, and neither does the root user. (IAM user guide, "Monitor and control actions taken with assumed roles".)
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Optional

_USER = re.compile(r"arn:[a-z-]+:iam::\d{12}:user/(?:[^:]*/)?([^/:]+)")
_SESSION = re.compile(r"arn:[a-z-]+:sts::\d{12}:assumed-role/([^/:]+)/([^/:]+)")
_SERVICE_ROLE = re.compile(r"AWSServiceRoleFor\w+|aws-[\w-]*service-?role[\w-]*", re.IGNORECASE)

# Names as AWS services, SDKs and CI systems make them, and names that several people share: whoever stands behind them.
_PROGRAMS = (
    r"i-[0-9a-f]{8,17}",  # the role of an EC2 instance
    r"\d+|[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # a time, a job's id
    r"(?:botocore|boto3|aws|amazon|sdk|session|assumed|role|temp|eks|ecs|lambda|ssm|codebuild|codepipeline|codedeploy"
    r"|cloudformation|cloudshell|github|gitlab|jenkins|circleci|terraform|pulumi|ansible|packer|argocd|ci|cicd"
    r"|automation|default|test|airgap|svc|service|bot|robot)(?:[-_.@].*|\d+)?",
    r"(?:aws|amazon)[a-z]*(?:[-_].*)?|githubactions|gitlabci|rolesession\w*|(?:my|test)[-_]?(?:role[-_]?)?session",
    r"admin(?:istrator)?|root|user|operator|engineer|developer|deploy(?:er)?|break-?glass",
)
_PROGRAM = re.compile("|".join(_PROGRAMS), re.IGNORECASE)


def person(caller: Mapping[str, Any]) -> Optional[str]:
    """Return the person behind a caller in lower case, or None where its principal is attributable to no one.

    ``caller`` has ``arn``, as ``sts:GetCallerIdentity`` gives it, and ``source_identity`` where the session has one.
    """
    arn = _member(caller, "arn", "Arn")
    name = _member(caller, "source_identity", "SourceIdentity") or _signed_in(arn)
    return name.lower() if name and not _PROGRAM.fullmatch(name) else None


def judge_four_eyes(planner: Mapping[str, Any], approver: Mapping[str, Any], applier: Mapping[str, Any]) -> list[str]:
    """Return why these three do not fulfil the four-eyes rule; empty where they do.

    Each must be attributable, and who approves must be neither who planned nor who applies.
    """
    roles = {"planner": planner, "approver": approver, "applier": applier}
    people = {role: person(caller) for role, caller in roles.items()}
    problems = [
        f"the {role} is attributable to no person: {_member(roles[role], 'arn', 'Arn') or 'no principal is recorded'}"
        for role, name in people.items()
        if name is None
    ]
    approved_by = people["approver"]
    for role in ("planner", "applier"):
        other = people[role]
        if approved_by and other and _same(approved_by, other):
            problems.append(f"the approver is the {role}: {approved_by}")
    return problems


def _member(caller: Mapping[str, Any], *names: str) -> str:
    return next((str(caller[name]) for name in names if caller.get(name)), "")


def _signed_in(arn: str) -> str:
    user = _USER.fullmatch(arn)
    if user:
        return user[1]
    session = _SESSION.fullmatch(arn)
    return session[2] if session and not _SERVICE_ROLE.fullmatch(session[1]) else ""


def _same(one: str, other: str) -> bool:
    """Tell whether two names are one person's; ``alice`` may be the sign-in name of ``alice@example.com``."""
    if "@" in one and "@" in other:
        return one == other
    return one.partition("@")[0] == other.partition("@")[0]
