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
    ``skip`` (path, pattern) leaves out items that the call cannot be made for, ``only`` keeps those that it can.
    A bound name may be dotted (``a.b`` sets b within a); a bound path may be a template (``/ami/{version}``), the
    environment's Region (``$region``) or, in brackets, the one element of a list. ``home`` is the Region whose endpoint
    answers for a service that has one; ``$home`` is that of the partition, which is not asked a second time where the
    environment stands in it. ``since`` is the parameter that takes the time from which on to ask; without
    such a time it is not asked.
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
    home: str = ""
    since: str = ""

    @property
    def service(self) -> str:
        """The botocore name of the service."""
        return self.call.split(":")[0]

    @property
    def operation(self) -> str:
        """The AWS name of the operation."""
        return self.call.split(":")[1]


def follow(call: str, each: str, items: str, bind: Mapping[str, str], **more: Any) -> Query:
    """Return the row of a call that is made for every item of another call's answer."""
    return Query(call, each=each, items=items, bind=bind, **more)
