"""The network step with the identity that it rests on: applied, empty the second time, destroyed, nothing left."""

from __future__ import annotations

from embedded import AWS

from airgap.resources.identity import IDENTITY
from airgap.resources.network import NETWORK

BOTH = (*IDENTITY, *NETWORK)


def test_the_network_comes_stays_and_goes(aws: AWS) -> None:
    assert aws.apply(*BOTH).changes
    again = aws.plan(*BOTH)
    assert (list(again.changes), again.plan.unknowns, again.found.orphans) == ([], (), [])
    aws.destroy(*BOTH)
    left = aws.plan(*BOTH).found
    stays = {"service-linked-role", "bpa-options", "account-public-access-block"}
    assert {key.split(":")[0] for key in left.lives} <= stays
    assert left.orphans == []
