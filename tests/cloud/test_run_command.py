"""Run Command over real botocore: output that is whole, and what stands in its way told apart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from session_manager import SystemsManager, systems_manager

from airgap.cloud.run_command import ATTEMPTS, CommandFailed, RunCommand
from airgap.errors import AccessDenied, CallFailed, Unreachable, Unsettled


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Any, SystemsManager]]:
    import boto3
    from botocore.config import Config

    with systems_manager() as (url, known):
        client = boto3.session.Session("AKIDEXAMPLE", "secret", region_name="us-east-1").client(
            "ssm", endpoint_url=url, config=Config(retries={"total_max_attempts": 1})
        )
        yield client, known
        client.close()


@pytest.fixture
def known(served: tuple[Any, SystemsManager]) -> SystemsManager:
    """What the stand-in knows, as at its start."""
    served[1].__init__()  # type: ignore[misc]
    return served[1]


@pytest.fixture
def host(served: tuple[Any, SystemsManager], known: SystemsManager) -> RunCommand:
    return RunCommand(served[0], "i-1", within=5.0, sleep=lambda seconds: None)


def test_a_command_runs_and_its_output_is_whole(host: RunCommand) -> None:
    assert host.run("echo out; echo no >&2; exit 3") == (3, b"out\n", b"no\n")
    assert host.run("printf 'a\\0b'") == (0, b"a\0b", b"")


@pytest.mark.parametrize("size", [24_000, 300_000])
def test_output_that_is_cut_is_read_piece_by_piece(host: RunCommand, known: SystemsManager, size: int) -> None:
    """Random bytes, which no compression makes shorter."""
    ran = host.run(f"head -c {size} /dev/urandom | tee /dev/stderr")
    assert len(ran.out) == size
    assert ran.error == ran.out
    assert known.asked.count("SendCommand") > 2 * size / 24_000


def test_nothing_is_left_on_the_host(host: RunCommand, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    host.run("echo a")
    host.run("head -c 60000 /dev/urandom")
    assert list(tmp_path.iterdir()) == []


def test_throttling_is_waited_for(host: RunCommand, known: SystemsManager) -> None:
    known.faults = {"SendCommand": ["ThrottlingException"] * 3, "GetCommandInvocation": ["ThrottlingException"]}
    assert host.run("echo a").out == b"a\n"
    known.faults = {"SendCommand": ["ThrottlingException"] * ATTEMPTS}
    with pytest.raises(CallFailed, match="ThrottlingException"):
        host.run("echo a")


def test_an_invocation_is_not_there_at_once(host: RunCommand, known: SystemsManager) -> None:
    known.faults = {"GetCommandInvocation": ["InvocationDoesNotExist"] * 3}
    assert host.run("echo a").out == b"a\n"


@pytest.mark.parametrize(
    ("state", "said"), [("", "is not managed by it"), ("ConnectionLost", "is ConnectionLost there")]
)
def test_an_instance_that_takes_no_commands_is_said(
    host: RunCommand, known: SystemsManager, state: str, said: str
) -> None:
    known.instances = {"i-1": state} if state else {}
    with pytest.raises(Unreachable, match=said) as caught:
        host.run("echo a")
    assert "ssmmessages" in caught.value.action


def test_a_call_that_is_denied_names_its_action(host: RunCommand, known: SystemsManager) -> None:
    known.faults = {"SendCommand": ["AccessDeniedException"]}
    with pytest.raises(AccessDenied, match="ssm:SendCommand"):
        host.run("echo a")


def test_a_command_that_does_not_end_is_cancelled(host: RunCommand, known: SystemsManager) -> None:
    known.stuck, host.within = "InProgress", 0.05
    with pytest.raises(Unsettled, match=r"did not end .* \(InProgress\)"):
        host.run("echo a")
    assert known.asked[-1] == "CancelCommand"
    known.faults = {"CancelCommand": ["AccessDeniedException"]}
    with pytest.raises(Unsettled, match="could not be cancelled"):
        host.run("echo a")


@pytest.mark.parametrize("status", ["TimedOut", "Cancelled", "DeliveryTimedOut", "Undeliverable"])
def test_a_command_that_systems_manager_ends_has_not_run(host: RunCommand, known: SystemsManager, status: str) -> None:
    known.stuck = status
    with pytest.raises(CommandFailed, match=status):
        host.run("echo a")


def test_a_host_that_lacks_what_it_needs_is_said(host: RunCommand, known: SystemsManager) -> None:
    known.ran = Answers({"ResponseCode": 127, "Status": "Failed", "StandardErrorContent": "gzip: not found"})
    with pytest.raises(CommandFailed, match="127: gzip: not found"):
        host.run("echo a")


@pytest.mark.parametrize("text", ["", "hello", "0 1 2", "0 40 0 /nonexistent/tmp.x\n???", "0 0 0 /", "x" * 24_000])
def test_an_answer_that_makes_no_sense_is_no_output(host: RunCommand, known: SystemsManager, text: str) -> None:
    known.ran = Answers({"ResponseCode": 0, "Status": "Success", "StandardOutputContent": text})
    with pytest.raises(CommandFailed):
        host.run("echo a")


class Answers(dict[str, dict[str, Any]]):
    """The same outcome of every command."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__()
        self.told = {"StandardOutputContent": "", "StandardErrorContent": "", "StatusDetails": told["Status"], **told}

    def __getitem__(self, name: str) -> dict[str, Any]:
        return self.told
