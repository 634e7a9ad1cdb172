"""Who calls: access keys of the rehearsal's people, and the principals that they stand for.

A person signs in through a role session, as people do in an enterprise account, and the access key id names the person:
``AIRGAPREHEARSALALICE`` is ``assumed-role/platform-engineer/alice`` of the account 123456789012. Keys that
``sts:AssumeRole`` hands out stand for the role that was assumed, in the role's account.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "210987654321"
REGION = "us-east-1"
ROLE = "platform-engineer"
AUDITOR = "platform-auditor"
# Not a secret: the rehearsal checks no signature, but every client wants something to sign with.
SIGNING_WORD = "rehearsal-checks-no-signature"


@dataclass(frozen=True)
class Caller:
    """A principal: account (12 digits), role and session name of its session, and the access key it signed with."""

    account: str
    role: str
    session: str
    access_key: str = ""

    def arn(self, partition: str = "aws") -> str:
        """Return the ARN of the role session, as ``sts:GetCallerIdentity`` names it."""
        return f"arn:{partition}:sts::{self.account}:assumed-role/{self.role}/{self.session}"

    @property
    def user_id(self) -> str:
        """The unique id of the role and the session name, stable for one role."""
        return f"{role_id(self.account, self.role)}:{self.session}"


def role_id(account: str, role: str) -> str:
    """Return the unique id (AROA and 17 capitals) that a people's role of an account always has here."""
    digest = hashlib.sha256(f"{account}/{role}".encode()).hexdigest().upper()
    return "AROA" + digest[:17]


PEOPLE = {
    "AIRGAPREHEARSALALICE": Caller(ACCOUNT, ROLE, "alice", "AIRGAPREHEARSALALICE"),
    "AIRGAPREHEARSALBOB00": Caller(ACCOUNT, ROLE, "bob", "AIRGAPREHEARSALBOB00"),
    "AIRGAPREHEARSALCAROL": Caller(ACCOUNT, ROLE, "carol", "AIRGAPREHEARSALCAROL"),
    "AIRGAPREHEARSALDAVE0": Caller(ACCOUNT, AUDITOR, "dave", "AIRGAPREHEARSALDAVE0"),
    "AIRGAPREHEARSALOTHER": Caller(OTHER_ACCOUNT, ROLE, "alice", "AIRGAPREHEARSALOTHER"),
}
DEFAULT = PEOPLE["AIRGAPREHEARSALALICE"]


def access_key(person: str = "alice", account: str = ACCOUNT) -> str:
    """Return the access key id with which ``person`` signs in to ``account``; KeyError if there is no such person."""
    return {(caller.session, caller.account): key for key, caller in PEOPLE.items()}[person, account]


def environment(url: str, person: str = "alice", account: str = ACCOUNT) -> dict[str, str]:
    """Return what an AWS client needs to talk to the rehearsal at ``url`` as ``person``, and nothing else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": access_key(person, account),
        "AWS_SECRET_ACCESS_KEY": SIGNING_WORD,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
