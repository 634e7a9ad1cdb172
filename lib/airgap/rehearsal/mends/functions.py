"""Lambda: functions that take a moment to become active, stand in subnets by interfaces, and need what AWS needs.

https://docs.aws.amazon.com/lambda/latest/dg/functions-states.html and configuration-vpc.html. moto has functions active
at once, in no VPC, and forgets half of what they are told.
"""

from __future__ import annotations

import contextlib
from typing import Any

from moto.awslambda.models import LambdaBackend, LambdaFunction
from moto.core.exceptions import ServiceException

from airgap.rehearsal import settling
from airgap.rehearsal.eks.roles import lacking, role_of, trusts
from airgap.rehearsal.hook import after, answers, before
from airgap.rehearsal.mends.addresses import managed_interface, release
from airgap.rehearsal.store import store
from airgap.rehearsal.wire import Call, Refusal, backend_of

HELD = "interfaces"
# What a role needs so that Lambda can put the function into a VPC.
_NETWORK = ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface")
_KEPT = ("LoggingConfig", "DeadLetterConfig", "KMSKeyArn", "TracingConfig", "Environment", "Layers", "VpcConfig")
# What the list of functions does not tell.
_SHOWN_ALONE = ("State", "StateReason", "StateReasonCode", "LastUpdateStatus", "LastUpdateStatusReason")
_configuration, _update, _change_code = (
    LambdaFunction.get_configuration,
    LambdaFunction.update_configuration,
    LambdaFunction.update_function_code,
)
_begin, _delete = LambdaFunction.__init__, LambdaBackend.delete_function


def _invalid(message: str) -> Refusal:
    return Refusal("InvalidParameterValueException", message, 400)


def _born(self: Any, account_id: str, spec: dict[str, Any], region: str, *rest: Any, **named: Any) -> None:
    _begin(self, account_id, spec, region, *rest, **named)
    self.told = {name: spec[name] for name in _KEPT if name in spec}
    self.pending_until = settling.due("lambda:CreateFunction")
    self.updating_until = 0.0
    _stand(self)


def _stand(function: Any) -> None:
    """Put an interface into each of the function's subnets, and let the ones that it had go some time later."""
    kept, key = store(function.account_id, function.region, "lambda"), function.function_name
    _leave(function.account_id, function.region, key)
    network = function.told.get("VpcConfig") or {}
    ec2 = backend_of("ec2", function.account_id, function.region)
    description = f"AWS Lambda VPC ENI-{key}"
    made = [
        managed_interface(ec2, subnet, "lambda", description, list(network.get("SecurityGroupIds") or ())).id
        for subnet in network.get("SubnetIds") or ()
    ]
    kept.put(HELD, key, {"interfaces": made})


def _leave(account: str, region: str, name: str) -> None:
    held = store(account, region, "lambda").remove(HELD, name)
    if held and held["interfaces"]:
        record = {**held, "until": settling.due("lambda:ReleaseInterfaces")}
        store(account, region, "lambda").put("leaving", f"{name} {record['until']}", record)


@before("ec2", "*")
def release_interfaces(call: Call) -> None:
    """The interfaces of a function that is gone, or elsewhere, are given back after a while."""
    kept = store(call.account, call.region, "lambda")
    for record in kept.all("leaving"):
        if settling.passed(record["until"]):
            for identifier in record["interfaces"]:
                release(call.backend("ec2"), identifier)
            record["interfaces"] = []
    for key, record in list(kept._records["leaving"].items()):
        if settling.passed(record["until"]):
            kept.remove("leaving", key)


