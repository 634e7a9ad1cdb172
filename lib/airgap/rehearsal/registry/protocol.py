"""The OCI distribution protocol, version 1.1, over whatever a registry holds its images in.

https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
"""

from __future__ import annotations

from airgap.rehearsal.registry import uploads
from airgap.rehearsal.registry.manifests import absent, referrers
from airgap.rehearsal.registry.routing import INDEX, INDEXES, Manifest, Request, Shelf, requested

__all__ = ["INDEX", "INDEXES", "Manifest", "Request", "Shelf", "absent", "referrers", "requested", "uploads"]
