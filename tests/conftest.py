"""What every test stands on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest


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
