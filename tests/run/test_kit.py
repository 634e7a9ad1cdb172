"""A kit is exactly what its list says, or nothing of it is used; small kits, made here, without wheels of their own."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airgap.cli import kit as kit_command
from airgap.errors import KitBroken, UsageError
from airgap.model import kit
from airgap.model.kit import Broken, Manifest, Member
from airgap.run import kit_loading, kit_saving
from airgap.run.kit_loading import here, load

ROOT = Path(__file__).parents[2]
FILES = {"README.md": b"read me\n", "params/demo.yaml": b"environment: demo\n", "wheels.lock": b""}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def manifest_of(files: dict[str, bytes], **more: Any) -> Manifest:
    members = tuple(Member(path, len(one), sha(one), path.startswith("bin/")) for path, one in sorted(files.items()))
    return Manifest("0.1.0", "abc", *here(), members)._replace(**more)


def packed(members: list[tuple[tarfile.TarInfo, bytes]], place: Path, mode: str = "w:") -> Path:
    with tarfile.open(place, mode, format=tarfile.GNU_FORMAT) as archive:  # type: ignore[call-overload]
        for header, content in members:
            archive.addfile(header, io.BytesIO(content) if header.isreg() else None)
    return place


def header(path: str, content: bytes = b"") -> tarfile.TarInfo:
    one = tarfile.TarInfo(path)
    one.size = len(content)
    return one


def parts(files: dict[str, bytes] | None = None, **more: Any) -> list[tuple[tarfile.TarInfo, bytes]]:
    """The members of a whole kit, to be tampered with."""
    files = FILES if files is None else files
    listed = kit.encode(manifest_of(files, **more))
    return [(header(kit.MANIFEST, listed), listed), *((header(path, one), one) for path, one in sorted(files.items()))]


def silent(step: str, text: str) -> None:
    """Progress that nobody reads."""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Installing is left out; what would have been installed is listed."""
    seen: list[Path] = []
    monkeypatch.setattr(kit_loading, "_installed", lambda into, manifest, report: seen.append(into))
    return seen


def test_a_whole_kit_is_unpacked_and_says_what_comes_next(tmp_path: Path, installed: list[Path]) -> None:
    files = {**FILES, "bin/helm": b"#!/bin/sh\n"}
    done = load(packed(parts(files), tmp_path / "kit.tar"), tmp_path / "in", silent)
    assert installed == [tmp_path / "in"]
    assert (tmp_path / "in/README.md").read_bytes() == b"read me\n"
    assert (tmp_path / "in/bin/helm").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "in/README.md").stat().st_mode & 0o777 == 0o644
    assert done["next"] == f"cd {tmp_path / 'in'} && .venv/bin/airgap params check --env demo"
    assert kit.decode((tmp_path / "in/kit.json").read_bytes()) == manifest_of(files)


def link(path: str, kind: bytes, to: str) -> tuple[tarfile.TarInfo, bytes]:
    one = tarfile.TarInfo(path)
    one.type, one.linkname = kind, to
    return one, b""


def changed(at: int, content: bytes) -> Callable[[list[Any]], list[Any]]:
    """Another content of the same length, so that only its digest tells."""
    return lambda members: [(head, content if number == at else one) for number, (head, one) in enumerate(members)]


def listed(edit: Callable[[dict[str, Any]], None]) -> Callable[[list[Any]], list[Any]]:
    """The same members under a list that somebody wrote anew."""

    def tamper(members: list[Any]) -> list[Any]:
        data = json.loads(members[0][1])
        edit(data)
        text = json.dumps(data).encode()
        return [(header(kit.MANIFEST, text), text), *members[1:]]

    return tamper


