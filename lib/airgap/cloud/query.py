"""A read call as a row of data: what to ask, for each of what, where, and which answers mean "there is none"."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Query:
    """One read call.

    ``each``/``items``/``bind`` repeat it for every item of another call's answer (``bind``: parameter -> item path,
    as ``{"VpcId": "VpcId"}``; ``@`` is an item that is a plain string). ``vary`` repeats it for each literal value of
    one parameter. ``scope`` is regional or global. ``absent`` are the error codes by which AWS says that there is none.
    ``skip`` (path, pattern) leaves out items that the call cannot be made for.
    """

    call: str
    params: Mapping[str, Any] = field(default_factory=dict)
    each: str = ""
    items: str = ""
    bind: Mapping[str, str] = field(default_factory=dict)
    vary: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    scope: str = "regional"
    vantage: str = "aws-api"
    absent: tuple[str, ...] = ()
    skip: tuple[tuple[str, str], ...] = ()
    only: tuple[tuple[str, str], ...] = ()

    @property
    def service(self) -> str:
        """The botocore name of the service."""
        return self.call.split(":")[0]

    @property
    def operation(self) -> str:
        """The AWS name of the operation."""
        return self.call.split(":")[1]
