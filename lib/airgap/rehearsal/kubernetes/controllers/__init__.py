"""The controllers of a cluster, which act one after the other until nothing changes any more."""

from __future__ import annotations

from airgap.rehearsal.kubernetes.controllers.loop import Loop

__all__ = ["Loop"]
