"""The names of what the runbook makes; they live in ``model`` so that checks use the same ones."""

from __future__ import annotations

from airgap.model.names import alias, bucket, log_group, repository

__all__ = ["alias", "bucket", "log_group", "repository"]
