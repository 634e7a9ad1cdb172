"""The judging core: standard library only, no clock, file or network, in the syntax of Python 3.9."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

LIB = Path(__file__).resolve().parents[2] / "lib" / "airgap"
CORE = ("errors.py", "model", "egress", "checks", "controls", "evidence/bundle")
# The half of the evidence that verifies reads the bundle that it verifies.
READING = {"members.py": {"os", "open"}, "verify.py": {"os"}, "workbook.py": {"io"}}
IMPURE = {
    "os",
    "socket",
    "subprocess",
    "time",
    "pathlib",
    "http",
    "tempfile",
    "random",
    "shutil",
    "io",
    "secrets",
}


def modules() -> list[Path]:
    found = [LIB / name for name in CORE if (LIB / name).exists()]
    return sorted(path for one in found for path in ([one] if one.is_file() else one.rglob("*.py")))


def imports(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIB)))
def test_the_core_imports_the_standard_library_only_and_touches_nothing(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=(3, 9))
    allowed = READING.get(path.name, set()) if "bundle" in path.parts else set()
    for name in imports(tree):
        top = name.split(".")[0]
        if top == "airgap":
            homes = [one.removesuffix(".py").replace("/", ".") for one in CORE]
            assert any(name == f"airgap.{one}" or name.startswith(f"airgap.{one}.") for one in homes), name
        else:
            assert top in sys.stdlib_module_names, f"{name} is not in the standard library"
            assert top not in IMPURE - allowed, f"{name} touches the world"
            assert name not in ("urllib.request", "urllib"), f"{name} touches the world"
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert not (calls - allowed) & {
        "open",
        "datetime.now",
        "dt.datetime.now",
        "datetime.datetime.now",
        "dt.date.today",
        "print",
    }


def old_python() -> str | None:
    """A Python 3.9 of this machine, if there is one."""
    known = sorted(Path.home().glob(".pyenv/versions/3.9.*/bin/python3.9"))
    return str(known[-1]) if known else shutil.which("python3.9")


@pytest.mark.skipif(old_python() is None, reason="no Python 3.9 on this machine")
def test_the_core_imports_on_python_3_9() -> None:
    names = [
        ".".join(("airgap", *path.relative_to(LIB).with_suffix("").parts)).removesuffix(".__init__")
        for path in modules()
    ]
    code = f"import sys; sys.path.insert(0, {str(LIB.parent)!r})\n" + "\n".join(f"import {name}" for name in names)
    done = subprocess.run([str(old_python()), "-I", "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