TAMPERED: dict[str, tuple[Callable[[list[Any]], list[Any]], str]] = {
    "a byte is another": (changed(1, b"READ me\n"), "README.md is not what its list says"),
    "a member more": (lambda m: [*m, (header("docs/x.md", b"x"), b"x")], "'docs/x.md' is in it and not in its list"),
    "a member less": (lambda m: m[:-1], "'wheels.lock' is in its list and not in it"),
    "a member twice": (lambda m: [*m, m[-1]], "a member is in it twice"),
    "another order": (lambda m: [m[0], *reversed(m[1:])], "not in the order of its list"),
    "no list": (lambda m: m[1:], "its first member is not kit.json"),
    "the list is not first": (lambda m: [m[1], m[0], *m[2:]], "its first member is not kit.json"),
    "no JSON": (lambda m: [(header(kit.MANIFEST, b"{"), b"{"), *m[1:]], "kit.json is not a list of a kit"),
    "a link out": (lambda m: [*m[:-1], link("wheels.lock", tarfile.SYMTYPE, "/etc/passwd")], "is not a plain file"),
    "a hard link": (lambda m: [*m[:-1], link("wheels.lock", tarfile.LNKTYPE, "README.md")], "is not a plain file"),
    "a device": (lambda m: [*m, link("docs/null", tarfile.CHRTYPE, "")], "is not a plain file"),
    "a folder": (lambda m: [*m, link("docs", tarfile.DIRTYPE, "")], "is not a plain file"),
    "out of the folder": (listed(lambda d: d["members"][0].update(path="../README.md")), "is no place of a kit"),
    "an absolute path": (listed(lambda d: d["members"][0].update(path="/etc/cron.d/x")), "is no place of a kit"),
    "hidden": (listed(lambda d: d["members"][0].update(path="params/.git/config")), "is no place of a kit"),
    "beside the folders": (listed(lambda d: d["members"][0].update(path="setup.cfg")), "is no place of a kit"),
    "listed twice": (listed(lambda d: d["members"].append(d["members"][0])), "it lists a member twice"),
    "another size": (listed(lambda d: d["members"][0].update(size=9)), "README.md has 8 bytes, and its list says 9"),
    "a bomb": (listed(lambda d: d["members"][0].update(size=10**13)), "bytes together"),
    "a negative size": (listed(lambda d: d["members"][0].update(size=-1)), "README.md has no size or digest"),
    "no digest": (listed(lambda d: d["members"][0].update(sha256="")), "README.md has no size or digest"),
    "another schema": (listed(lambda d: d.update(schema="airgap/kit/v2")), "this loader reads 'airgap/kit/v1'"),
    "another Python": (listed(lambda d: d.update(python="3.99")), "saved for Python 3.99"),
    "another platform": (listed(lambda d: d.update(platform="plan9")), "on plan9; this is"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_a_kit_that_was_tampered_with_is_refused_and_leaves_nothing(
    name: str, tmp_path: Path, installed: list[Path]
) -> None:
    tamper, said = TAMPERED[name]
    file = packed(tamper(parts()), tmp_path / "kit.tar")
    with pytest.raises(KitBroken) as refused:
        load(file, tmp_path / "in", silent)
    assert said in refused.value.what
    assert refused.value.exit_code == 1
    assert installed == []
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kit.tar"]


@pytest.mark.parametrize("left", [0, 100, 600, 1100, 2000])
def test_a_kit_cut_short_is_refused(left: int, tmp_path: Path, installed: list[Path]) -> None:
    file = packed(parts(), tmp_path / "kit.tar")
    file.write_bytes(file.read_bytes()[:left])
    with pytest.raises(KitBroken, match="is not a whole kit"):
        load(file, tmp_path / "in", silent)
    assert installed == []
    assert not (tmp_path / "in").exists()


def test_a_compressed_tar_is_refused_before_anything_of_it_grows(tmp_path: Path, installed: list[Path]) -> None:
    with pytest.raises(KitBroken):
        load(packed(parts(), tmp_path / "kit.tar", "w:gz"), tmp_path / "in", silent)
    assert installed == []


def test_a_folder_in_use_is_not_touched(tmp_path: Path, installed: list[Path]) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/mine").write_text("mine")
    with pytest.raises(UsageError, match="is there and not empty"):
        load(packed(parts(), tmp_path / "kit.tar"), tmp_path / "in", silent)
    assert (tmp_path / "in/mine").read_text() == "mine"


def test_where_installing_fails_the_folder_goes_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit_loading.sys, "executable", "/bin/false")
    with pytest.raises(KitBroken, match="-m venv .* failed"):
        load(packed(parts(), tmp_path / "kit.tar"), tmp_path / "in", silent)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["kit.tar"]


def test_the_manifest_reads_back_as_it_was_written() -> None:
    manifest = manifest_of(FILES)
    assert kit.decode(kit.encode(manifest)) == manifest
    with pytest.raises(Broken):
        kit.decode(kit.encode(manifest).replace(b'"commit"', b'"comit"'))


def test_the_same_sources_are_the_same_file(tmp_path: Path) -> None:
    sources = {}
    for path, content in FILES.items():
        sources[path] = tmp_path / "src" / path
        sources[path].parent.mkdir(parents=True, exist_ok=True)
        sources[path].write_bytes(content)
    manifest = Manifest("0.1.0", "abc", *here(), tuple(kit_saving._members(sources)))
    first = kit_saving._written(tmp_path / "a.tar", manifest, sources)
    sources["README.md"].touch()
    assert kit_saving._written(tmp_path / "b.tar", manifest, sources) == first
    kit_loading.read(tmp_path / "a.tar")


def test_the_lock_of_a_kit_is_what_a_run_needs_and_nothing_that_tests_need() -> None:
    text = kit_saving.needed((ROOT / "requirements.lock").read_text())
    names = {line.partition("==")[0] for line in text.splitlines() if "==" in line}
    assert {"boto3", "papermill", "pydantic", "moto", "jupyterlab", "weasyprint"} <= names
    assert not {"pytest", "mypy", "ruff", "hatchling"} & names
    assert text.count("==") <= text.count("--hash=sha256:")


def test_a_kit_without_the_plug_in_says_so_and_one_with_it_carries_it_by_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "wheels.lock"
    lock.touch()
    monkeypatch.setattr(kit_saving, "_wheels", lambda root, part, report: {"wheels.lock": lock})
    monkeypatch.setenv("PATH", f"{tmp_path}:{Path(sys.executable).parent}:/usr/bin:/bin")
    monkeypatch.chdir(ROOT)
    assert kit_command.save(tmp_path / "without.tar") == 0
    assert "bin/session-manager-plugin is not in it" in capsys.readouterr().out
    plug_in = tmp_path / "session-manager-plugin"
    plug_in.write_bytes(b"#!/bin/sh\n")
    plug_in.chmod(0o755)
    assert kit_command.save(tmp_path / "with.tar") == 0
    told = capsys.readouterr().out
    assert f"bin/session-manager-plugin\n  sha256 {sha(plug_in.read_bytes())}" in told
    assert "is not in it" not in told
    with tarfile.open(tmp_path / "with.tar") as archive:
        assert archive.getmember("bin/session-manager-plugin").mode & 0o111


def test_the_loader_is_one_file_that_a_bare_python_runs(tmp_path: Path) -> None:
    program = kit_saving.program()
    assert program == kit_saving.program()
    loader = tmp_path / "kit.tar.load.pyz"
    loader.write_bytes(program)
    assert all(one.startswith(("__main__", "airgap/")) for one in zipfile.ZipFile(loader).namelist())
    file = packed(TAMPERED["a byte is another"][0](parts()), tmp_path / "kit.tar")
    command = [sys.executable, "-I", "-S", str(loader), str(file), "--into", str(tmp_path / "in")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "README.md is not what its list says" in done.stderr
    assert "Next: compare its SHA-256" in done.stderr
    assert not (tmp_path / "in").exists()