def _shown(self: Any, on_create: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {**_configuration(self, on_create), **self.told}
    if not (self.told.get("Environment") or {}).get("Variables"):
        shown.pop("Environment", None)
    if not (self.told.get("DeadLetterConfig") or {}).get("TargetArn"):
        shown.pop("DeadLetterConfig", None)
    network = self.told.get("VpcConfig") or {}
    if network.get("SubnetIds"):
        subnet = backend_of("ec2", self.account_id, self.region).get_subnet(network["SubnetIds"][0])
        shown["VpcConfig"] = {**network, "VpcId": subnet.vpc_id}
    else:
        shown["VpcConfig"] = None
    shown["Layers"] = self.layers
    shown["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": self.logs_group_name} | self.told.get(
        "LoggingConfig", {}
    )
    if not settling.passed(self.pending_until):
        shown |= {"State": "Pending", "StateReason": "The function is being created.", "StateReasonCode": "Creating"}
    if not on_create:
        shown["LastUpdateStatus"] = "Successful" if settling.passed(self.updating_until) else "InProgress"
    return {name: value for name, value in shown.items() if value is not None}


def _configured(self: Any, changes: dict[str, Any]) -> dict[str, Any]:
    known = {name: value for name, value in changes.items() if name != "Environment" or value.get("Variables")}
    _update(self, {name: value for name, value in known.items() if value is not None})
    if changes.get("Environment") is not None and not changes["Environment"].get("Variables"):
        self.environment_vars = {}
    self.told |= {name: changes[name] for name in _KEPT if changes.get(name) is not None}
    self.updating_until = settling.due("lambda:UpdateFunctionConfiguration")
    if "VpcConfig" in changes:
        _stand(self)
    return _shown(self)


def _recoded(self: Any, spec: dict[str, Any]) -> dict[str, Any]:
    _change_code(self, spec)
    self.updating_until = settling.due("lambda:UpdateFunctionCode")
    return _shown(self)


def _deleted(self: Any, function_name: str, qualifier: str | None = None) -> None:
    name = self.get_function(function_name).function_name
    _delete(self, function_name, qualifier)
    _leave(self.account_id, self.region_name, name)


LambdaFunction.__init__ = _born
LambdaFunction.get_configuration = _shown
LambdaFunction.update_configuration = _configured
LambdaFunction.update_function_code = _recoded
LambdaBackend.delete_function = _deleted


@before("lambda", "CreateFunction", "UpdateFunctionConfiguration")
def judge_settings(call: Call) -> None:
    """The role is Lambda's to assume and may make interfaces; subnets, groups and key are there."""
    role = role_of(call, call.get("Role")) if call.get("Role") else None
    if call.get("Role") and (role is None or not trusts(role, "lambda.amazonaws.com")):
        raise _invalid("The role defined for the function cannot be assumed by Lambda.")
    network = call.get("VpcConfig") or {}
    if role is not None and network.get("SubnetIds"):
        for action in lacking(call, role, _NETWORK):
            what = action.partition(":")[2]
            raise _invalid(f"The provided execution role does not have permissions to call {what} on EC2")
    _judge_network(call, network)
    key = call.get("KMSKeyArn")
    if key and key.rpartition("/")[2] not in call.backend("kms").keys:
        raise _invalid(f"Lambda was unable to configure access to the KMS key: {key} is invalid")


def _judge_network(call: Call, network: dict[str, Any]) -> None:
    ec2 = call.backend("ec2")
    for identifier in network.get("SubnetIds") or ():
        if not any(identifier in zone for zone in ec2.subnets.values()):
            message = f"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound: {identifier}"
            raise _invalid(message)
    for identifier in network.get("SecurityGroupIds") or ():
        if ec2.get_security_group_from_id(identifier) is None:
            message = (
                f"Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound: {identifier}"
            )
            raise _invalid(message)


@before("lambda", "CreateFunction", "UpdateFunctionCode")
def judge_code(call: Call) -> None:
    """Code comes from an object that is there, in the version that is named."""
    code = call.get("Code") or call.params
    if not code.get("S3Bucket"):
        return
    found = None
    with contextlib.suppress(ServiceException, KeyError):
        bucket = backend_of("s3", call.account, call.region)
        found = bucket.get_object(code["S3Bucket"], code["S3Key"], version_id=code.get("S3ObjectVersion"))
    if found is None:
        what = "S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
        raise _invalid(f"Error occurred while GetObject. {what}")


@before("lambda", "UpdateFunctionConfiguration", "UpdateFunctionCode", "PutFunctionConcurrency")
def not_while_busy(call: Call) -> None:
    """One change at a time: the one before must be finished."""
    function = call.backend("lambda").get_function(call.get("FunctionName"))
    if not (settling.passed(function.pending_until) and settling.passed(function.updating_until)):
        message = "The operation cannot be performed at this time. An update is in progress for resource: "
        raise Refusal("ResourceConflictException", message + function.function_arn, 409)


@after("lambda", "ListFunctions")
def without_states(call: Call, result: dict[str, Any]) -> None:
    """The list does not tell states."""
    for one in result["Functions"]:
        for name in _SHOWN_ALONE:
            one.pop(name, None)


@answers("lambda", "GetFunctionConcurrency")
def concurrency(call: Call) -> dict[str, Any]:
    """Return the reserved concurrency; nothing where none is."""
    reserved = call.backend("lambda").get_function(call.get("FunctionName")).reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": int(reserved)}
