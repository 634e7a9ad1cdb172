"""Rotation of the application's database secret: two users take turns, so whoever still holds the old one works on.

Secrets Manager calls four steps, each again and again until it succeeds, so every step leaves alone what is done.
The password is made by Secrets Manager at the function's own request, inside the VPC, and goes from there to the
database and back to Secrets Manager; nobody else sees it. The first rotation makes the first password and the users.

AWS: Secrets Manager User Guide, "Lambda rotation functions", "Lambda function rotation strategies" (alternating users).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .database import GROUP, Connection, DatabaseError, connect, identifier, literal, value_of
from .passwords import verifier

USERS = (f"{GROUP}_a", f"{GROUP}_b")
CURRENT, PENDING = "AWSCURRENT", "AWSPENDING"
LENGTH = 40
PLACE = ("engine", "host", "port", "dbname", "masterarn")
"""What all values of a secret have in common: where the database is, and the secret of its master."""


def handler(event: Mapping[str, Any], context: Any) -> dict[str, str]:
    """Take one step of a rotation: ``Step``, ``SecretId`` and ``ClientRequestToken`` as Secrets Manager sends them."""
    import boto3

    return step(event, boto3.client("secretsmanager"))


def step(event: Mapping[str, Any], secrets: Any, open_: Callable[..., Connection] = connect) -> dict[str, str]:
    """Take one step with a client of Secrets Manager; ``open_`` connects to the database.

    Raises ``ValueError`` for a version that Secrets Manager has not asked to be made.
    """
    arn, token, name = event["SecretId"], event["ClientRequestToken"], event["Step"]
    stages = secrets.describe_secret(SecretId=arn)["VersionIdsToStages"].get(token)
    if stages is not None and CURRENT in stages:
        return {"step": name, "done": "before"}
    if stages is None or PENDING not in stages:
        raise ValueError(f"version {token} of {arn} is not {PENDING}")
    STEPS[name](Rotation(secrets, arn, token, open_))
    return {"step": name, "done": "now"}


class Rotation:
    """One rotation of one secret: the version ``token`` is to become the current one."""

    def __init__(self, secrets: Any, arn: str, token: str, open_: Callable[..., Connection]) -> None:
        self.secrets, self.arn, self.token, self.open = secrets, arn, token, open_

    def pending(self) -> dict[str, Any]:
        """Return the value that is to become the current one."""
        return value_of(self.secrets, self.arn, VersionId=self.token, VersionStage=PENDING)

    def current(self) -> dict[str, Any]:
        """Return the value that applications read now."""
        return value_of(self.secrets, self.arn, VersionStage=CURRENT)

    def place(self) -> dict[str, Any]:
        """Return where the database is: the secret's description says it, which is seen without reading the secret."""
        told = json.loads(self.secrets.describe_secret(SecretId=self.arn)["Description"])
        return {name: told[name] for name in PLACE}


def create_value(rotation: Rotation) -> None:
    """Keep a new value: where the database is, the other user, and a password that Secrets Manager made."""
    try:
        rotation.pending()
        return
    except rotation.secrets.exceptions.ResourceNotFoundException:
        user = following(rotation.current().get("username"))
    made = rotation.secrets.get_random_password(PasswordLength=LENGTH, ExcludePunctuation=True)
    value = {**rotation.place(), "username": user, "password": made["RandomPassword"]}
    named = {"SecretId": rotation.arn, "ClientRequestToken": rotation.token}
    rotation.secrets.put_secret_value(**named, SecretString=json.dumps(value), VersionStages=[PENDING])


def following(user: str | None) -> str:
    """Return whose turn it is after ``user``; the first one's where nobody had a turn.

    >>> following(None), following("application_a"), following("application_b")
    ('application_a', 'application_b', 'application_a')
    """
    return USERS[1] if user == USERS[0] else USERS[0]


def set_password(rotation: Rotation) -> None:
    """Give the user its new password, and make it and its group first where they are not there.

    The master signs in at the place of the secret's description alone, wherever a value points.
    """
    pending, place = rotation.pending(), rotation.place()
    moved = [name for name in PLACE if pending.get(name) != place[name]]
    if moved or pending["username"] not in USERS:
        raise ValueError(f"version {rotation.token} names another {', '.join(moved) or 'user'} than it may")
    if _signs_in(rotation, pending):
        return
    master = value_of(rotation.secrets, str(place["masterarn"]))
    connection = rotation.open(place, str(master["username"]), str(master["password"]))
    try:
        _bring(connection, pending["username"], pending["password"])
    finally:
        connection.close()


def _signs_in(rotation: Rotation, value: Mapping[str, Any]) -> bool:
    try:
        rotation.open(value, value["username"], value["password"]).close()
    except DatabaseError:
        return False
    return True


def _bring(connection: Connection, user: str, password: str) -> None:
    """Bring group, user, password and membership about in one transaction, whatever of them is there."""
    found = connection.run("SELECT rolname FROM pg_roles WHERE rolname IN (:one, :other)", one=user, other=GROUP)
    there = {row[0] for row in found}
    connection.run("BEGIN")
    for statement in _statements(there, user, password):
        connection.run(statement)
    connection.run("COMMIT")


def _statements(there: set[str], user: str, password: str) -> Iterator[str]:
    """Yield what is to be run; a statement that changes a role takes no parameters."""
    named, group = identifier(user), identifier(GROUP)
    if GROUP not in there:
        yield f"CREATE ROLE {group} NOLOGIN"
    verb = "ALTER" if user in there else "CREATE"
    yield f"{verb} ROLE {named} WITH LOGIN PASSWORD {literal(verifier(password))}"
    yield f"GRANT {group} TO {named}"
    # What either user makes belongs to the group, so the other one may work on it.
    yield f"ALTER ROLE {named} SET role TO {group}"


def test_value(rotation: Rotation) -> None:
    """Sign in as the user with its new password, and see that it works as its group.

    Raises ``ValueError`` where it is somebody else.
    """
    pending = rotation.pending()
    connection = rotation.open(pending, pending["username"], pending["password"])
    try:
        acting = connection.run("SELECT session_user, current_user")[0]
    finally:
        connection.close()
    if list(acting) != [pending["username"], GROUP]:
        raise ValueError(f"{pending['username']} works as {acting[1]}, not as {GROUP}")


def finish(rotation: Rotation) -> None:
    """Make the pending value the current one; Secrets Manager makes the one before it the previous one."""
    stages = rotation.secrets.describe_secret(SecretId=rotation.arn)["VersionIdsToStages"]
    before = next((version for version, held in stages.items() if CURRENT in held), None)
    moving = {"RemoveFromVersionId": before} if before else {}
    named = {"SecretId": rotation.arn, "VersionStage": CURRENT}
    rotation.secrets.update_secret_version_stage(**named, MoveToVersionId=rotation.token, **moving)


STEPS: dict[str, Callable[[Rotation], None]] = {
    "createSecret": create_value,
    "setSecret": set_password,
    "testSecret": test_value,
    "finishSecret": finish,
}
"""The steps by their names in Secrets Manager's events."""
