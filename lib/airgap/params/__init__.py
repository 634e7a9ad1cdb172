"""The params of an environment: ``params/<env>.yaml`` as an Intent, strictly; its JSON Schema; a file to begin with."""

from __future__ import annotations

from airgap.params.loading import check, find, load, project_root
from airgap.params.schemas import schema
from airgap.params.template import new

__all__ = ["check", "find", "load", "new", "project_root", "schema"]
