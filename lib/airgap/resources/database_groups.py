"""Where the database stands and how it is spoken to: its subnet group and its parameter group.

AWS: RDS User Guide, "Working with DB subnet groups", "Parameter groups for DB instances".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.data_stores import FAMILY, parameters
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, ONCE, Field, Reading
from airgap.resources.kind import Call, Fields, Kind, tag_list
from airgap.resources.vpc import subnets, tier_of

SUBNET_GROUP = Kind(
    "db-subnet-group",
    "Subnets of the database",
    Reading(
        "rds:DescribeDBSubnetGroups",
        "DBSubnetGroups",
        "DBSubnetGroupName",
        owner="name",
        natural=("name",),
        tags="rds:ListTagsForResource|ResourceName=DBSubnetGroupArn|TagList",
        fields={
            "name": Field("DBSubnetGroupName", change=NEVER, why="a subnet group is its name"),
            "description": Field("DBSubnetGroupDescription"),
            "subnets": Field("Subnets[].SubnetIdentifier", form="set", risk="opens", why="the sealed subnets alone"),
        },
    ),
    create=(
        Call(
            "rds:CreateDBSubnetGroup",
            lambda f: {**_subnet_group(f), "Tags": tag_list(f)},
            result="DBSubnetGroup",
            actions=("rds:AddTagsToResource",),
        ),
    ),
    updates=dict.fromkeys(("description", "subnets"), (Call("rds:ModifyDBSubnetGroup", lambda f: _subnet_group(f)),)),
    delete=(
        Call(
            "rds:DeleteDBSubnetGroup",
            lambda f: {"DBSubnetGroupName": f["id"]},
            ignore=("DBSubnetGroupNotFoundFault",),
            retry=("InvalidDBSubnetGroupStateFault",),
        ),
    ),
)


def _subnet_group(f: Fields) -> dict[str, Any]:
    return {
        "DBSubnetGroupName": f["name"],
        "DBSubnetGroupDescription": f["description"],
        "SubnetIds": f["subnets"],
    }


def _set_parameters(f: Fields) -> dict[str, Any]:
    """Static parameters wait for a reboot; all of these are dynamic."""
    chosen = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "immediate"}
        for name, value in sorted(f["parameters"].items())
    ]
    return {"DBParameterGroupName": f["name"], "Parameters": chosen}


PARAMETER_GROUP = Kind(
    "db-parameter-group",
    "Parameters of the database",
    Reading(
        "rds:DescribeDBParameterGroups",
        "DBParameterGroups",
        "DBParameterGroupName",
        owner="name",
        natural=("name",),
        unless=(("DBParameterGroupName", "default.*"),),
        tags="rds:ListTagsForResource|ResourceName=DBParameterGroupArn|TagList",
        fields={
            "name": Field("DBParameterGroupName", change=NEVER, why="a parameter group is its name"),
            "family": Field("DBParameterGroupFamily", change=NEVER, why="a parameter group is of one major version"),
            "description": Field("Description", change=ONCE),
            "parameters": Field(
                "Parameters",
                call="rds:DescribeDBParameters",
                by={"DBParameterGroupName": "DBParameterGroupName", "Source": "=user"},
                form="pairs:ParameterName:ParameterValue",
                risk="opens",
                why="they say whether the server takes connections in the clear",
                absent=(),
            ),
        },
    ),
    create=(
        Call(
            "rds:CreateDBParameterGroup",
            lambda f: {
                "DBParameterGroupName": f["name"],
                "DBParameterGroupFamily": f["family"],
                "Description": f["description"],
                "Tags": tag_list(f),
            },
            result="DBParameterGroup",
            actions=("rds:AddTagsToResource",),
        ),
    ),
    later=("parameters",),
    updates={
        "parameters": (
            Call(
                "rds:ResetDBParameterGroup",
                lambda f: {"DBParameterGroupName": f["name"], "Parameters": _undeclared(f)},
                when=lambda f: bool(_undeclared(f)),
            ),
            Call("rds:ModifyDBParameterGroup", _set_parameters, retry=("InvalidDBParameterGroupState",)),
        )
    },
    delete=(
        Call(
            "rds:DeleteDBParameterGroup",
            lambda f: {"DBParameterGroupName": f["id"]},
            ignore=("DBParameterGroupNotFound",),
            retry=("InvalidDBParameterGroupState",),
        ),
    ),
)


def _undeclared(f: Fields) -> list[dict[str, str]]:
    """Return what somebody else has set: it goes back to the engine's default."""
    left = sorted(set(f["was"].get("parameters") or {}) - set(f["parameters"]))
    return [{"ParameterName": name, "ApplyMethod": "pending-reboot"} for name in left]


def sealed(intent: Intent) -> list[str]:
    """Return references to the sealed subnets."""
    return [ref(f"subnet:{name}") for name in subnets(intent) if tier_of(name) == "private"]


def declared(intent: Intent) -> Iterator[Desired]:
    """Yield the groups of the database."""
    data, name = intent.data, intent.data.postgres_name
    placed = {"name": name, "description": f"Sealed subnets of {name}", "subnets": sealed(intent)}
    yield Desired("db-subnet-group", "postgres", placed, why="the database stands in sealed subnets alone")
    tuned = {
        "name": f"{name}-{FAMILY}{data.postgres_version}",
        "family": f"{FAMILY}{data.postgres_version}",
        "description": f"Parameters of {name}",
        "parameters": parameters(intent),
    }
    yield Desired("db-parameter-group", "postgres", tuned, why="TLS alone, and passwords by SCRAM alone")
