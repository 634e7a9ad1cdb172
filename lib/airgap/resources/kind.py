"""A kind of resource: how it is read, and the calls that create, change and delete it, as data.

Parameters of a call are a function of the resource's resolved fields (plus ``id`` and the other ``attrs`` once it
exists, ``was`` (the fields as read), ``tags`` and ``key``), so that a call names its operation as data:
its IAM action, the plan's text and the tests are derived from it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.permissions import by_iam, iam_action
from airgap.model.plan import Desired
from airgap.model.reading import Live, Reading

Fields = Mapping[str, Any]
Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Makes a read call and returns the page that it gave; empty where it gave none."""


WHOLE = "@"
"""The path of a poll's ``result`` where the whole answer is the resource."""


class Acting(Protocol):
    """What a kind may use of the cloud: ``read`` gives observations, ``write`` an answer."""

    account: str
    region: str
    stop: threading.Event

    @property
    def read(self) -> Callable[..., list[Any]]:
        """Make one read call, given its name and parameters."""

    @property
    def write(self) -> Callable[..., dict[str, Any]]:
        """Make one write call, given its name and parameters."""

    def client(self, service: str, region: str = "") -> Any:
        """The botocore client, for reading only."""


@dataclass(frozen=True)
class Call:
    """One write call of a kind.

    ``result`` is the path of the created item in the answer. ``retry`` are exact texts of errors that pass by
    themselves (propagation); ``ignore`` the codes that say it is done already. ``actions`` are IAM actions needed
    beside the operation's own. ``when`` says whether the call is needed at all.
    """

    operation: str
    params: Callable[[Fields], Mapping[str, Any]]
    result: str = ""
    retry: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    when: Callable[[Fields], bool] = lambda fields: True

    @property
    def needed(self) -> tuple[str, ...]:
        """The IAM actions that this call needs."""
        return (*((iam_action(self.operation),) if by_iam(self.operation) else ()), *self.actions)


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of resource.

    ``create`` runs in order; the first call's ``result`` gives the id. ``updates`` maps a field to the calls that set
    it; ``later`` are fields that creation cannot set and that are set by their update right after it. ``delete`` runs
    in order; ``empty`` runs before it for kinds that must be emptied. ``poll`` reads one resource by id until its
    state (``reading.state``) settles; ``seconds`` is how long AWS usually takes, ``limit`` how long is too long.
    ``account_wide`` kinds are never reverted by destroy. ``protection`` are fields set before a delete, as an approved
    change of their own. ``gone`` waits, after a delete, until ``poll`` finds nothing; ``serial`` lets one update settle
    before the next. ``born`` is for what AWS makes together with its parent (a VPC's default security group): the read
    that finds it, after which ``create`` brings it into shape; such kinds have no ``delete`` and go with their parent.
    ``vacated`` is a read that must find nothing before a delete: what AWS takes out of it after its user went.
    ``state_of`` tells the state of an item that has no one member for it; ``diagnose`` reads, when it does not settle,
    what stands in its way. ``person`` reads what somebody must do for what settles by a person's act alone: where that
    is not done in time, the step waits and has not failed.
    """

    name: str
    title: str
    reading: Reading
    create: tuple[Call, ...]
    updates: Mapping[str, tuple[Call, ...]] = field(default_factory=dict)
    delete: tuple[Call, ...] = ()
    later: tuple[str, ...] = ()
    poll: Call | None = None
    seconds: float = 1.0
    limit: float = 300.0
    gone: bool = False
    serial: bool = False
    account_wide: bool = False
    protection: Mapping[str, Any] = field(default_factory=dict)
    empty: Callable[[Acting, Live], None] | None = None
    empty_actions: tuple[str, ...] = ()
    born: Call | None = None
    vacated: Call | None = None
    state_of: Callable[[Mapping[str, Any]], str] | None = None
    diagnose: Callable[[Ask, Fields], str] | None = None
    person: Callable[[Ask, Fields], str] | None = None

    @property
    def permissions(self) -> tuple[str, ...]:
        """Every IAM action that creating, changing and deleting it needs."""
        calls = [*self.create, *(call for calls in self.updates.values() for call in calls), *self.delete]
        calls += [one for one in (self.poll, self.born, self.vacated) if one is not None]
        return tuple(dict.fromkeys([*(one for call in calls for one in call.needed), *self.empty_actions]))

    def calls(self) -> tuple[str, ...]:
        """Every write operation that it may make."""
        calls = [*self.create, *(call for calls in self.updates.values() for call in calls), *self.delete]
        return tuple(dict.fromkeys(call.operation for call in calls))


def tag_list(fields: Fields) -> list[dict[str, str]]:
    """Return the ownership tags as AWS's usual Key/Value list."""
    return [{"Key": key, "Value": value} for key, value in sorted(fields["tags"].items())]


def tag_specifications(resource_type: str) -> Callable[[Fields], list[dict[str, Any]]]:
    """Return a function that gives EC2's TagSpecifications for a resource type."""
    return lambda fields: [{"ResourceType": resource_type, "Tags": tag_list(fields)}]


def tags_for(desired: Desired, base: Mapping[str, str], prefix: str) -> dict[str, str]:
    """Return the tags of one resource: the environment's, its logical key and its Name."""
    return {**base, "airgap:key": desired.key, "Name": f"{prefix}-{desired.name}"}


@dataclass(frozen=True, eq=False)
class Declaration:
    """A function that says what is wanted, the kinds it may yield, and the calls whose pages it reads for that."""

    kinds: tuple[Kind, ...]
    reads: tuple[str, ...]
    declare: Callable[[Intent, Estate], Iterator[Desired]]

    def __call__(self, intent: Intent, facts: Estate) -> Iterator[Desired]:
        """Yield the desired resources."""
        return self.declare(intent, facts)


def declares(*kinds: Kind, reads: tuple[str, ...] = ()) -> Callable[[Any], Declaration]:
    """Make a declaration of a function from (intent, facts) to desired resources."""
    return lambda function: Declaration(kinds, reads, function)
