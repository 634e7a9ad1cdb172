"""Users and user groups: who may use a cache, and how each proves who it is.

https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/Clusters.RBAC.html
"""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.elasticache.state import CACHE, GROUP, SERVICE, USER, free, kept, listed, one, shown, tags
from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record
from airgap.rehearsal.wire import Call, Refusal

OFTEN = "default"


def _combination(message: str) -> Refusal:
    return Refusal("InvalidParameterCombination", message)


def _authentication(call: Call) -> Record:
    """Answers name the mode otherwise than requests, and never give a password back."""
    mode = call.get("AuthenticationMode", {})
    kind = mode.get("Type") or ("no-password-required" if call.get("NoPasswordRequired") else "password")
    passwords = mode.get("Passwords") or call.get("Passwords") or []
    if bool(passwords) is not (kind == "password"):
        raise _combination(f"Passwords do not go with the authentication type {kind}")
    if kind == "iam" and call.operation == "CreateUser" and call.get("UserId") != call.get("UserName"):
        raise _combination("User Id and User name must be same for authentication type: iam")
    if kind == "no-password-required" and call.get("Engine", "").lower() == "valkey":
        raise _combination("A user of the engine valkey has a password or authenticates with IAM")
    return {"Type": "no-password" if kind == "no-password-required" else kind, "PasswordCount": len(passwords)}


def every_account_has(call: Call) -> Record:
    """Return AWS's own user, which every account has and which may do everything without a password."""
    own = {
        "UserId": OFTEN,
        "UserName": OFTEN,
        "Status": "active",
        "Engine": "redis",
        "MinimumEngineVersion": "6.0",
        "AccessString": "on ~* +@all",
        "UserGroupIds": [],
        "Authentication": {"Type": "no-password", "PasswordCount": 0},
        "ARN": call.arn(f"user:{OFTEN}"),
        "_tags": {},
    }
    return kept(call).get(USER, OFTEN) or kept(call).put(USER, OFTEN, own)


@answers(SERVICE, "CreateUser")
def create_user(call: Call) -> dict[str, Any]:
    """Make a user; several of one name may exist, in different groups."""
    every_account_has(call)
    name = free(call, USER, "UserAlreadyExists")
    record = {
        "UserId": name,
        "UserName": call.get("UserName"),
        "Status": "active",
        "Engine": call.get("Engine", "").lower(),
        "MinimumEngineVersion": "6.0",
        "AccessString": call.get("AccessString"),
        "UserGroupIds": [],
        "Authentication": _authentication(call),
        "ARN": call.arn(f"user:{name}"),
        "_tags": tags(call),
    }
    return shown(kept(call).put(USER, name, record))


@answers(SERVICE, "DescribeUsers")
def describe_users(call: Call) -> dict[str, Any]:
    """Return all users, or one."""
    every_account_has(call)
    return {"Users": listed(call, USER)}


@answers(SERVICE, "ModifyUser")
def modify_user(call: Call) -> dict[str, Any]:
    """Change what a user may do, or how it authenticates."""
    record = one(call, USER)
    if call.get("AccessString"):
        record["AccessString"] = call.get("AccessString")
    if call.get("AuthenticationMode") or call.get("Passwords") or call.get("NoPasswordRequired"):
        record["Authentication"] = _authentication(call)
    return shown(record)


@answers(SERVICE, "DeleteUser")
def delete_user(call: Call) -> dict[str, Any]:
    """Delete a user that is nobody's default."""
    record = one(call, USER)
    held = [group for group in kept(call).all(GROUP) if record["UserId"] in group["UserIds"]]
    if record["UserName"] == OFTEN and held:
        raise Refusal("DefaultUserAssociatedToUserGroup", f"{record['UserId']} is the default user of a user group")
    kept(call).remove(USER, record["UserId"])
    for each in held:
        group = one(call, GROUP, each["UserGroupId"])
        group["UserIds"] = [user for user in group["UserIds"] if user != record["UserId"]]
    return {**shown(record), "Status": "deleting"}


def _judge_members(call: Call, engine: str, members: list[str]) -> None:
    users = [one(call, USER, member) for member in members]
    called = [user["UserName"] for user in users]
    if len(called) != len(set(called)):
        raise Refusal("DuplicateUserName", "Two users of the group have one name")
    if engine == "redis" and OFTEN not in called:
        raise Refusal("DefaultUserRequired", "User group needs to contain a user with the user name default.")
    if engine == "valkey" and any(user["Authentication"]["Type"] == "no-password" for user in users):
        raise _combination("Users of a group of the engine valkey authenticate")


def _belong(call: Call, group: Record) -> None:
    for user in kept(call).all(USER):
        live = one(call, USER, user["UserId"])
        others = [name for name in live["UserGroupIds"] if name != group["UserGroupId"]]
        live["UserGroupIds"] = [*others, *([group["UserGroupId"]] if user["UserId"] in group["UserIds"] else [])]


def _with_caches(call: Call, group: Record) -> Record:
    caches = [x["ReplicationGroupId"] for x in kept(call).all(CACHE) if group["UserGroupId"] in x["UserGroupIds"]]
    return {**shown(group), "ReplicationGroups": caches}


@answers(SERVICE, "CreateUserGroup")
def create_group(call: Call) -> dict[str, Any]:
    """Make a group of users that exist; one of the engine redis has a default user."""
    every_account_has(call)
    name, engine = free(call, GROUP, "UserGroupAlreadyExists"), call.get("Engine", "").lower()
    _judge_members(call, engine, call.get("UserIds", []))
    record = {
        "UserGroupId": name,
        "Status": "active",
        "Engine": engine,
        "UserIds": list(call.get("UserIds", [])),
        "MinimumEngineVersion": "6.0",
        "ARN": call.arn(f"usergroup:{name}"),
        "_tags": tags(call),
    }
    _belong(call, kept(call).put(GROUP, name, record))
    return _with_caches(call, record)


@answers(SERVICE, "DescribeUserGroups")
def describe_groups(call: Call) -> dict[str, Any]:
    """Return all user groups, or one, each with the caches that it guards."""
    found = [one(call, GROUP)] if call.get("UserGroupId") else kept(call).all(GROUP)
    return {"UserGroups": [_with_caches(call, group) for group in found]}


@answers(SERVICE, "ModifyUserGroup")
def modify_group(call: Call) -> dict[str, Any]:
    """Add users to a group, or take them from it."""
    group = one(call, GROUP)
    stay = [user for user in group["UserIds"] if user not in call.get("UserIdsToRemove", [])]
    members = list(dict.fromkeys([*stay, *call.get("UserIdsToAdd", [])]))
    _judge_members(call, group["Engine"], members)
    group["UserIds"] = members
    _belong(call, group)
    return _with_caches(call, group)


@answers(SERVICE, "DeleteUserGroup")
def delete_group(call: Call) -> dict[str, Any]:
    """Delete a group that guards no cache."""
    group = one(call, GROUP)
    if _with_caches(call, group)["ReplicationGroups"]:
        raise Refusal("InvalidUserGroupState", f"User group {group['UserGroupId']} is in use by a replication group")
    kept(call).remove(GROUP, group["UserGroupId"])
    _belong(call, {**group, "UserIds": []})
    return {**shown(group), "Status": "deleting"}
