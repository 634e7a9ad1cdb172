"""Every read call by which the zero-egress proof looks for a channel is answered by an account that has nothing."""

from __future__ import annotations

import json
from pathlib import Path

import moto
import pytest
from botocore import xform_name
from emulated import Account, refused

from airgap.rehearsal import reset
from airgap.rehearsal.answers import nothing

ROWS = json.loads(Path(__file__).with_name("operations.json").read_text())
HOME = {"globalaccelerator": "us-west-2"}


@pytest.fixture(scope="module")
def empty(server: str) -> Account:
    reset(server)
    return Account(server)


@pytest.mark.parametrize("row", ROWS)
def test_row_is_answered(empty, row):
    assert ROWS[row]
    for entry in ROWS[row]:
        entry = {"call": entry} if isinstance(entry, str) else entry
        service, operation = entry["call"].split(":")
        call = getattr(empty.client(service, HOME.get(service, "us-east-1")), xform_name(operation))
        if "error" in entry:
            refused(entry["error"], call, **entry.get("with", {}))
        else:
            assert call(**entry.get("with", {}))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_nothing_is_called_empty_that_moto_can_hold():
    held = []
    for service, operations in nothing.EMPTY.items():
        package = Path(moto.__file__).parent / service.replace("-", "")
        modules = [*package.glob("responses.py"), *package.glob("responses/*.py")]
        source = "".join(module.read_text() for module in modules)
        held += [name for name in operations.split() if f"def {xform_name(name)}(" in source]
    assert held == []
