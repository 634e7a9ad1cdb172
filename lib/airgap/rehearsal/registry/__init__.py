"""Registries: ECR's, on the images that its API lists, and stand-ins of the public ones that charts pull from.

``private`` and ``public`` answer the registry protocol (``protocol``); ``pulling`` is what a node does with it.
"""

from __future__ import annotations

from airgap.rehearsal.registry.pulling import Pulled, Refused, pull

__all__ = ["Pulled", "Refused", "pull"]
