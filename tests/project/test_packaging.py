"""One truth: pyproject.toml; environment.yml and the lock agree with it, and git swallows nothing."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def name_of(requirement: str) -> str:
    """The normalised name of a requirement (PEP 503), without extras and bounds."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=~! ]", requirement, maxsplit=1)[0]).lower()


def locked() -> dict[str, str]:
    """Name -> version of every pin in the lock."""
    text = (ROOT / "requirements.lock").read_text()
    return {name_of(name): version for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", text, re.MULTILINE)}


def version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def test_the_conda_view_repeats_what_pyproject_says() -> None:
    extras = PROJECT["optional-dependencies"]
    expected = {*PROJECT["dependencies"], *extras["rehearsal"], *extras["test"]}
    dependencies = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(one["pip"] for one in dependencies if isinstance(one, dict))
    assert set(pip) == expected
    assert f"python{PROJECT['requires-python']}" in dependencies


def test_the_lock_satisfies_every_bound_and_has_hashes() -> None:
    pins = locked()
    wanted = [*PROJECT["dependencies"], *(one for group in PROJECT["optional-dependencies"].values() for one in group)]
    for requirement in wanted:
        name = name_of(requirement)
        assert name in pins, f"{name} is not locked: make lock"
        for operator, bound in re.findall(r"(>=|==)([\d.]+)", requirement):
            assert version(pins[name]) >= version(bound), f"{name} {pins[name]} does not satisfy {operator}{bound}"
            assert operator == ">=" or pins[name] == bound
    text = (ROOT / "requirements.lock").read_text()
    blocks = re.split(r"^(?=[A-Za-z0-9_.-]+==)", text, flags=re.MULTILINE)[1:]
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_locks_name_no_host() -> None:
    for lock in ("requirements.lock", "bootstrap.lock"):
        assert "://" not in (ROOT / lock).read_text()


def test_git_ignores_neither_the_library_nor_the_golden_report() -> None:
    paths = [
        "lib/airgap/cli/__init__.py",
        "lib/airgap/model/plan.py",
        "reports/example/index.html",
        "reports/README.md",
    ]
    done = subprocess.run(["git", "check-ignore", *paths], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout == ""
    ignored = subprocess.run(["git", "check-ignore", "reports/demo/x"], cwd=ROOT, capture_output=True, text=True)
    assert ignored.stdout.strip() == "reports/demo/x"


def test_the_library_is_importable_by_being_installed() -> None:
    import airgap

    assert Path(airgap.__file__).resolve().is_relative_to(ROOT / "lib")
    sources = [path.read_text() for path in (ROOT / "lib").rglob("*.py")]
    assert not [text for text in sources if re.search(r"sys\.path\.(insert|append)|PYTHONPATH", text)]
