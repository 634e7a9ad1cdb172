"""Systems Manager on instances: which of them its agent keeps in touch with, and sessions to those.

An agent shows when its instance runs, has metadata and a role that lets it speak, and reaches ``ssm`` and
``ssmmessages``. https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-prerequisites.html
"""

from __future__ import annotations

import operator
from typing import Any

from airgap.rehearsal import settling
from airgap.rehearsal.eks.roles import lacking, trusts
from airgap.rehearsal.hook import answers
from airgap.rehearsal.reach import Place, reaches
from airgap.rehearsal.store import Record, Store, new_id, now, store
from airgap.rehearsal.wire import Call, Refusal

NEEDED = ("ssm", "ssmmessages")
ACTIONS = (
    "ssm:UpdateInstanceInformation",
    *(f"ssmmessages:{verb}{kind}Channel" for verb in ("Create", "Open") for kind in ("Control", "Data")),
)
PREFERENCES = "SSM-SessionManagerRunShell"
# Amazon's session documents, with the parameters that they cannot do without.
DOCUMENTS: dict[str, tuple[str, ...]] = {
    PREFERENCES: (),
    "AWS-StartInteractiveCommand": ("command",),
    "AWS-StartNonInteractiveCommand": ("command",),
    "AWS-StartPortForwardingSession": ("portNumber",),
    "AWS-StartPortForwardingSessionToRemoteHost": ("host", "portNumber"),
    "AWS-StartSSHSession": (),
}
SESSION, SEEN = "session", "seen"
_FILTERS = ("Owner", "SessionId", "Status", "Target")
_TIMES = {"InvokedAfter": operator.gt, "InvokedBefore": operator.lt}


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "ssm")


def role_of_instance(call: Call, instance: Any) -> Any:
    """Return moto's role in the profile of an instance, None where it has none."""
    association = call.backend("ec2").iam_instance_profile_associations.get(instance.id)
    roles = association.iam_instance_profile.roles if association is not None else []
    return roles[0] if roles else None


def online(call: Call, instance: Any) -> bool:
    """Say whether the agent of an instance is in touch."""
    role = role_of_instance(call, instance)
    if instance.state != "running" or role is None or not settling.passed(getattr(instance, "agent_due", 0.0)):
        return False
    speaks = trusts(role, "ec2.amazonaws.com") and not lacking(call, role, ACTIONS)
    if not speaks or instance.metadata_options.http_endpoint != "enabled" or instance.subnet_id is None:
        return False
    place = Place.of(instance.nics[0])
    return all(reaches(call.backend("ec2"), place, name) for name in NEEDED)


def _instances(call: Call) -> list[Any]:
    return [one for found in call.backend("ec2").reservations.values() for one in found.instances]


@answers("ssm", "DescribeInstanceInformation")
def instance_information(call: Call) -> dict[str, Any]:
    """Return the instances whose agent is or was in touch."""
    found = []
    for instance in _instances(call):
        up = online(call, instance)
        if up:
            _kept(call).put(SEEN, instance.id, {"at": now()})
        seen = _kept(call).get(SEEN, instance.id)
        if seen is not None and instance.state != "terminated":
            found.append(_information(call, instance, up, seen["at"]))
    return {"InstanceInformationList": [one for one in found if _asked(call, one)]}


def _information(call: Call, instance: Any, up: bool, seen: str) -> Record:
    return {
        "InstanceId": instance.id,
        "PingStatus": "Online" if up else "ConnectionLost",
        "LastPingDateTime": seen,
        "AgentVersion": "3.3.3050.0",
        "IsLatestVersion": True,
        "PlatformType": "Linux",
        "PlatformName": "Amazon Linux",
        "PlatformVersion": "2023",
        "ResourceType": "EC2Instance",
        "SourceId": instance.id,
        "SourceType": "AWS::EC2::Instance",
        "IPAddress": instance.private_ip,
        "ComputerName": instance.private_dns_name,
    }


