"""Ways out that are no route: what a rule on a channel says, and what it may look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Optional

from airgap.egress.boundary import Boundary
from airgap.egress.facts import Document, Item
from airgap.egress.network import Network
from airgap.model.policy import ALLOW, UNKNOWN, MalformedPolicy, Policy, Request, Statement, evaluate, parse

_ACCOUNT_OF = re.compile(r"arn:[\w-]+:[\w-]+:[\w-]*:(\d{12}):")
_BUCKET_OF = re.compile(r"arn:[\w-]+:s3:::([\w.-]+)")
_URL = re.compile(r"^https?://")
_NAMED_ACCOUNT = re.compile(r"(?:^|:)(\d{12})(?:$|:)")
OUTSIDER = "999999999999"
_OUTSIDE_ORGANIZATION = "o-9999999999"


class Way(NamedTuple):
    """One way out: the resource, what it does, what closes it, and the VPC or subnets that it concerns (none: all).

    ``decided`` is false where the pages do not tell whether it is one.
    """

    resource: str
    what: str
    closes: str = ""
    vpc: str = ""
    subnets: tuple[str, ...] = ()
    decided: bool = True


@dataclass(frozen=True)
class View:
    """What a rule may look at: the recorded answers, the boundary, and whose accounts are our own."""

    network: Network
    boundary: Boundary
    own: frozenset[str]

    def answers(self, call: str) -> Iterator[Document]:
        """Yield every answer of a call that was given."""
        for one in self.network.facts.asked(call):
            if one.body:
                yield one

    def items(self, call: str, member: str) -> Iterator[Item]:
        """Yield the items of a list in every answer of a call."""
        for one in self.answers(call):
            found = one.body.get(member)
            yield from (each for each in found or [] if isinstance(each, Mapping)) if isinstance(found, list) else ()

    def names(self, call: str, member: str) -> Iterator[str]:
        """Yield the texts of a list in every answer of a call."""
        for one in self.answers(call):
            yield from (str(each) for each in one.body.get(member) or [] if isinstance(each, str))

    def vpcs(self) -> list[Item]:
        """Return every recorded VPC."""
        return self.network.facts.items("Vpcs")

    def foreign(self, account: Any) -> bool:
        """Tell whether an account id is somebody else's; AWS's own names for itself are not."""
        return bool(account) and str(account).isdigit() and str(account) not in self.own

    def buckets(self) -> Optional[set[str]]:
        """Return the names of our own buckets, None where they were not recorded."""
        if not any(not one.refused for one in self.network.facts.asked("s3:ListBuckets")):
            return None
        return {str(one.get("Name")) for one in self.items("s3:ListBuckets", "Buckets")}

    def strangers(self, data: Any) -> Iterator[tuple[str, bool]]:
        """Yield (text, decided) of each ARN of a foreign account or bucket, and each URL, anywhere in a piece of data.

        Whose bucket it is, is not decided where our own buckets were not recorded.
        """
        buckets = self.buckets()
        for text in texts(data):
            account, bucket = _ACCOUNT_OF.match(text), _BUCKET_OF.match(text)
            if (account and self.foreign(account.group(1))) or _URL.match(text):
                yield text, True
            elif bucket and (buckets is None or bucket.group(1) not in buckets):
                yield text, buckets is not None

    def outsiders(self, document: Any, action: str) -> Iterator[tuple[str, bool]]:
        """Yield (who, decided) for each statement of a resource's policy that admits somebody of another account.

        Each Allow is asked with its own actions and resources by an account that nobody knows and by every foreign one
        that it names; the whole document decides.
        """
        try:
            policy = parse(document)
        except MalformedPolicy as error:
            yield f"a policy that cannot be read ({error})", False
            return
        for statement in policy.statements:
            if statement.effect == "Allow":
                yield from self._admitted(policy, statement, action)

    def _admitted(self, policy: Policy, statement: Statement, action: str) -> Iterator[tuple[str, bool]]:
        for account in (OUTSIDER, *sorted(self._named(statement))):
            outcomes = {evaluate(policy, one).outcome for one in _requests(statement, account, action)}
            if outcomes & {ALLOW, UNKNOWN}:
                who = "anybody" if account == OUTSIDER else f"account {account}"
                yield f"{who} by {statement.name!r}", ALLOW in outcomes

    def _named(self, statement: Statement) -> set[str]:
        texts = [each for kind, names in (statement.principals or {}).items() if kind == "AWS" for each in names]
        found = {match.group(1) for match in map(_NAMED_ACCOUNT.search, texts) if match}
        return {one for one in found if self.foreign(one)}


def _requests(statement: Statement, account: str, action: str) -> Iterator[Request]:
    """Yield the requests that a statement could admit by a foreign account's caller, one for each way to name one."""
    plain = [one for one in statement.actions if "*" not in one and "Action" not in statement.negated]
    resource = next(iter(statement.resources or ()), "*")
    named = [each for names in (statement.principals or {}).values() for each in names if f":{account}:" in each]
    principals = [one for one in named if not one.endswith(":root")] or [f"arn:aws:iam::{account}:role/anyone"]
    for each in plain or [action]:
        for principal in principals:
            what = "probe" if resource.endswith("*") else ""
            yield Request(each, resource.rstrip("*") + what or "*", principal, "AWS", account, _context(account), False)


def _context(account: str) -> dict[str, tuple[str, ...]]:
    """The keys that AWS sets for a caller of an account; those of calls that services make for others are absent."""
    return {
        "aws:PrincipalAccount": (account,),
        "kms:CallerAccount": (account,),
        "aws:PrincipalOrgID": (_OUTSIDE_ORGANIZATION,),
        "aws:PrincipalIsAWSService": ("false",),
        "aws:SecureTransport": ("true",),
        "aws:SourceAccount": (),
        "aws:SourceArn": (),
        "aws:SourceOrgID": (),
        "AWS:SourceOwner": (account,),
    }


def at_path(data: Any, path: str) -> Iterator[Any]:
    """Yield what stands at a path of members; lists on the way, and at its end, are walked."""
    if isinstance(data, (list, tuple)):
        for one in data:
            yield from at_path(one, path)
    elif not path:
        yield data
    elif isinstance(data, Mapping) and data.get(path.partition(".")[0]) is not None:
        yield from at_path(data[path.partition(".")[0]], path.partition(".")[2])


def texts(data: Any) -> Iterator[str]:
    """Yield every text anywhere in a piece of data, keys excepted."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, Mapping):
        for value in data.values():
            yield from texts(value)
    elif isinstance(data, Iterable):
        for value in data:
            yield from texts(value)


def alive(item: Item, *members: str) -> bool:
    """Tell whether a thing still is there: its state, by the first member that it has, is no end."""
    for member in (*members, "State", "Status", "status", "state"):
        found: Optional[Any] = item.get(member)
        found = found.get("Code", found.get("Status")) if isinstance(found, Mapping) else found
        if isinstance(found, str):
            return found.lower() not in ("deleted", "deleting", "rejected", "expired", "failed", "disassociated")
    return True
