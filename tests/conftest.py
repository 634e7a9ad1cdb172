"""What every test stands on."""

from __future__ import annotations

import os
from typing import Any

import pytest

# What takes longest comes first, so that all workers are busy to the end (with xdist's --no-loadscope-reorder).
COSTLY = ("e2e", "notebooks", "mutations", "oci", "kube", "resources", "rehearsal", "rehearsal_kubernetes", "run")
LONGEST = ("test_story", "test_variants", "test_resume", "test_faults", "test_interrupts", "test_sealed_site")

# Folders whose files share what takes long to make, and so one worker.
SHARING = ("mutations", "bundle")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole files in order of what they cost, costly ones first; tests of a file stay as they are."""

    def cheap(item: pytest.Item) -> tuple[int, int]:
        folder, name = item.path.parent.name, item.path.stem
        within = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        return COSTLY.index(folder) if folder in COSTLY else len(COSTLY), within

    items.sort(key=cheap)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole files, and folders that share what takes long to make; None leaves it to what was asked for."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Sharing(LoadFileScheduling):  # type: ignore[misc]
        """The files of some folders are one unit of work."""

        def _split_scope(self, nodeid: str) -> str:
            file = str(super()._split_scope(nodeid))
            folder = file.split("/")[1]
            return folder if folder in SHARING else file

    return Sharing(config, log)


def named() -> set[str]:
    """The variables that name an AWS, as they are now."""
    return {name for name in os.environ if name.startswith(("AWS_", "AIRGAP_"))}


BEFORE: dict[str, object] = {"names": named(), "file": None}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """No file leaves variables to the next, whose clients would speak with another AWS than they mean."""
    if BEFORE["file"] != item.path:
        left, last = named() - BEFORE["names"], BEFORE["file"]  # type: ignore[operator]
        BEFORE["file"] = item.path
        assert not left, f"{last} has left {sorted(left)}"
