"""Step ``pipeline``, in order: whom the runner may call, the runner and its documents, or builds and a pipeline."""

from __future__ import annotations

from airgap.resources import pipeline_builds, pipeline_documents, pipeline_runner
from airgap.resources.kind import Declaration

PIPELINE: tuple[Declaration, ...] = (
    pipeline_runner.declare_rules,
    pipeline_runner.declare,
    pipeline_documents.declare,
    pipeline_builds.declare,
)
