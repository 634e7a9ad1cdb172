"""Every read call by which the zero-egress proof looks for a channel is answered by an account that has nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore import xform_name
from conftest import Account, refused

from airgap.rehearsal import reset

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
