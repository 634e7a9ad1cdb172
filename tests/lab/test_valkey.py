"""The declared cache on a real Valkey and a real Redis: who may speak to it and how, and each refusal can fail."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from airgap import params
from airgap.lab import cache_probes, data_planes, valkey
from airgap.lab.component import listens
from airgap.lab.valkey import DeclaredCache, User, spoken
from airgap.model.data_stores import cache_user
from airgap.model.intent import Intent
from airgap.model.probes import told
from airgap.rehearsal.authority import Authority
from airgap.run.data_planes import declared


@pytest.fixture(scope="module")
def intent() -> Intent:
    return params.load("demo")


def weak(engine: str = "valkey") -> DeclaredCache:
    """A cache that serves clients in the clear too, without a name, and lets the application do anything."""
    nobody, anything = User("default", "on ~* &* +@all", "no-password"), User("app", "on ~* &* +@all", "password")
    return DeclaredCache(engine, True, "preferred", (nobody, anything))


@pytest.mark.lab
@pytest.mark.parametrize("engine", ["valkey", "redis"])
def test_all_that_is_declared_of_the_cache_holds(intent: Intent, engine: str, tmp_path: Path) -> None:
    planes = declared(dataclasses.replace(intent, data=dataclasses.replace(intent.data, cache_engine=engine)))
    found = data_planes.cache(planes, tmp_path, print)
    others = {one["name"]: one for one in found}
    assert {one["name"]: told(one, others)[1] for one in found if told(one, others)[0] != "pass"} == {}
    assert {"cache-tls", "cache-plain-text", "cache-wrong-host", "cache-wrong-authority", "cache-without-password",
            *(f"cache-application-{name}" for name in cache_probes.FORBIDDEN)} <= set(others)  # fmt: skip
    assert {one["about"] for one in found} == {"cache", "rights"}
    assert {one.name for one in tmp_path.iterdir()} == {f"{engine}.log", f"{engine}.ca.pem"}
    assert not listens(found[0]["port"])


@pytest.mark.lab
def test_a_cache_that_takes_anybody_fails_by_the_same_probes(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with valkey.running(valkey.installed("valkey", print), weak(), tmp_path, authority) as server:
        found = [*cache_probes.transport(server, server.authority), *cache_probes.rights(server)]
    others = {one["name"]: one for one in found}
    status = {name: told(one, others)[0] for name, one in others.items()}
    failed = {name for name, how in status.items() if how == "fail"}
    # The last command ended it, so nobody was left to answer.
    assert {name for name, how in status.items() if how == "unknown"} == {"cache-application-ends-it"}
    forbidden = {f"cache-application-{name}" for name in cache_probes.FORBIDDEN if name != "ends-it"}
    assert failed == forbidden | {
        "cache-plain-text", "cache-wrong-authority", "cache-without-password", "cache-default-user"}  # fmt: skip


@pytest.mark.lab
def test_a_cache_without_users_takes_whoever_comes(tmp_path: Path) -> None:
    declared = DeclaredCache("valkey", True, "required", ())
    with valkey.running(valkey.installed("valkey", print), declared, tmp_path, Authority(tmp_path)) as server:
        found = list(cache_probes.transport(server, server.authority))
    others = {one["name"]: one for one in found}
    assert told(others["cache-without-password"], others)[0] == "fail"
    assert told(others["cache-plain-text"], others)[0] == "pass"


@pytest.mark.lab
def test_two_stand_side_by_side_and_know_their_own_users(tmp_path: Path) -> None:
    programs, authority = valkey.installed("valkey", print), Authority(tmp_path)
    folders = [tmp_path / name for name in ("first", "second")]
    for one in folders:
        one.mkdir()
    with (valkey.running(programs, weak(), folders[0], authority) as first,
          valkey.running(programs, weak(), folders[1], authority) as second):  # fmt: skip
        own = ("app", first.declared.users[1].password)
        with spoken(first, own) as one:
            assert one.ask("SET", "who", "first").value == "OK"
        with pytest.raises(PermissionError, match="WRONGPASS"), spoken(second, own):
            raise AssertionError("it is the other one's user")
        with spoken(second) as one:
            assert one.ask("GET", "who").value is None
        pids = [first.component.pid, second.component.pid]
    assert [one for one in pids if Path(f"/proc/{one}").exists()] == []


def test_users_stand_in_the_lab_as_they_are_declared(intent: Intent) -> None:
    planes = declared(intent)
    lines = {one.name: one.line() for one in planes.cache.users}
    assert (planes.cache.tls, planes.cache.mode, planes.cache.engine) == (True, "required", "valkey")
    assert lines["default"] == "user default reset nopass off -@all"
    mine = lines[cache_user(intent)]
    assert mine.endswith("on ~* &* -@all +@all -@dangerous -@admin")
    assert all(one.password not in lines[one.name] for one in planes.cache.users)
    assert "nopass" not in mine
