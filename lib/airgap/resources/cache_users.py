"""Users of the cache and their group: authenticated by IAM, nobody by default, no password anywhere.

The application's user authenticates by a token that it signs as its role. A Valkey cache may carry a user group of the
engine ``redis``, which must hold a user named ``default``; ours may do nothing at all.
AWS: ElastiCache User Guide, "Role-Based Access Control (RBAC)", "Authenticating with IAM".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.data_stores import cache_user
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, ONCE, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, tag_list

TAGS = "elasticache:ListTagsForResource|ResourceName=ARN|TagList"
BUSY = ("InvalidReplicationGroupState", "InvalidUserGroupState")


def _changed_user(f: Fields) -> dict[str, Any]:
    return {"UserId": f["id"], "AccessString": f["access"], "AuthenticationMode": {"Type": _asked(f)}}


def _asked(f: Fields) -> str:
    """Requests call it no-password-required, answers no-password."""
    return "no-password-required" if f["authentication"] == "no-password" else str(f["authentication"])


USER = Kind(
    "cache-user",
    "User of the cache",
    Reading(
        "elasticache:DescribeUsers",
        "Users",
        "UserId",
        owner="name",
        natural=("id_name",),
        # AWS's own user, which every account has.
        unless=(("UserId", "default"),),
        tags=TAGS,
        attrs={"arn": "ARN"},
        fields={
            "id_name": Field("UserId", change=NEVER, why="a user is its id"),
            "name": Field("UserName", change=NEVER, why="a user's name cannot be changed"),
            "engine": Field("Engine", change=ONCE),
            "access": Field("AccessString", risk="opens", why="what the user may do"),
            "authentication": Field("Authentication.Type", risk="opens", why="how the user proves who it is"),
        },
        state="Status",
        settled=("active",),
    ),
    create=(
        Call(
            "elasticache:CreateUser",
            lambda f: {
                "UserId": f["id_name"],
                "UserName": f["name"],
                "Engine": f["engine"],
                "AccessString": f["access"],
                "AuthenticationMode": {"Type": _asked(f)},
                "Tags": tag_list(f),
            },
            actions=("elasticache:AddTagsToResource",),
        ),
    ),
    updates=dict.fromkeys(("access", "authentication"), (Call("elasticache:ModifyUser", _changed_user, retry=BUSY),)),
    delete=(
        Call(
            "elasticache:DeleteUser",
            lambda f: {"UserId": f["id"]},
            ignore=("UserNotFound",),
            retry=("InvalidUserState", "DefaultUserAssociatedToUserGroup"),
        ),
    ),
    poll=Call("elasticache:DescribeUsers", lambda f: {"UserId": f["id"]}, ignore=("UserNotFound",)),
    seconds=10,
    gone=True,
)


def _members(f: Fields) -> dict[str, Any]:
    was, now = set(f["was"].get("users") or ()), set(f["users"])
    return {
        "UserGroupId": f["id"],
        "UserIdsToAdd": sorted(now - was) or None,
        "UserIdsToRemove": sorted(was - now) or None,
    }


USER_GROUP = Kind(
    "cache-user-group",
    "Users of the cache",
    Reading(
        "elasticache:DescribeUserGroups",
        "UserGroups",
        "UserGroupId",
        owner="name",
        natural=("name",),
        tags=TAGS,
        fields={
            "name": Field("UserGroupId", change=NEVER, why="a user group is its id"),
            "engine": Field("Engine", change=ONCE),
            "users": Field("UserIds", form="set", risk="opens", why="who may use the cache, and nobody by default"),
        },
        state="Status",
        settled=("active",),
    ),
    create=(
        Call(
            "elasticache:CreateUserGroup",
            lambda f: {
                "UserGroupId": f["name"],
                "Engine": f["engine"],
                "UserIds": f["users"],
                "Tags": tag_list(f),
            },
            actions=("elasticache:AddTagsToResource",),
            retry=("UserNotFound", "InvalidUserState"),
        ),
    ),
    updates={"users": (Call("elasticache:ModifyUserGroup", _members, retry=BUSY),)},
    delete=(
        Call(
            "elasticache:DeleteUserGroup",
            lambda f: {"UserGroupId": f["id"]},
            ignore=("UserGroupNotFound",),
            retry=("InvalidUserGroupState",),
        ),
    ),
    poll=Call("elasticache:DescribeUserGroups", lambda f: {"UserGroupId": f["id"]}, ignore=("UserGroupNotFound",)),
    seconds=10,
    gone=True,
)


def declared(intent: Intent) -> Iterator[Desired]:
    """Yield the user for whoever gives no name, who may do nothing; the application's; and their group."""
    nobody = {
        "id_name": intent.name("cache-default"),
        "name": "default",
        "engine": "redis",
        "access": "off -@all",
        "authentication": "no-password",
    }
    yield Desired("cache-user", "default", nobody, why="who gives no name may do nothing")
    application = {
        "id_name": cache_user(intent),
        "name": cache_user(intent),
        "engine": "redis",
        "access": "on ~* &* -@all +@all -@dangerous -@admin",
        "authentication": "iam",
    }
    yield Desired("cache-user", "application", application, why="the application, by the token of its role")
    members = [ref("cache-user:default"), ref("cache-user:application")]
    group = {"name": intent.name("cache"), "engine": "redis", "users": members}
    yield Desired("cache-user-group", "cache", group, why="who may use the cache, and nobody by default")
