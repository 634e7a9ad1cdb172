"""The caller of a request, from its access key: one of the rehearsal's people or a role that was assumed."""

from __future__ import annotations

from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

from airgap.rehearsal.identity import ACCOUNT, DEFAULT, PEOPLE, Caller


def resolve(access_key: str, region: str) -> Caller:
    """Return who signs with ``access_key``; a key that nobody was given stands for the default person."""
    if access_key in PEOPLE:
        return PEOPLE[access_key]
    partition = get_partition(region)
    for account in list(sts_backends):
        assumed = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
        if assumed is not None:
            return Caller(assumed.account_id, assumed.role_arn.split("/")[-1], assumed.session_name, access_key)
    return Caller(ACCOUNT, DEFAULT.role, DEFAULT.session, access_key)
