"""botocore's models of services, parsed once a process: each session's own loader would parse them anew."""

from __future__ import annotations

from functools import cache
from typing import Any


def session(region: str) -> Any:
    """Return a new session of the caller in a Region, which shares with others the models that those have parsed."""
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    made = boto3.session.Session(region_name=region, botocore_session=core)
    # Only now: boto3 adds a folder of its own, which holds no service model, to the loader that it finds.
    core.register_component("data_loader", _loader(core.get_config_variable("data_path")))
    return made


@cache
def _loader(places: str | None) -> Any:
    """The loader of the folders in AWS_DATA_PATH and of botocore's own."""
    from botocore.loaders import create_loader

    return create_loader(places)
