"""Step ai on the embedded AWS: guardrail and version, the log of invocations, and models that cannot be had."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from embedded import AWS, DEMO
from standins import keys

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.names import log_group
from airgap.model.plan import IMPOSSIBLE, Desired
from airgap.resources.ai import AI
from airgap.resources.kind import declares
from airgap.resources.rights import platform_roles
from airgap.resources.roles import ROLE_KINDS, declare_role

NOVA, TITAN = "amazon.nova-pro-v1:0", "amazon.titan-embed-text-v2:0"
CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"


@declares(*ROLE_KINDS)
def logger(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """The role as which invocations are logged."""
    for role in platform_roles(intent):
        if role.key == "bedrock-logs":
            yield from declare_role(intent, role)


ALL = (keys, logger, *AI)


def ai(aws: AWS, **fields: Any) -> None:
    """Change the intent's section on models."""
    aws.change(ai=dataclasses.replace(aws.intent.ai, **fields))


def the_guardrail(aws: AWS) -> str:
    """The id of the one guardrail."""
    (found,) = aws.client("bedrock").list_guardrails()["guardrails"]
    return str(found["id"])


def versions(aws: AWS) -> list[str]:
    """The numbers of the guardrail's versions."""
    found = aws.client("bedrock").list_guardrails(guardrailIdentifier=the_guardrail(aws))["guardrails"]
    return [one["version"] for one in found if one["version"] != "DRAFT"]


def test_what_the_reference_environment_declares(aws: AWS) -> None:
    assert {one.key for one in aws.desired(*AI)} == {
        f"foundation-model:{NOVA}",
        f"foundation-model:{TITAN}",
        "log-group:bedrock",
        "invocation-logging:account",
        "guardrail:app",
        "guardrail-version:app",
    }
    assert all(one.why for one in aws.desired(*AI))


def test_guardrail_and_log_come_stay_and_go(aws: AWS) -> None:
    bedrock = aws.client("bedrock")
    for _ in range(2):
        aws.apply(*ALL)
        aws.memory.lines.clear()
        aws.settled(*ALL)
        assert aws.memory.calls("write") == []
        assert len(versions(aws)) == 1
        aws.destroy(*ALL)
        assert bedrock.list_guardrails()["guardrails"] == []
        # The account's own setting stays.
        told = bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
        assert told["cloudWatchConfig"]["logGroupName"] == log_group(DEMO, "bedrock")


def test_what_is_weakened_behind_the_back_is_shown_field_by_field_and_mended(aws: AWS) -> None:
    aws.settled(*ALL)
    bedrock, name = aws.client("bedrock"), the_guardrail(aws)
    live = bedrock.get_guardrail(guardrailIdentifier=name)
    filters = [
        {**one, "inputStrength": "LOW", "inputAction": "NONE" if one["type"] == "HATE" else "BLOCK"}
        for one in live["contentPolicy"]["filters"]
    ]
    bedrock.update_guardrail(
        guardrailIdentifier=name,
        name=live["name"],
        blockedInputMessaging="no",
        blockedOutputsMessaging="no",
        contentPolicyConfig={"filtersConfig": filters},
    )
    changes = aws.plan(*ALL).changes
    assert set(changes) == {"guardrail:app"}
    assert set(changes["guardrail:app"]) == {"prompts", "stops_prompts", "personal", "words", "kms_key"}
    aws.settled(*ALL)
    assert len(versions(aws)) == 1


def test_another_rule_is_another_version(aws: AWS) -> None:
    aws.settled(*ALL)
    ai(aws, blocked=("PASSWORD",))
    found = aws.plan(*ALL).plan
    assert {one.resource.split(" ")[0] for one in found.changes} >= {"guardrail:app", "guardrail-version:app"}
    aws.settled(*ALL)
    assert versions(aws) == ["2"]


def test_a_version_that_is_gone_is_made_again_and_a_strange_one_goes(aws: AWS) -> None:
    aws.settled(*ALL)
    bedrock, name = aws.client("bedrock"), the_guardrail(aws)
    bedrock.delete_guardrail(guardrailIdentifier=name, guardrailVersion="1")
    assert set(aws.plan(*ALL).changes) == {"guardrail-version:app"}
    aws.settled(*ALL)
    assert versions(aws) == ["2"]


def test_the_log_of_somebody_else_is_adopted_in_a_shared_account(aws: AWS) -> None:
    aws.settled(*ALL)
    bedrock, theirs = aws.client("bedrock"), "/fintech/demo/theirs"
    aws.client("logs").create_log_group(logGroupName=theirs)
    told = bedrock.get_model_invocation_logging_configuration()["loggingConfig"]
    told = {**told, "cloudWatchConfig": {**told["cloudWatchConfig"], "logGroupName": theirs}}
    bedrock.put_model_invocation_logging_configuration(loggingConfig={**told, "textDataDeliveryEnabled": False})
    changes = aws.plan(*ALL).changes
    assert set(changes) == {"invocation-logging:account"}
    assert set(changes["invocation-logging:account"]) == {"group", "text"}
    aws.change(exclusive_account=False)
    found = aws.plan(*ALL)
    assert found.changes == {}
    assert {one.resource for one in found.plan.differing} == {"invocation-logging:account"}


def test_a_model_of_other_regions_is_refused_unless_its_regions_are_declared(aws: AWS) -> None:
    ai(aws, models=(CLAUDE,))
    (found,) = [one for one in aws.plan(*AI).plan.changes if one.risk == IMPOSSIBLE]
    assert (found.resource, found.field) == (f"foundation-model:{CLAUDE}", "invoked")
    assert "leads to us-east-1, us-east-2, us-west-2" in found.why
    ai(aws, inference_regions=("us-east-2",))
    (found,) = [one for one in aws.plan(*AI).plan.changes if one.risk == IMPOSSIBLE]
    assert "stays in the declared Regions us-east-1, us-east-2" in found.why
    ai(aws, inference_regions=("us-east-2", "us-west-2"))
    assert [one for one in aws.plan(*AI).plan.changes if one.risk == IMPOSSIBLE] == []


def test_a_model_that_is_legacy_or_unknown_is_refused(aws: AWS) -> None:
    ai(aws, models=("amazon.titan-text-express-v1", "amazon.no-such-model-v1:0"))
    refused = {(one.resource.split(":")[1], one.field): one for one in aws.plan(*AI).plan.impossible}
    assert set(refused) == {("amazon.titan-text-express-v1", "status"), ("amazon.no-such-model-v1", "model")}
    assert refused["amazon.no-such-model-v1", "model"].why == "us-east-1 does not offer it"


def test_nothing_is_declared_where_nothing_uses_models(aws: AWS) -> None:
    aws.change(components=("ecr-pull", "transcribe-batch"))
    assert aws.desired(*AI) == []
