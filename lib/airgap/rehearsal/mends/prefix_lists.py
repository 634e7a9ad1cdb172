"""AWS's own prefix lists have the same id in every account of a Region, always; moto draws new ones each time."""

from __future__ import annotations

import hashlib
from typing import Any

from moto.ec2.models.managed_prefixes import ManagedPrefixList

_begin = ManagedPrefixList.__init__


def _with_lasting_id(self: Any, backend: Any, region: str, *rest: Any, **named: Any) -> None:
    _begin(self, backend, region, *rest, **named)
    if self.owner_id == "AWS":
        digest = hashlib.sha256(f"{region}/{self.prefix_list_name}".encode()).hexdigest()
        self.id = f"pl-{digest[:8]}"
        self.prefix_list_arn = self.arn(region, self.owner_id)


ManagedPrefixList.__init__ = _with_lasting_id
