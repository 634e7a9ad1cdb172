"""What a failed AWS call means: denied, absent, unsupported, to be tried again, or broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airgap.errors import AccessDenied, AirgapError, CallFailed, CredentialsExpired
from airgap.model import observation as obs
from airgap.model.canonical import dig
from airgap.model.observation import Observation

DENIED = frozenset(
    [
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "NotAuthorized",
        "Client.UnauthorizedOperation",
        "UnauthorizedException",
        "AllAccessDisabled",
        "KMS.AccessDeniedException",
    ]
)
EXPIRED = frozenset(
    [
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidToken",
        "AuthFailure",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "TokenRefreshRequired",
    ]
)
THROTTLED = frozenset(
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "SlowDown",
        "RequestThrottled",
        "RequestThrottledException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
    ]
)
SERVER = frozenset(
    ["InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable", "ServiceUnavailableException"]
)
UNSUPPORTED = frozenset(
    [
        "UnknownOperationException",
        "UnknownOperation",
        "InvalidAction",
        "UnsupportedOperation",
        "OptInRequired",
        "UnsupportedOperationException",
        "SubscriptionRequiredException",
    ]
)
GONE = ("NotFound", "NoSuch", "DoesNotExist", "NonExistent")
"""What stands in the codes by which services say that a thing is not there."""
UNREACHED = "ConnectionError"
# Members by which a write is refused inside an answer of status 200, wholly or for some of its items.
REFUSALS = (
    "Unsuccessful",
    "UnsuccessfulFleetDeletions",
    "UnsuccessfulInstanceCreditSpecifications",
    "UnsuccessfullyDeletedLaunchTemplateVersions",
    "CreateErrors",
    "DeleteErrors",
    "Errors",
    "Failed",
    "FailedEntries",
    "FailedResourcesMap",
    "FailedScheduledActions",
    "FailedScheduledUpdateGroupActions",
    "Failures",
    "UpdateErrors",
    "errors",
    "failures",
)
_CODES = ("Error.Code", "ResponseError.Code", "Code", "ErrorCode", "FailureCode", "code", "failureCode")
_TEXTS = ("Error.Message", "ResponseError.Message", "Message", "ErrorMessage", "FailureDescription", "FailureReason",
          "message", "failureReason")  # fmt: skip
_NAMES = ("ResourceId", "LaunchTemplateId", "Key", "TargetId", "Id", "imageId.imageDigest")
# Services name a request in different headers; one that a body names is not always the request's.
REQUEST_HEADERS = ("x-amzn-requestid", "x-amz-request-id", "x-amz-requestid")
GUARDRAIL = ("explicit deny in a service control policy", "explicit deny in a resource control policy")


@dataclass(frozen=True)
class Failure:
    """A failed call: AWS's code and message, and the status that an observation of it gets."""

    status: str
    code: str
    message: str
    request_id: str = ""

    @property
    def retryable(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.code in THROTTLED or self.code in SERVER or self.lost or self.code in ("500", "502", "503", "504")

    @property
    def lost(self) -> bool:
        """Whether no answer came, so that nobody knows whether the call was carried out."""
        return self.code in ("Timeout", UNREACHED)


def read(error: Exception, absent: tuple[str, ...] = ()) -> Failure:
    """Return what a botocore exception means; ``absent`` are the codes that say the thing does not exist."""
    from botocore import exceptions as boto

    if isinstance(error, boto.ClientError):
        detail: dict[str, Any] = error.response.get("Error", {})
        code = str(detail.get("Code", "")) or "Unknown"
        return Failure(_status(code, absent), code, str(detail.get("Message", "")), request_id(error.response))
    if isinstance(error, (boto.NoCredentialsError, boto.CredentialRetrievalError, boto.TokenRetrievalError)):
        return Failure(obs.FAILED, "ExpiredToken", str(error))
    if isinstance(error, (boto.ConnectTimeoutError, boto.ReadTimeoutError)):
        return Failure(obs.FAILED, "Timeout", str(error))
    if isinstance(error, (boto.EndpointConnectionError, boto.HTTPClientError, boto.ConnectionClosedError)):
        return Failure(obs.FAILED, UNREACHED, str(error))
    return Failure(obs.FAILED, type(error).__name__, str(error))


def inside(answer: Mapping[str, Any], absent: tuple[str, ...] = ()) -> Failure | None:
    """Return the failure that the answer of a write reports inside itself, or None where it reports none.

    Of several, the first that does not merely say that the thing is gone already (EC2: CreateFlowLogs, DeleteFlowLogs,
    DeleteVpcEndpoints; S3: DeleteObjects; ECR: BatchDeleteImage). A function that failed says so in Lambda's answer.
    """
    refused = [Failure(_status(code, absent), code, text, request_id(answer)) for code, text in _refusals(answer)]
    return next((one for one in refused if one.status != obs.ABSENT), refused[0] if refused else None)


def _refusals(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if answer.get("FunctionError"):
        yield f"FunctionError{answer['FunctionError']}", answer["Payload"].read().decode()
    for member in REFUSALS:
        found = answer.get(member) or ()
        for item in found.values() if isinstance(found, Mapping) else found:
            named = f" ({_first(item, _NAMES)})" if _first(item, _NAMES) else ""
            yield _first(item, _CODES) or "Unknown", (_first(item, _TEXTS) or str(item)) + named


def _first(item: Mapping[str, Any], paths: tuple[str, ...]) -> str:
    return next((str(dig(item, path)) for path in paths if dig(item, path)), "")


def request_id(answer: Mapping[str, Any]) -> str:
    """Return the id that AWS gave a request: its answer's header, as CloudTrail records it, else what the body says."""
    meta = answer.get("ResponseMetadata", {})
    headers = meta.get("HTTPHeaders", {})
    return str(next((headers[one] for one in REQUEST_HEADERS if headers.get(one)), meta.get("RequestId", "")))


def vanished(one: Observation) -> bool:
    """Tell whether a read call failed because what it asked about is not there."""
    return one.status == obs.FAILED and any(text in one.code for text in GONE)


def not_offered(service: str, region: str, failure: Failure) -> Failure:
    """Return what it means that a service cannot be reached in a Region in which it is not offered."""
    return Failure(obs.UNSUPPORTED, "NotInRegion", f"{service} is not offered in {region}: {failure.message}")


def _status(code: str, absent: tuple[str, ...]) -> str:
    if code in absent:
        return obs.ABSENT
    if code in DENIED:
        return obs.DENIED
    return obs.UNSUPPORTED if code in UNSUPPORTED else obs.FAILED


def raised(failure: Failure, operation: str, action: str, principal: str, resource: str) -> AirgapError:
    """Return the error that tells a person what a failed write means and what to do."""
    about = f" for {resource}" if resource else ""
    if failure.code in EXPIRED:
        return CredentialsExpired(
            f"The session ended or is not valid: {operation}{about} answered {failure.code}",
            "this call; what was done before it stays and is found again",
            "renew the credentials and run the same command again; it continues where it stopped",
        )
    if failure.status == obs.DENIED and any(text in failure.message for text in GUARDRAIL):
        return AccessDenied(
            f"An organisation policy refuses {action}{about}: {failure.message}",
            "this call",
            "ask the organisation's administrator which policy names this action; the runbook does not work around it",
        )
    if failure.status == obs.DENIED:
        return AccessDenied(
            f"{principal or 'the caller'} may not call {action}{about}: {failure.message}",
            "this call",
            f"grant {action} ('airgap policy --role deployer' prints all that is needed) and run again",
        )
    if failure.lost:
        return CallFailed(
            f"The answer of {operation}{about} was lost ({failure.message}), so it may or may not be done",
            "anything after this call",
            "run the same command again: what it made is found by its tags, and nothing is made twice",
        )
    return CallFailed(
        f"{operation}{about} failed with {failure.code}: {failure.message}",
        "this call; what was done before it stays and is found again",
        "mend what the message names and run the same command again",
    )
