"""A rotation as Secrets Manager makes one: the embedded AWS keeps the versions, the packaged function takes the steps.

The embedded AWS begins a rotation and holds its stages; here, where a database is there to talk to, each of the four
steps is the function's own code. Meanwhile clients sign in over and over, as applications do.
Secrets Manager User Guide, "Rotation by Lambda function", "Rotation strategy: alternating users".
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pg8000.exceptions import DatabaseError, InterfaceError

from airgap.lab.invoking import Functions
from airgap.lab.postgres import Server
from airgap.lab.sql import connected

STEPS = ("createSecret", "setSecret", "testSecret", "finishSecret")
HANDLER = "functions.rotation.handler"
CURRENT, PREVIOUS = "AWSCURRENT", "AWSPREVIOUS"
PAUSE = 0.01
"""Seconds between two logins of a client."""


class SecretsManager:
    """The secrets of one database in the embedded AWS: its master's, and the application's, which is rotated."""

    def __init__(self, environment: Mapping[str, str], server: Server, names: Mapping[str, str]) -> None:
        from boto3.session import Session

        session = Session(
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"], region_name=environment["AWS_REGION"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        )  # fmt: skip
        clients = [session.client(one, endpoint_url=environment["AWS_ENDPOINT_URL"]) for one in
                   ("secretsmanager", "iam", "lambda")]  # fmt: skip
        self._secrets = clients[0]
        told = {"username": server.declared.master, "password": server.declared.password}
        self.master = str(self._secrets.create_secret(Name=names["master"], SecretString=json.dumps(told))["ARN"])
        place = json.dumps({"engine": "postgres", **server.place, "masterarn": self.master})
        made = self._secrets.create_secret(Name=names["application"], Description=place, SecretString="{}")
        self.arn, self._function = str(made["ARN"]), _function(clients[1], clients[2])

    def value(self, stage: str = CURRENT) -> dict[str, str]:
        """Return what the application's secret holds at a stage."""
        held: dict[str, str] = json.loads(
            self._secrets.get_secret_value(SecretId=self.arn, VersionStage=stage)["SecretString"]
        )
        return held

    def begin(self) -> str:
        """Ask for a rotation, and return the version that is to become the current one."""
        asked = {"SecretId": self.arn, "RotationLambdaARN": self._function, "RotateImmediately": True}
        rules = {"AutomaticallyAfterDays": 30}
        return str(self._secrets.rotate_secret(**asked, RotationRules=rules)["VersionId"])


def _function(iam: Any, functions: Any) -> str:
    """Make what Secrets Manager demands of a rotation: a function that it may call. Its code is run beside it."""
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName="lab-rotation", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("lab.py", "")
    made = functions.create_function(FunctionName="lab-rotation", Runtime="python3.13", Role=role, Handler="lab.run",
                                     Code={"ZipFile": code.getvalue()})  # fmt: skip
    functions.add_permission(
        FunctionName="lab-rotation", StatementId="rotation", Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com", SourceAccount=role.split(":")[4],
    )  # fmt: skip
    return str(made["FunctionArn"])


def rotate(
    secrets: SecretsManager, functions: Functions, *, times: int = 1, after: Callable[[], None] = lambda: None
) -> str:
    """Rotate once, each step ``times`` times as after a lost answer; return the version that is the current one now.

    ``after`` is called after each step, when the rotation is no further than that.
    """
    token = secrets.begin()
    for step in STEPS:
        for _ in range(times):
            functions.invoke(HANDLER, {"Step": step, "SecretId": secrets.arn, "ClientRequestToken": token})
        after()
    return token


@dataclass
class Client:
    """A client that signs in over and over: how often it did, as whom, and every login that failed."""

    logins: int = 0
    users: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)
    renewed: int = 0

    @property
    def tried(self) -> int:
        """How often it has tried."""
        return self.logins + len(self.failed)


@contextlib.contextmanager
def signing_in(secrets: SecretsManager, server: Server, held: threading.Event | None = None) -> Iterator[Client]:
    """Have a client sign in until the context ends, with the current value or, with ``held``, with one that it keeps.

    Who keeps one reads it again when the event is set, as whoever mirrors secrets at intervals does.
    """
    client, end = Client(), threading.Event()

    def work() -> None:
        value = secrets.value()
        while not end.is_set():
            if held is None or held.is_set():
                value = secrets.value()
                client.renewed += 1
                if held is not None:
                    held.clear()
            _sign_in(server, client, value)
            time.sleep(PAUSE)

    thread = threading.Thread(target=work, name="client")
    thread.start()
    try:
        yield client
    finally:
        end.set()
        thread.join()


def _sign_in(server: Server, client: Client, value: Mapping[str, str]) -> None:
    try:
        with connected(server, value["username"], value["password"]) as one:
            client.users.add(str(one.run("SELECT session_user")[0][0]))
        client.logins += 1
    except (DatabaseError, InterfaceError, OSError) as error:
        client.failed.append(f"{value['username']}: {error}")
