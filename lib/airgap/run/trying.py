"""Test calls of a run: made by mode apply alone, through the endpoints, and each recorded as one observation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airgap.cloud.session import Cloud
from airgap.model import observation as obs
from airgap.model.canonical import dig
from airgap.model.inference import TRANSCRIBE, uses_models
from airgap.model.intent import Intent
from airgap.model.observation import Observation

if TYPE_CHECKING:
    from airgap.cloud.trials import Trials
    from airgap.kube.reach import Way

PREFIX = "trial:"
TRANSCRIPTION = "trial:Transcription"


@dataclass
class Trying:
    """What makes the test calls of one environment; ``allowed`` says whether this run may make any."""

    cloud: Cloud
    intent: Intent
    page: Callable[[str], Mapping[str, Any]]
    tunnel: Callable[[], Way]
    allowed: bool = False
    _trials: Trials | None = None

    def read(self, call: str) -> Observation:
        """Make a test call, or record why it was not made."""
        components = set(self.intent.components)
        used = bool(components & set(TRANSCRIBE)) if call == TRANSCRIPTION else uses_models(self.intent)
        if not (self.allowed and used):
            why = "mode apply alone makes test calls" if used else "nothing in the environment uses what it would test"
            return self.cloud.unanswered(call, {}, why, vantage="vpc", status=obs.ABSENT)
        if self._trials is None:
            self._trials = self._opened()
        return self._trials.make(call, self._guardrail())

    def _opened(self) -> Trials:
        from airgap.cloud.inside import Inward
        from airgap.cloud.trials import Trials

        inside = self.cloud.world == "aws"
        way = Inward(self.intent.network.vpc_cidr, self.tunnel()) if inside else None
        return Trials(self.cloud, self.intent, way)

    def _guardrail(self) -> Mapping[str, Any]:
        """Return id and newest version of the environment's guardrail; empty where there is none."""
        for draft in self._listed("bedrock:ListGuardrails", {}, "guardrails[]"):
            tags = self._listed("bedrock:ListTagsForResource", {"resourceARN": draft["arn"]}, "tags[]")
            told = {one["key"]: one["value"] for one in tags}
            if (told.get("airgap:environment"), told.get("airgap:key")) == (self.intent.environment, "guardrail:app"):
                found = self._listed("bedrock:ListGuardrails", {"guardrailIdentifier": draft["id"]}, "guardrails[]")
                numbers = [int(one["version"]) for one in found if one["version"].isdigit()]
                return {"id": draft["id"], "version": str(max(numbers))} if numbers else {}
        return {}

    def _listed(self, call: str, params: Mapping[str, Any], path: str) -> list[Any]:
        return [one for seen in self.cloud.read(call, params) if seen.page for one in dig(self.page(seen.page), path)]

    def close(self) -> None:
        """End the way inside."""
        if self._trials is not None:
            self._trials.close()
            self._trials = None
