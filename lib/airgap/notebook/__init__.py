"""What notebooks import: ``open_step`` and the step that it opens, which shows itself."""

from __future__ import annotations

from airgap.notebook.open_step import OpenStep, open_step

__all__ = ["OpenStep", "open_step"]
