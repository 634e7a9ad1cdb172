"""The log of model invocations: one setting of the account in the Region, adopted where somebody else has set it.

Prompts and answers are in it, so its log group is under the log key, with retention, before anything is written.
AWS: Bedrock User Guide, "Model invocation logging".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.inference import uses_models
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import Field, Reading
from airgap.resources import names
from airgap.resources.kind import Call, Fields, Kind, declares
from airgap.resources.logs import LOG_GROUP, log_group

READ = "bedrock:GetModelInvocationLoggingConfiguration"
ID = "invocation-logging"
KINDS = ("text", "image", "embedding", "video", "audio")
"""What may be in an invocation; each is logged or left out by a switch of its own."""


def _configuration(f: Fields) -> dict[str, Any]:
    settings: dict[str, Any] = {f"{one}DataDeliveryEnabled": f[one] for one in KINDS}
    settings["cloudWatchConfig"] = {"logGroupName": f["group"], "roleArn": f["role"]}
    return {"loggingConfig": settings}


_PUT = Call(
    "bedrock:PutModelInvocationLoggingConfiguration",
    _configuration,
    # Bedrock writes a first event as the role, which may be younger than what Bedrock knows of it.
    retry=("Failed to validate permissions",),
    actions=("iam:PassRole",),
)
_FIELDS = {
    "group": Field("cloudWatchConfig.logGroupName", risk="blinds", why="where invocations are written"),
    "role": Field("cloudWatchConfig.roleArn", risk="blinds", why="as whom they are written"),
    "bucket": Field("s3Config.bucketName", risk="opens", absent="", why="prompts and answers go there too"),
    "large": Field("cloudWatchConfig.largeDataDeliveryS3Config.bucketName", risk="opens", absent="",
                   why="long prompts and answers go there"),
    **{one: Field(f"{one}DataDeliveryEnabled", absent=False, risk="blinds", why="what is logged") for one in KINDS},
}  # fmt: skip

INVOCATION_LOGGING = Kind(
    "invocation-logging",
    "Log of model invocations",
    Reading(READ, "loggingConfig", f"={ID}", owner="account", fields=_FIELDS),
    create=(_PUT,),
    updates=dict.fromkeys(_FIELDS, (_PUT,)),
    account_wide=True,
)


@declares(LOG_GROUP, INVOCATION_LOGGING, reads=(READ,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the log group and the setting; in an account with others in it, what they have set is theirs."""
    if not uses_models(intent):
        return
    group = names.log_group(intent, "bedrock")
    yield log_group("bedrock", group, intent.logs.retention_days, why="what models were asked, and what they answered")
    taken = None if intent.exclusive_account else dig(facts.page(READ) or {}, "loggingConfig")
    fields = {
        "group": group,
        "role": ref("role:bedrock-logs", "arn"),
        "bucket": "",
        "large": "",
        **dict.fromkeys(KINDS, True),
        # Vectors are long, and say nothing that the text beside them does not.
        "embedding": False,
    }
    yield Desired(
        "invocation-logging",
        "account",
        fields,
        needs=("log-group:bedrock",),
        why="every invocation is kept, whoever made it",
        label="account-wide",
        adopted=ID if taken else "",
    )
