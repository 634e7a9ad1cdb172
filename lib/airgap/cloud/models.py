"""botocore's models of services, parsed once a process: each session's own loader would parse them anew."""

from __future__ import annotations

import os
from functools import cache
from typing import Any


def session(region: str) -> Any:
    """Return a new session of the caller in a Region, which shares with others the models that those have parsed."""
    import boto3
    import botocore.session

    core = botocore.session.get_session()
    made = boto3.session.Session(region_name=region, botocore_session=core)
    # Only now: boto3 adds a folder of its own, which holds no service model, to the loader that it finds.
    core.register_component("data_loader", _loader(core.get_config_variable("data_path") or None))
    return made


def parse(*services: str) -> None:
    """Parse the models of services now, for the sessions of this process and of those that are forked from it."""
    loader = _loader(os.environ.get("AWS_DATA_PATH"))
    for name in ("partitions", "sdk-default-configuration", "endpoints"):
        loader.load_data(name)
    for service in services:
        for part in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, part)


@cache
def _loader(places: str | None) -> Any:
    """The loader of the folders in AWS_DATA_PATH and of botocore's own."""
    from botocore.loaders import create_loader

    return create_loader(places)
