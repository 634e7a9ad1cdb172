"""A person's way to the database and the cluster: found by its own name, under it, and ended in words."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import CliRunner

from airgap import cli
from airgap.errors import AirgapError, MissingPredecessor, Unreachable
from airgap.model.observation import ABSENT, OK
from airgap.params import load
from airgap.run import reaching

DEMO = dataclasses.replace(load("demo", Path(__file__).parents[2]), world="aws")
HOST = "fintech-postgres.abc.us-east-1.rds.amazonaws.com"


class Way:
    """A way whose local port is another after some time, as of a session that was opened anew."""

    def __init__(self, *ports: int) -> None:
        self.ports, self.opened, self.closed = list(ports), [], False  # type: ignore[var-annotated]

    def open(self, host: str, port: int) -> tuple[str, int]:
        """Return the local end."""
        self.opened.append((host, port))
        return "127.0.0.1", self.ports.pop(0) if len(self.ports) > 1 else self.ports[0]

    def close(self) -> None:
        """End it."""
        self.closed = True


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    """An account with a database; ``way`` is how what is inside is reached."""
    place = SimpleNamespace(way=Way(40001), status=OK, databases=[{"Endpoint": {"Address": HOST, "Port": 5432}}])
    asked: list[Any] = []

    def read(call: str, params: Any, **how: Any) -> list[Any]:
        asked.append((call, params))
        return [SimpleNamespace(status=place.status, page="p")]

    cloud = SimpleNamespace(read=read)
    systems = SimpleNamespace(
        cloud=cloud,
        page=lambda page: {"DBInstances": place.databases},
        way=lambda: place.way,
        endpoint=lambda: SimpleNamespace(host="ABC.gr7.us-east-1.eks.amazonaws.com"),
    )
    place.asked = asked
    monkeypatch.setattr(reaching.params, "load", lambda env: DEMO)
    monkeypatch.setattr(reaching, "Cloud", lambda *_: cloud)
    monkeypatch.setattr(reaching, "bind", lambda *_: None)
    monkeypatch.setattr(reaching, "Systems", lambda *_: systems)
    monkeypatch.setattr(reaching, "EVERY", 0.0)
    return place


def test_the_database_is_reached_under_its_true_name_and_the_way_is_ended(account: Any) -> None:
    with reaching.reach("demo", "database") as (way, _):
        assert way.settings == {
            "PGHOST": HOST, "PGHOSTADDR": "127.0.0.1", "PGPORT": "40001", "PGDATABASE": DEMO.data.database,
            "PGSSLMODE": "verify-full",
        }  # fmt: skip
        assert way.tunnelled
        assert not account.way.closed
    assert account.asked == [("rds:DescribeDBInstances", {"DBInstanceIdentifier": DEMO.data.postgres_name})]
    assert account.way.opened == [(HOST, 5432)]
    assert account.way.closed


def test_the_cluster_is_reached_under_its_true_name(account: Any) -> None:
    with reaching.reach("demo", "cluster") as (way, _):
        told = way.settings["KUBECTL_OPTIONS"]
    assert told == "--server=https://127.0.0.1:40001 --tls-server-name=ABC.gr7.us-east-1.eks.amazonaws.com"


def test_inside_nothing_is_forwarded(account: Any) -> None:
    account.way.open = lambda host, port: (host, port)
    with reaching.reach("demo", "database") as (way, _):
        assert not way.tunnelled
        assert "PGHOSTADDR" not in way.settings
    assert account.way.closed


@pytest.mark.parametrize("change", [{"status": ABSENT}, {"databases": []}, {"databases": [{"Endpoint": None}]}])
def test_without_a_database_the_notebook_that_makes_it_is_named(account: Any, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(account, name, value)
    with pytest.raises(MissingPredecessor, match="does not exist") as caught, reaching.reach("demo", "database"):
        pass
    assert "07_data" in caught.value.action


def test_a_session_that_ended_is_said_and_not_renewed_at_another_port(account: Any) -> None:
    account.way = Way(40001, 40001, 40002)
    with pytest.raises(Unreachable, match="ended"), reaching.reach("demo", "database") as (_, wait):
        wait()
    assert account.way.closed


def test_what_stands_in_the_way_is_told_and_the_way_is_ended(account: Any) -> None:
    def shut(host: str, port: int) -> tuple[str, int]:
        raise Unreachable("no operations host", "anything", "make one")

    account.way.open = shut
    with pytest.raises(AirgapError, match="no operations host"), reaching.reach("demo", "database"):
        pass
    assert account.way.closed


def test_the_command_prints_what_a_shell_takes_and_ends_at_an_interrupt(
    account: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reaching, "_wait", interrupted)
    done = CliRunner().invoke(cli.app, ["reach", "database", "--env", "demo"])
    assert done.exit_code == 0
    assert f"export PGHOST='{HOST}'" in done.stdout
    assert "export PGSSLMODE='verify-full'" in done.stdout
    assert account.way.closed
