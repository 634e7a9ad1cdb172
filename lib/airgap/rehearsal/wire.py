"""Requests read and answers written by botocore's service models, with moto's parsers and serializers."""

from __future__ import annotations

import io
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import parse_qs

import moto.core.errors
from botocore.model import OperationNotFoundError
from botocore.parsers import create_parser
from moto.backends import get_backend
from moto.core.model import OperationModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from moto.utilities.utils import get_partition

from airgap.rehearsal.identity import Caller

# Where the name that signs is not the service's name in botocore; several candidates are told apart by their paths.
SIGNED_AS: dict[str, tuple[str, ...]] = {
    "access-analyzer": ("accessanalyzer",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "bedrock": ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime"),
    "cloudcontrolapi": ("cloudcontrol",),
    "elasticfilesystem": ("efs",),
    "elasticmapreduce": ("emr",),
    "es": ("opensearch",),
    "monitoring": ("cloudwatch",),
    "s3": ("s3", "s3control"),
    "servicequotas": ("service-quotas",),
    "sso": ("sso-admin",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
}


class Refusal(Exception):
    """An error that AWS answers: code and message as the service documents them, and further members of its shape."""

    def __init__(self, code: str, message: str, status: int = 0, **members: Any) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        for name, value in members.items():
            setattr(self, name, value)
        # moto warns of codes that a service's model does not list; AWS answers them all the same.
        if code not in moto.core.errors.COMMON_ERROR_CODES:
            moto.core.errors.COMMON_ERROR_CODES.append(code)


@dataclass
class Call:
    """One request: service and operation as botocore names them, where, by whom, and the parameters by the model."""

    service: str
    operation: str
    region: str
    caller: Caller
    environ: dict[str, Any]
    body: bytes
    path_params: dict[str, Any] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def account(self) -> str:
        """The account of the caller."""
        return self.caller.account

    @property
    def partition(self) -> str:
        """The partition of the Region: aws, aws-cn or aws-us-gov."""
        return str(get_partition(self.region))

    @property
    def name(self) -> str:
        """The operation as IAM and the fault table write it, such as ``ec2:CreateVpc``."""
        return f"{self.service}:{self.operation}"

    @cached_property
    def model(self) -> OperationModel | None:
        """The operation's model, None where botocore knows no such operation."""
        try:
            return get_service_model(self.service).operation_model(self.operation)
        except OperationNotFoundError:
            return None

    @cached_property
    def protocol(self) -> str:
        """The wire protocol of the request, which its answer uses too."""
        return str(determine_request_protocol(get_service_model(self.service), self.environ.get("CONTENT_TYPE", "")))

    @cached_property
    def params(self) -> dict[str, Any]:
        """The parameters under the names of the input shape."""
        if self.model is None or self.model.input_shape is None:
            return {}
        request = Request(dict(self.environ, **{"wsgi.input": io.BytesIO(self.body)}))
        parsed: dict[str, Any] = PROTOCOL_PARSERS[self.protocol](self.model).parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": self.body,
                "url_path": request.path,
                "url_params": self.path_params,
            }
        )
        return parsed

    def get(self, name: str, default: Any = None) -> Any:
        """Return one parameter, or the default where the request does not have it."""
        value = self.params.get(name)
        return default if value is None else value

    def backend(self, service: str) -> Any:
        """Return moto's state of a service for the caller's account and Region."""
        return backend_of(service, self.account, self.region)

    def arn(self, resource: str, service: str | None = None) -> str:
        """Return the ARN of a resource in the caller's account and Region."""
        return f"arn:{self.partition}:{service or self.service}:{self.region}:{self.account}:{resource}"


@dataclass
class Reply:
    """What goes over the wire: status, headers, body, and the error code where it is a refusal."""

    status: int
    headers: dict[str, str]
    body: bytes
    error: str | None = None


def backend_of(service: str, account: str, region: str) -> Any:
    """Return moto's state of a service in a Region, or in the Region's partition where the service is global."""
    backends = get_backend(service)[account]
    return backends[region if region in backends.regions else get_partition(region)]


def credential_scope(environ: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """Return (access key, Region, signing name) of a request with Signature Version 4, None for another one."""
    authorization = environ.get("HTTP_AUTHORIZATION", "")
    _, _, rest = authorization.partition("Credential=")
    if not rest:
        query = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])
        rest = query[0]
    parts = rest.split(",")[0].strip().split("/")
    if len(parts) < 5:
        return None
    return parts[0], parts[-3], parts[-2].lower()


def target(environ: Mapping[str, Any], body: bytes, signing_name: str) -> tuple[str, str, dict[str, Any]] | None:
    """Return (service, operation, path parameters) of a request, None where no known service has such an operation."""
    named = environ.get("HTTP_X_AMZ_TARGET", "")
    candidates = SIGNED_AS.get(signing_name, (signing_name,))
    if named:
        service = "dynamodbstreams" if named.startswith("DynamoDBStreams") else candidates[0]
        return service, named.rsplit(".", 1)[-1], {}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        form = parse_qs(body.decode(), keep_blank_values=True)
        if "Action" in form:
            return _query_service(candidates[0], form), form["Action"][0], {}
    return _by_path(environ, candidates)


def _query_service(service: str, form: Mapping[str, list[str]]) -> str:
    """Two services sign as elasticloadbalancing; the API version tells them apart."""
    if service != "elasticloadbalancing":
        return service
    return "elb" if form.get("Version") == ["2012-06-01"] else "elbv2"


def _by_path(environ: Mapping[str, Any], candidates: tuple[str, ...]) -> tuple[str, str, dict[str, Any]] | None:
    path = environ.get("PATH_INFO", "")
    if candidates[0] == "s3":
        candidates = ("s3control",) if path.startswith("/v20180820/") else ("s3",)
    request = Request(dict(environ, **{"wsgi.input": io.BytesIO()}))
    for service in candidates:
        if not _known(service):
            continue
        try:
            operation, params = get_service_router(service).match(request)
        except (NotFound, NotImplementedError):
            continue
        return service, str(operation.name), params
    return None


@lru_cache(maxsize=512)
def _known(service: str) -> bool:
    from botocore.exceptions import UnknownServiceError

    try:
        get_service_model(service)
    except UnknownServiceError:
        return False
    return True


def render(call: Call, result: Any) -> Reply:
    """Serialize output members, or a Refusal, by the operation's model and the request's protocol."""
    model = call.model or OperationModel({}, get_service_model(call.service))
    serializer = get_serializer_class(call.service, call.protocol)(
        operation_model=model, value_picker=XFormedAttributePicker()
    )
    written = serializer.serialize(result)
    body = written["body"]
    headers = {name: str(value) for name, value in written["headers"].items()}
    refusal = result if isinstance(result, Refusal) else None
    status = refusal.status if refusal and refusal.status else written["status_code"]
    code = str(getattr(result, "code", None) or type(result).__name__) if isinstance(result, Exception) else None
    return Reply(status, headers, body.encode() if isinstance(body, str) else body, code)


def parse(call: Call, reply: Reply) -> dict[str, Any]:
    """Return the members of an answer, as a client's botocore would parse them."""
    if call.model is None or call.model.output_shape is None:
        return {}
    headers = {name.lower(): value for name, value in reply.headers.items()}
    parser = create_parser(call.protocol)
    members: dict[str, Any] = parser.parse(
        {"body": reply.body, "headers": headers, "status_code": reply.status}, call.model.output_shape
    )
    members.pop("ResponseMetadata", None)
    return members
