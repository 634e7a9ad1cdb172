"""Policies that AWS refuses: principals that do not exist, documents over their size, keys that nobody could change."""

from __future__ import annotations

import json
import re
from typing import Any

from moto.iam.models import IAMBackend

from airgap.rehearsal.hook import before
from airgap.rehearsal.principals import listed, missing, statements
from airgap.rehearsal.wire import Call, Refusal

# Characters without white space: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_POLICY, INLINE_OF_ROLE, TRUST_POLICY, KEY_POLICY, BUCKET_POLICY = 6144, 10240, 2048, 32768, 20480
POLICIES_PER_ROLE = 10


def size(document: str) -> int:
    """Return the characters of a policy that count against its quota."""
    return len(re.sub(r"\s", "", document))


def _checked(call: Call, document: str, code: str, message: str) -> None:
    """Refuse a document that is no policy, or that names a principal of the account that does not exist."""
    try:
        absent = missing(call.account, call.partition, document)
    except (ValueError, AttributeError) as error:
        raise Refusal(code, f"The policy is malformed: {error}") from error
    if absent:
        raise Refusal(code, message.format(absent[0]))


@before("kms", "CreateKey", "PutKeyPolicy")
def key_policy(call: Call) -> None:
    """Judge a key policy: size, principals, and the lock-out check that its caller may bypass."""
    document = call.get("Policy")
    if document is None:
        return
    if len(document) > KEY_POLICY:
        raise Refusal("LimitExceededException", f"A key policy has at most {KEY_POLICY} characters")
    message = "Policy contains a statement with one or more invalid principals."
    _checked(call, document, "MalformedPolicyDocumentException", message)
    if not (call.get("BypassPolicyLockoutSafetyCheck") or _keeps_control(call, document)):
        message = "The new key policy will not allow you to update the key policy in the future."
        raise Refusal("MalformedPolicyDocumentException", message)


def _keeps_control(call: Call, document: str) -> bool:
    role = f"arn:{call.partition}:iam::{call.account}:role/{call.caller.role}"
    ours = {"*", call.account, f"arn:{call.partition}:iam::{call.account}:root", role, call.caller.arn(call.partition)}
    for statement in statements(document):
        principals = statement.get("Principal")
        named = listed(principals.get("AWS")) if isinstance(principals, dict) else listed(principals)
        actions = {action.lower() for action in listed(statement.get("Action"))}
        if (
            statement.get("Effect") == "Allow"
            and ours & set(named)
            and actions & {"*", "kms:*", "kms:put*", "kms:putkeypolicy"}
        ):
            return True
    return False


@before("s3", "PutBucketPolicy")
def bucket_policy(call: Call) -> None:
    """Judge a bucket policy: size, principals, and that it speaks of this bucket."""
    document, bucket = call.body.decode(), call.get("Bucket")
    if len(document) > BUCKET_POLICY:
        raise Refusal("PolicyTooLarge", f"A bucket policy has at most {BUCKET_POLICY} bytes")
    _checked(call, document, "MalformedPolicy", "Invalid principal in policy")
    own = f":::{bucket}"
    for statement in statements(document):
        resources = listed(statement.get("Resource"))
        if any(not (x.endswith(own) or f"{own}/" in x or x in ("*",)) for x in resources):
            raise Refusal("MalformedPolicy", "Policy has invalid resource")


@before("iam", "CreateRole", "UpdateAssumeRolePolicy")
def trust_policy(call: Call) -> None:
    """Judge a trust policy: size and principals."""
    document = call.get("AssumeRolePolicyDocument") or call.get("PolicyDocument", "{}")
    if size(document) > TRUST_POLICY:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {TRUST_POLICY}", 409)
    _checked(call, document, "MalformedPolicyDocument", 'Invalid principal in policy: "AWS":"{}"')


@before("iam", "CreatePolicy", "CreatePolicyVersion")
def managed_policy(call: Call) -> None:
    """A managed policy holds 6,144 characters."""
    if size(call.get("PolicyDocument", "")) > MANAGED_POLICY:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {MANAGED_POLICY}", 409)


@before("iam", "PutRolePolicy")
def inline_policy(call: Call) -> None:
    """The inline policies of a role hold 10,240 characters together."""
    name, policy = call.get("RoleName"), call.get("PolicyName")
    roles = [role for role in call.backend("iam").roles.values() if role.name == name]
    kept = {other: text for role in roles for other, text in role.policies.items() if other != policy}
    total = size(call.get("PolicyDocument", "")) + sum(size(_text(text)) for text in kept.values())
    if total > INLINE_OF_ROLE:
        raise Refusal("LimitExceeded", f"Maximum policy size of {INLINE_OF_ROLE} bytes exceeded for role {name}", 409)


def _text(document: object) -> str:
    return document if isinstance(document, str) else json.dumps(document)


@before("iam", "AttachRolePolicy")
def attachments(call: Call) -> None:
    """A role has at most 10 managed policies."""
    roles = [role for role in call.backend("iam").roles.values() if role.name == call.get("RoleName")]
    held = {arn for role in roles for arn in role.managed_policies}
    if call.get("PolicyArn") not in held and len(held) >= POLICIES_PER_ROLE:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {POLICIES_PER_ROLE}", 409)


@before("iam", "DeletePolicy")
def attached(call: Call) -> None:
    """A policy that is attached stays, and AWS's own policies always do."""
    policy = call.backend("iam").managed_policies.get(call.get("PolicyArn"))
    if policy is None:
        return
    if ":iam::aws:policy/" in policy.arn:
        raise Refusal("AccessDenied", "An AWS managed policy cannot be deleted", 403)
    if policy.attachment_count > 0:
        raise Refusal("DeleteConflict", "Cannot delete a policy attached to entities.", 409)


@before("iam", "DeleteRole")
def in_profile(call: Call) -> None:
    """A role in an instance profile stays."""
    for profile in call.backend("iam").instance_profiles.values():
        if any(role.name == call.get("RoleName") for role in profile.roles):
            message = "Cannot delete entity, must remove roles from instance profile first."
            raise Refusal("DeleteConflict", message, 409)


def _details(self: Any, policy_filter: list[str]) -> dict[str, Any]:
    """Of AWS's own policies, the details hold those that somebody has; moto shows 1,582, in two seconds."""
    details: dict[str, Any] = _all_details(self, policy_filter)
    unused = {policy.arn for policy in self.aws_managed_policies if policy.attachment_count == 0}
    details["managed_policies"] = [policy for policy in details["managed_policies"] if policy.arn not in unused]
    return details


_all_details = IAMBackend.get_account_authorization_details
IAMBackend.get_account_authorization_details = _details


@before("iam", "CreateServiceLinkedRole")
def linked_role(call: Call) -> None:
    """A service has one service-linked role in an account."""
    service = call.get("AWSServiceName")
    if any(f"/aws-service-role/{service}/" in role.arn for role in call.backend("iam").roles.values()):
        message = f"Service role name for {service} has been taken in this account, please try a different suffix."
        raise Refusal("InvalidInput", message)
