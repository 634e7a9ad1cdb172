"""Lambda functions in the sealed subnets: their log group, the function, and who may call it.

A function here has its own role and group, code from the environment's own bucket by version and digest, no environment
variables, layers, URL, tracing, dead-letter queue or destination: none of these could be seen or would stay inside.
AWS: Lambda Developer Guide, "Giving Lambda functions access to resources in an Amazon VPC", "Configuring reserved
concurrency", "Working with resource-based IAM policies in Lambda".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, REPLACE, Field, Reading
from airgap.resources import packages
from airgap.resources.kind import WHOLE, Call, Fields, Kind
from airgap.resources.logs import log_group
from airgap.resources.vpc import subnets, tier_of

RUNTIME, ARCHITECTURE = "python3.13", "x86_64"
_GONE = ("ResourceNotFoundException",)
_BUSY = ("ResourceConflictException: The operation cannot be performed at this time",)
# Lambda asks IAM and KMS, which know a new role and its rights a little later.
_NEW_ROLE = (
    "The role defined for the function cannot be assumed by Lambda",
    "The provided execution role does not have permissions to call",
)


def _code(f: Fields) -> dict[str, Any]:
    return {"S3Bucket": f["package_bucket"], "S3Key": f["package_key"], "S3ObjectVersion": f["package_version"]}


def _settings(f: Fields) -> dict[str, Any]:
    return {
        "FunctionName": f["name"],
        "Description": f["description"],
        "Runtime": f["runtime"],
        "Handler": f["handler"],
        "Role": f["role"],
        "Timeout": f["timeout"],
        "MemorySize": f["memory_mib"],
        "VpcConfig": {"SubnetIds": f["subnets"], "SecurityGroupIds": f["groups"], "Ipv6AllowedForDualStack": False},
        "KMSKeyArn": f["kms_key"],
        "TracingConfig": {"Mode": f["tracing"]},
        "LoggingConfig": {"LogFormat": "JSON", "LogGroup": f["log_group"]},
        "Environment": {"Variables": {}},
        "Layers": f["layers"],
        "DeadLetterConfig": {"TargetArn": f["dead_letters"]},
    }


def _created(f: Fields) -> dict[str, Any]:
    nothing = ("Environment", "Layers", "DeadLetterConfig")
    settings = {name: value for name, value in _settings(f).items() if name not in nothing}
    made = {"PackageType": "Zip", "Architectures": [f["architecture"]], "Publish": False}
    return {**settings, **made, "Code": _code(f), "Tags": f["tags"]}


def _state(item: Mapping[str, Any]) -> str:
    """An idle function goes to sleep (``Inactive``), and wakes when it is called."""
    if "Failed" in (item.get("State"), item.get("LastUpdateStatus")):
        return "failed"
    going = item.get("State") == "Pending" or item.get("LastUpdateStatus") == "InProgress"
    return "pending" if going else "ready"


def _of(call: str) -> dict[str, Any]:
    return {"call": call, "by": {"FunctionName": "FunctionName"}}


_CONFIGURE = Call(
    "lambda:UpdateFunctionConfiguration", _settings, retry=(*_NEW_ROLE, *_BUSY), actions=("iam:PassRole",)
)
_NAMED: dict[str, str] = {
    "description": "Description",
    "runtime": "Runtime",
    "handler": "Handler",
    "timeout": "Timeout",
    "memory_mib": "MemorySize",
    "log_group": "LoggingConfig.LogGroup",
}

FUNCTION = Kind(
    "function",
    "Lambda function",
    Reading(
        "lambda:ListFunctions",
        "Functions",
        "FunctionName",
        owner="name",
        natural=("name",),
        tags="lambda:ListTags|Resource=FunctionArn|Tags",
        attrs={"arn": "FunctionArn"},
        fields={
            "name": Field("FunctionName", change=NEVER, why="a function is its name"),
            **{name: Field(path) for name, path in _NAMED.items()},
            "code_sha256": Field("CodeSha256", risk="opens", why="other code would run with its rights"),
            "architecture": Field("Architectures", form="one", change=NEVER, why="it is made for one processor"),
            "role": Field("Role", risk="opens", why="it acts as another role"),
            "subnets": Field(
                "VpcConfig.SubnetIds",
                form="set",
                risk="opens",
                absent=(),
                why="elsewhere it reaches the internet",
            ),
            "groups": Field("VpcConfig.SecurityGroupIds", form="set", risk="opens", absent=(), why="its own group"),
            "kms_key": Field("KMSKeyArn", absent="AWS's own", why="what Lambda keeps of it is encrypted with it"),
            "tracing": Field("TracingConfig.Mode", risk="opens", why="traces are sent to X-Ray", absent="PassThrough"),
            "layers": Field("Layers[].Arn", form="set", risk="opens", absent=(), why="other code would run in it"),
            "environment": Field(
                "Environment.Variables", form="present", risk="opens", why="whoever reads settings reads variables"
            ),
            "dead_letters": Field("DeadLetterConfig.TargetArn", risk="opens", absent="", why="events could leave"),
            "concurrency": Field(
                "ReservedConcurrentExecutions", **_of("lambda:GetFunctionConcurrency"), why="how many run at a time"
            ),
            "url": Field(
                "FunctionUrlConfigs",
                **_of("lambda:ListFunctionUrlConfigs"),
                form="present",
                risk="opens",
                why="it could be called from the internet",
            ),
            "destinations": Field(
                "FunctionEventInvokeConfigs",
                **_of("lambda:ListFunctionEventInvokeConfigs"),
                form="present",
                risk="opens",
                why="what it answers would go elsewhere",
            ),
        },
        state="State",
        settled=("ready",),
        failed=("failed",),
    ),
    create=(
        Call(
            "lambda:CreateFunction",
            _created,
            retry=_NEW_ROLE,
            actions=(
                *("lambda:TagResource", "iam:PassRole", "s3:GetObject", "s3:GetObjectVersion", "kms:Decrypt"),
                *("kms:CreateGrant", "kms:Encrypt", "kms:DescribeKey"),
                *("ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"),
            ),
        ),
    ),
    later=("concurrency",),
    updates={
        **dict.fromkeys(
            (*_NAMED, "role", "subnets", "groups", "kms_key", "tracing", "layers", "environment", "dead_letters"),
            (_CONFIGURE,),
        ),
        "code_sha256": (
            Call("lambda:UpdateFunctionCode", lambda f: {"FunctionName": f["name"], **_code(f)}, retry=_BUSY),
        ),
        "concurrency": (
            Call(
                "lambda:PutFunctionConcurrency",
                lambda f: {"FunctionName": f["name"], "ReservedConcurrentExecutions": f["concurrency"]},
            ),
        ),
        "url": (Call("lambda:DeleteFunctionUrlConfig", lambda f: {"FunctionName": f["name"]}, ignore=_GONE),),
        "destinations": (
            Call("lambda:DeleteFunctionEventInvokeConfig", lambda f: {"FunctionName": f["name"]}, ignore=_GONE),
        ),
    },
    delete=(Call("lambda:DeleteFunction", lambda f: {"FunctionName": f["id"]}, ignore=_GONE, retry=_BUSY),),
    poll=Call("lambda:GetFunctionConfiguration", lambda f: {"FunctionName": f["name"]}, result=WHOLE, ignore=_GONE),
    seconds=60.0,
    serial=True,
    gone=True,
    state_of=_state,
)

PERMISSION = Kind(
    "function-permission",
    "Who may call a function",
    Reading(
        "lambda:GetPolicy",
        "Policy.Statement",
        "^.^.?.FunctionName+Sid",
        owner="parent",
        natural=("function", "sid"),
        fields={
            "function": Field("^.^.?.FunctionName", change=NEVER, why="a permission is a part of its function"),
            "sid": Field("Sid", change=NEVER, why="a statement is its name"),
            "service": Field("Principal.Service", change=REPLACE, risk="opens", why="somebody else could call it"),
            "account": Field(
                "Condition.StringEquals.AWS:SourceAccount",
                change=REPLACE,
                risk="opens",
                why="the service could call it on anybody's behalf",
            ),
        },
    ),
    create=(
        Call(
            "lambda:AddPermission",
            lambda f: {
                "FunctionName": f["function"],
                "StatementId": f["sid"],
                "Action": "lambda:InvokeFunction",
                "Principal": f["service"],
                "SourceAccount": f["account"],
            },
            retry=_BUSY,
        ),
    ),
    delete=(
        Call(
            "lambda:RemovePermission",
            lambda f: {"FunctionName": f["function"], "StatementId": f["sid"]},
            ignore=_GONE,
            retry=_BUSY,
        ),
    ),
)


def function(
    intent: Intent, name: str, *, handler: str, role: str, group: str, why: str, timeout: int = 60
) -> Iterator[Desired]:
    """Yield a function and its log group; ``role`` and ``group`` are logical names, ``timeout`` is in seconds.

    It needs ``object:functions``, which ``packages.declare`` yields.
    """
    called = intent.name(name)
    logs = f"/aws/lambda/{called}"
    yield log_group(name, logs, intent.logs.retention_days, why=f"what {called} did")
    fields = {
        "name": called,
        "description": why,
        "runtime": RUNTIME,
        "architecture": ARCHITECTURE,
        "handler": handler,
        "timeout": timeout,
        "memory_mib": 256,
        "role": ref(f"role:{role}", "arn"),
        "subnets": [ref(f"subnet:{one}") for one in subnets(intent) if tier_of(one) == "private"],
        "groups": [ref(f"security-group:{group}")],
        "kms_key": ref("kms-key:data", "arn"),
        "tracing": "PassThrough",
        "layers": [],
        "environment": False,
        "dead_letters": "",
        "concurrency": 1,
        "url": False,
        "destinations": False,
        "log_group": logs,
        "code_sha256": packages.code_sha256(intent),
        "package_bucket": ref("bucket:artifacts"),
        "package_key": packages.key(intent),
        "package_version": ref("object:functions", "version"),
    }
    yield Desired("function", name, fields, needs=(f"log-group:{name}", f"role-policy:{role}-rights"), why=why)


def permission(intent: Intent, name: str, service: str) -> Desired:
    """Return the permission by which a service of AWS calls a function on this account's behalf alone."""
    fields = {"function": ref(f"function:{name}"), "sid": service, "service": f"{service}.amazonaws.com"}
    why = "the service calls it for this account and nobody else's"
    return Desired("function-permission", f"{name}-{service}", {**fields, "account": intent.account}, why=why)
