"""DynamoDB: tables that are made and deleted in a while, and are changed one thing at a time."""

from __future__ import annotations

import json
from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.store import Store, store
from airgap.rehearsal.wire import Call, Refusal

CHANGING, ENABLING = "changing", "enabling"


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "dynamodb")


def _busy(call: Call, name: str) -> str:
    """Return the interim state of a table; '' where nothing is going on."""
    found = _kept(call).get(CHANGING, name)
    return str(found["state"]) if found else ""


def _begin(call: Call, name: str, state: str) -> None:
    if settling.seconds(call.name):
        _kept(call).put(CHANGING, name, {"state": state})
        _kept(call).later(CHANGING, name, call.name, None)


@before("dynamodb", "CreateTable")
def judge_policy(call: Call) -> None:
    """A resource policy names the table and is a policy document."""
    if call.get("ResourcePolicy"):
        try:
            json.loads(call.get("ResourcePolicy"))
        except ValueError as error:
            raise Refusal("ValidationException", f"The resource policy is no JSON: {error}") from error


@after("dynamodb", "CreateTable")
def created(call: Call, result: dict[str, Any]) -> None:
    """A new table takes a while; its policy comes with it."""
    name = call.get("TableName")
    _begin(call, name, "CREATING")
    _kept(call).put(ENABLING, name, {"name": name})
    _kept(call).later(ENABLING, name, "dynamodb:EnableBackups", None)
    result["TableDescription"]["TableStatus"] = _busy(call, name) or "ACTIVE"
    if call.get("ResourcePolicy"):
        arn = result["TableDescription"]["TableArn"]
        backend = call.backend("dynamodb")
        if arn not in backend.resource_policies:
            backend.put_resource_policy(arn, call.get("ResourcePolicy"), None)


@before("dynamodb", "UpdateTable", "DeleteTable", "CreateBackup")
def not_while_busy(call: Call) -> None:
    """DynamoDB does one thing with a table at a time."""
    name = call.get("TableName")
    if _busy(call, name):
        raise Refusal("ResourceInUseException", f"Attempt to change a resource which is still in use: Table: {name}")


@before("dynamodb", "UpdateContinuousBackups")
def not_before_backups(call: Call) -> None:
    """Backups of a new table come about a while after the table."""
    name = call.get("TableName")
    if _kept(call).get(ENABLING, name):
        what = f"Backups are being enabled for the table: {name}. Please retry later"
        raise Refusal("ContinuousBackupsUnavailableException", what)


@answers("dynamodb", "DescribeKinesisStreamingDestination")
def streams(call: Call) -> dict[str, Any]:
    """No table here streams its changes anywhere."""
    name = call.get("TableName")
    if name not in call.backend("dynamodb").tables:
        raise Refusal("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
    return {"TableName": name, "KinesisDataStreamDestinations": []}


@after("dynamodb", "UpdateTable")
def changed(call: Call, result: dict[str, Any]) -> None:
    """A change takes a while."""
    _begin(call, call.get("TableName"), "UPDATING")


@after("dynamodb", "DescribeTable")
def show_state(call: Call, result: dict[str, Any]) -> None:
    """A table shows what is being done with it."""
    result["Table"]["TableStatus"] = _busy(call, result["Table"]["TableName"]) or result["Table"]["TableStatus"]
