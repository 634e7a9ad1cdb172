"""Step ``ai``: the models that may be used, the guardrail in front of them, and the log of what they were asked.

Buckets, keys and roles of Bedrock and Transcribe are those of the steps before.
"""

from __future__ import annotations

from airgap.resources import foundation_models, invocation_logging, model_guardrail
from airgap.resources.kind import Declaration

AI: tuple[Declaration, ...] = (foundation_models.declare, invocation_logging.declare, model_guardrail.declare)
"""Models, then the log of invocations, then the guardrail and its version."""
