"""An image whose configuration holds a secret does not get in, unless an exception in force says so."""

from __future__ import annotations

import dataclasses
import json

import pytest

from airgap.errors import SecretInImage
from airgap.model.intent import Waiver
from airgap.oci.disclosed import disclosed
from airgap.oci.mirror import raised
from airgap.rehearsal.registry import public, samples
from airgap.run.mirroring import admitted

SECRET = "hunter2-hunter2-hunter2"
PLACES = [
    ({"config": {"Env": ["PATH=/bin", f"DB_PASSWORD={SECRET}"]}}, "variable DB_PASSWORD: password"),
    ({"config": {"Labels": {"build.password": SECRET}}}, "label build.password: password"),
    ({"config": {"Cmd": ["serve", f"postgres://app:{SECRET}@db/app"]}}, "cmd: basic-auth-url"),
    ({"config": {"Entrypoint": ["sh", "-c", f"export API_PASSWORD='{SECRET}'"]}}, "entrypoint: password"),
    ({"history": [{"created_by": "COPY . ."}, {"created_by": f"ARG DB_PASSWORD={SECRET}"}]}, "step 2 of its history"),
    ({"history": [{"created_by": "RUN x", "comment": f"password: '{SECRET}'"}]}, "step 1 of its history: password"),
    ({"container_config": {"Env": ["AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE"]}}, "AWS_ACCESS_KEY_ID: access-key-id"),
]


def published(site, config: dict[str, object], name: str) -> str:
    typed = [("application/vnd.oci.image.layer.v1.tar", b"layer")]
    body = json.dumps({"os": "linux", "architecture": "amd64", **config}).encode()
    item = samples.artifact("", typed, config=("application/vnd.oci.image.config.v1+json", body))
    public.publish("quay.io", name, "1.0", item.manifest, item.contents)
    return f"quay.io/{name}:1.0"


@pytest.mark.parametrize(("config", "place"), PLACES)
def test_each_place_is_read_and_no_value_is_told(config, place):
    found = list(disclosed(config))
    assert any(place in one for one in found), found
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "config",
    [
        {"config": {"Env": ["PATH=/usr/bin", "GPG_KEY=7169605F62C751356D054A26A821E680E5FA6305"]}},
        {"config": {"Env": ["PASSWORD_FILE=/run/secrets/password", "PGPASSWORD="], "Labels": None, "Cmd": None}},
        {"config": {"Labels": {"org.opencontainers.image.revision": "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567"}}},
        {
            "history": [
                {"created_by": "COPY dir:0a1b2c3d4e5f60718293a4b5c6d7e8f901234567 in /", "empty_layer": True},
                {},
            ]
        },
        {},
    ],
)
def test_digests_keys_that_verify_and_names_of_files_are_no_secrets(config):
    assert list(disclosed(config)) == []


def test_nothing_of_such_an_image_gets_in(site):
    lock = site.locked(published(site, PLACES[0][0], "test/leaky"))
    with pytest.raises(SecretInImage, match="variable DB_PASSWORD: password") as caught:
        raised(site.mirror.copy(lock))
    assert caught.value.exit_code == 3
    assert caught.value.unchanged == "nothing of it was copied"
    assert "exception of KEY-02 for image:quay.io/test/leaky" in caught.value.action
    assert SECRET not in caught.value.diagnostics() + str(site.events)
    assert site.images(lock.entries[0]) == []


def test_an_exception_in_force_lets_it_in(site):
    lock = site.locked(published(site, PLACES[0][0], "test/excepted"))
    raised(site.another(admitted=frozenset({"image:quay.io/test/excepted"})).copy(lock))
    assert site.tags(lock.entries[0]) == {"1.0": lock.entries[0].digest}


@pytest.mark.parametrize(("today", "lets"), [("2025-12-31", False), ("2026-06-01", True), ("2027-01-01", False)])
def test_only_an_exception_of_that_property_and_that_day_counts(today: str, lets: bool) -> None:
    waiver = Waiver("KEY-02", "image:quay.io/x", "o", "a", "why", "what", "T-1", "2026-01-01", "2026-12-31")
    other = dataclasses.replace(waiver, property="NET-14", resource="image:quay.io/y")

    class Meant:
        exceptions = (waiver, other)

    found = admitted(Meant(), today)  # type: ignore[arg-type]
    assert found == (frozenset({"image:quay.io/x"}) if lets else frozenset())
