"""Binding: who calls, in which account, Region and partition, and in which world; checked before anything else."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airgap.cloud.session import Cloud
from airgap.errors import AccessDenied, WrongPlace
from airgap.model.intent import Intent
from airgap.model.observation import OK, Observation

OVERRIDES = "AWS_ENDPOINT_URL"


@dataclass(frozen=True)
class Caller:
    """The calling principal, as STS names it, and when its credentials end (``Cloud.session_end``)."""

    arn: str
    account: str
    user_id: str
    endpoint: str = ""
    ends: str = ""

    @property
    def partition(self) -> str:
        """The partition of the caller's ARN."""
        return self.arn.split(":")[1]

    def as_data(self) -> dict[str, str]:
        """Return the caller as JSON data."""
        return dataclasses.asdict(self)


def endpoint_overrides(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables that send AWS calls somewhere else than to AWS."""
    return {name: value for name, value in environ.items() if name.startswith(OVERRIDES) and value}


def check_world(world: str, environ: Mapping[str, str] | None = None) -> str:
    """Return the endpoint that calls go to ('' is AWS); raise ``WrongPlace`` where world and endpoint disagree.

    A rehearsal without an endpoint would reach a real account; an override in world ``aws`` would make evidence of
    something that is not AWS.
    """
    overrides = endpoint_overrides(os.environ if environ is None else environ)
    if world == "aws" and overrides:
        raise WrongPlace(
            f"World aws, but {', '.join(sorted(overrides))} sends the calls to another endpoint",
            "anything; no call was made",
            "unset it, or use an environment whose world is rehearsal",
        )
    if world != "aws" and OVERRIDES not in overrides:
        raise WrongPlace(
            f"World {world}, but {OVERRIDES} is not set, so the calls would reach a real account",
            "anything; no call was made",
            "start the embedded AWS with 'airgap rehearse up' and set what it prints",
        )
    return overrides.get(OVERRIDES, "")


def bind(intent: Intent, cloud: Cloud, page: Any) -> Caller:
    """Return the caller after proving that account and partition are the declared ones.

    Raises ``WrongPlace`` where they are not and ``AccessDenied`` where STS does not answer.
    """
    endpoint = check_world(intent.world)
    observation: Observation = cloud.read("sts:GetCallerIdentity", {})[-1]
    if observation.status != OK:
        raise AccessDenied(
            f"STS does not say who calls: {observation.code} {observation.message}",
            "anything; no other call was made",
            "check the credentials (AWS_PROFILE, AWS_ACCESS_KEY_ID) and the network path to STS",
        )
    body = page(observation.page)
    caller = Caller(body["Arn"], body["Account"], body["UserId"], endpoint, cloud.session_end())
    if caller.account != intent.account:
        raise WrongPlace(
            f"These credentials are of account {caller.account}; {intent.environment} is account {intent.account}",
            "anything; only sts:GetCallerIdentity was called",
            f"use credentials of account {intent.account}, or the params file of account {caller.account}",
        )
    if caller.partition != intent.partition:
        raise WrongPlace(
            f"These credentials are of partition {caller.partition}; {intent.environment} is in {intent.partition}",
            "anything; only sts:GetCallerIdentity was called",
            "use credentials of the declared partition, or correct region and partition in the params",
        )
    cloud.principal = caller.arn
    return caller