def _asked(call: Call, one: Record) -> bool:
    named = {"InstanceIds": "InstanceId", "PingStatus": "PingStatus", "PlatformTypes": "PlatformType"}
    filters = [(x["Key"], x["Values"]) for x in call.get("Filters", [])]
    filters += [(x["key"], x["valueSet"]) for x in call.get("InstanceInformationFilterList", [])]
    tags = call.backend("ec2").tags.get(one["InstanceId"], {})
    for name, values in filters:
        value = tags.get(name[4:]) if name.startswith("tag:") else one.get(named.get(name, name))
        if value not in values:
            return False
    return True


@answers("ssm", "GetConnectionStatus")
def connection_status(call: Call) -> dict[str, Any]:
    """Say whether sessions can be started on an instance."""
    target = call.get("Target")
    up = any(online(call, x) for x in _instances(call) if x.id == target)
    return {"Target": target, "Status": "connected" if up else "notconnected"}


@answers("ssm", "StartSession")
def start(call: Call) -> dict[str, Any]:
    """Start a session by a session document, on an instance whose agent is in touch."""
    target, document = call.get("Target"), call.get("DocumentName", PREFERENCES)
    _judge_document(call, document)
    instance = next((x for x in _instances(call) if x.id == target), None)
    if instance is None or not online(call, instance):
        raise Refusal("TargetNotConnected", f"{target} is not connected.", 400)
    identifier = f"{call.caller.session}-{new_id('', 17)}"
    record = {
        "SessionId": identifier,
        "Target": target,
        "Status": "Connected",
        "StartDate": now(),
        "DocumentName": document,
        "Owner": call.caller.arn(call.partition),
        "AccessType": "Standard",
        **({"Reason": call.get("Reason")} if call.get("Reason") else {}),
    }
    _kept(call).put(SESSION, identifier, record)
    return {"SessionId": identifier, "TokenValue": new_id("", 64), "StreamUrl": _stream(call, identifier)}


def _judge_document(call: Call, name: str) -> None:
    own = call.backend("ssm")._documents.get(name)
    kind = own.get_default_version().document_type if own is not None else "Session"
    if (own is None and name not in DOCUMENTS) or kind != "Session":
        raise Refusal("InvalidDocument", f"Document with name {name} does not exist.", 400)
    missing = [x for x in DOCUMENTS.get(name, ()) if not call.get("Parameters", {}).get(x)]
    if own is None and missing:
        raise Refusal("InvalidParameters", f"The parameter {missing[0]} of {name} must be given", 400)


def _stream(call: Call, identifier: str) -> str:
    return f"wss://ssmmessages.{call.region}.amazonaws.com/v1/data-channel/{identifier}?role=publish_subscribe"


@answers("ssm", "ResumeSession")
def resume(call: Call) -> dict[str, Any]:
    """Give another token for a session that is open."""
    identifier = call.get("SessionId")
    session = _kept(call).get(SESSION, identifier)
    if session is None or session["Status"] != "Connected":
        raise Refusal("DoesNotExistException", f"Session {identifier} does not exist", 400)
    return {"SessionId": identifier, "TokenValue": new_id("", 64), "StreamUrl": _stream(call, identifier)}


@answers("ssm", "TerminateSession")
def terminate(call: Call) -> dict[str, Any]:
    """End a session; one that is over, or never was, is ended too."""
    session = _kept(call).get(SESSION, call.get("SessionId"))
    if session is not None and session["Status"] == "Connected":
        session.update(Status="Terminated", EndDate=now())
    return {"SessionId": call.get("SessionId")}


@answers("ssm", "DescribeSessions")
def describe(call: Call) -> dict[str, Any]:
    """Return the sessions that are open, or the history of those that are over, newest first."""
    active = call.get("State") == "Active"
    found = [x for x in reversed(_kept(call).all(SESSION)) if (x["Status"] == "Connected") is active]
    for one in call.get("Filters", []):
        found = [x for x in found if _admits(x, one["key"], one["value"])]
    return {"Sessions": found}


def _admits(session: Record, name: str, value: str) -> bool:
    if name in _TIMES:
        return bool(_TIMES[name](session["StartDate"], value))
    if name not in _FILTERS:
        raise Refusal("InvalidFilterKey", f"The filter key {name} is not valid", 400)
    return bool(session[name] == value)
