"""What every test stands on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

# What takes longest comes first, so that all workers are busy to the end (with xdist's --no-loadscope-reorder).
COSTLY = ("e2e", "notebooks", "mutations", "oci", "kube", "resources", "rehearsal", "rehearsal_kubernetes", "run")
LONGEST = ("test_story", "test_variants", "test_resume", "test_faults", "test_interrupts", "test_sealed_site")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put whole files in order of what they cost, costly ones first; tests of a file stay as they are."""

    def cheap(item: pytest.Item) -> tuple[int, int]:
        folder, name = item.path.parent.name, item.path.stem
        within = LONGEST.index(name) if name in LONGEST else len(LONGEST)
        return COSTLY.index(folder) if folder in COSTLY else len(COSTLY), within

    items.sort(key=cheap)


@pytest.fixture(scope="session", autouse=True)
def models_are_parsed_once() -> Iterator[None]:
    """Let all sessions of a test process share botocore's parsed service models, a fifth of what a step costs.

    A loader shares them among its own clients in just this way; a test process makes one session a step.
    """
    from botocore.loaders import JSONFileLoader

    with pytest.MonkeyPatch.context() as patch:
        parse = JSONFileLoader().load_file
        patch.setattr(JSONFileLoader, "load_file", staticmethod(cache(parse)))
        yield
