"""Pages are kept once, under their digest, and are believed only with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from airgap.errors import AirgapError
from airgap.evidence import pages as module
from airgap.evidence.pages import PageFolder, write_index
from airgap.model.canonical import canonical_bytes, digest
from airgap.model.observation import DENIED, OK, Observation

PAGE = canonical_bytes({"Vpcs": [{"VpcId": "vpc-1", "State": "available"}]})


def observation(call: str, number: int = 1, region: str = "us-east-1", **more: object) -> Observation:
    known = {"status": OK, "time": "2026-11-23T08:50:12Z", "request_id": "r-1", "size": 7, "page": "0" * 64}
    return Observation(call=call, params={}, account="012345678901", region=region, place="rehearsal", number=number,
                       **{**known, **more})  # type: ignore[arg-type]  # fmt: skip


def test_a_page_is_a_file_under_its_digest(tmp_path: Path) -> None:
    name = PageFolder(tmp_path / "observations").keep(PAGE)
    assert name == digest(PAGE)
    assert (tmp_path / "observations" / f"{name}.json").read_bytes() == PAGE


def test_what_was_kept_is_loaded_by_another_process(tmp_path: Path) -> None:
    name = PageFolder(tmp_path).keep(PAGE)
    assert PageFolder(tmp_path).load(name) == json.loads(PAGE)


def test_equal_pages_are_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Path] = []
    real = module.write_whole

    def counted(path: Path, data: bytes, *, durable: bool) -> None:
        written.append(path)
        real(path, data, durable=durable)

    monkeypatch.setattr(module, "write_whole", counted)
    for folder in (PageFolder(tmp_path), PageFolder(tmp_path)):
        folder.keep(PAGE)
        folder.keep(PAGE)
    assert len(written) == 1


def test_a_torn_page_of_a_dead_run_is_written_again(tmp_path: Path) -> None:
    (tmp_path / f"{digest(PAGE)}.json").write_bytes(PAGE[:10])
    PageFolder(tmp_path).keep(PAGE)
    assert PageFolder(tmp_path).load(digest(PAGE)) == json.loads(PAGE)


@pytest.mark.parametrize("altered", [PAGE.replace(b"available", b"pending"), PAGE + b"\n", b""])
def test_an_altered_page_is_not_loaded(tmp_path: Path, altered: bytes) -> None:
    name = PageFolder(tmp_path).keep(PAGE)
    (tmp_path / f"{name}.json").write_bytes(altered)
    with pytest.raises(AirgapError, match="page altered"):
        PageFolder(tmp_path).load(name)


def test_a_missing_page_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AirgapError, match="is missing"):
        PageFolder(tmp_path).load("0" * 64)


def test_the_index_names_account_region_call_and_parameters_in_order(tmp_path: Path) -> None:
    given = [
        observation("ec2:DescribeVpcs", 2),
        observation("kms:ListKeys", status=DENIED, page="", size=0),
        observation("ec2:DescribeVpcs", 1),
        observation("ec2:DescribeVpcs", 1, region="eu-west-1"),
    ]
    write_index(tmp_path, given)
    rows = json.loads((tmp_path / "index.json").read_text())
    assert [(row["region"], row["call"], row["number"]) for row in rows] == [
        ("eu-west-1", "ec2:DescribeVpcs", 1),
        ("us-east-1", "ec2:DescribeVpcs", 1),
        ("us-east-1", "ec2:DescribeVpcs", 2),
        ("us-east-1", "kms:ListKeys", 1),
    ]
    assert rows[3]["status"] == DENIED
    assert set(rows[0]) == {
        "account", "region", "call", "params", "number", "status", "time", "request_id", "page", "size",
    }  # fmt: skip


def test_the_index_does_not_depend_on_the_order_of_reading(tmp_path: Path) -> None:
    given = [observation("ec2:DescribeVpcs", number) for number in (1, 2, 3)]
    texts = []
    for order in (given, given[::-1]):
        write_index(tmp_path, order)
        texts.append((tmp_path / "index.json").read_text())
    assert texts[0] == texts[1]


def test_the_index_of_nothing_is_an_empty_list(tmp_path: Path) -> None:
    write_index(tmp_path, [])
    assert json.loads((tmp_path / "index.json").read_text()) == []
