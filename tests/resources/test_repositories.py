"""Step images on the embedded AWS: repositories made, images copied by digest, drift seen, all of it removed."""

from __future__ import annotations

import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from embedded import AWS, DEMO, ROOT
from standins import keys

from airgap.errors import MovedTag, ParamsError, RegistryFailed
from airgap.model.intent import Images
from airgap.model.mirror import Lock, repository
from airgap.model.plan import IMPOSSIBLE
from airgap.resources.images import IMAGES
from airgap.run.pinned import read_lock

ALL = (keys, *IMAGES)
LOCK = Lock.from_data(read_lock(ROOT, DEMO))
PAUSE = next(one for one in LOCK.entries if one.source.endswith("/pause"))
PLACE = repository(DEMO, PAUSE)
KEY = f"image:{PAUSE.reference}"


def fault(aws: AWS, operation: str, error: str, **more: Any) -> None:
    """Let the embedded AWS answer an operation wrongly."""
    body = json.dumps({"operation": operation, "error": error, **more}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{aws.url}/rehearsal/faults", data=body, method="POST")):
        pass


def tags(aws: AWS, name: str) -> dict[str, str]:
    """The digests of a repository by their tags, signatures left out."""
    found = aws.client("ecr").describe_images(repositoryName=name)["imageDetails"]
    named = {tag: one["imageDigest"] for one in found for tag in one.get("imageTags", [])}
    return {tag: digest for tag, digest in named.items() if not tag.startswith("sha256-")}


def test_repositories_and_images_come_stay_and_go(aws: AWS) -> None:
    ecr = aws.client("ecr")
    for _ in range(2):
        aws.apply(*ALL)
        aws.memory.lines.clear()
        aws.settled(*ALL)
        assert aws.memory.calls("write") == []
        for entry in LOCK.entries:
            assert tags(aws, repository(DEMO, entry)) == {entry.tag: entry.digest}
        aws.destroy(*ALL)
        assert ecr.describe_repositories()["repositories"] == []


def test_everything_that_refers_to_an_image_comes_with_it_and_its_tag_comes_last(aws: AWS) -> None:
    aws.apply(*ALL)
    details = aws.client("ecr").describe_images(repositoryName=PLACE)["imageDetails"]
    assert {one["imageDigest"] for one in details} > {one.rpartition("@")[2] for one in PAUSE.signatures}
    puts = [data["params"] for event, data in aws.memory.lines if data.get("call") == "oci:PutManifest"]
    mine = [one["reference"] for one in puts if one["repository"] == PLACE]
    assert mine[-1] == PAUSE.tag
    assert len(mine) == len(set(mine))


def test_no_token_is_kept(aws: AWS) -> None:
    token = aws.cloud.registry_token()
    kept = json.dumps([aws.memory.pages, aws.memory.lines])
    assert "authorizationToken" in kept
    assert token not in kept
    assert base64.b64decode(token).decode().partition(":")[2] not in kept


def test_what_is_opened_behind_the_back_is_shown_field_by_field_and_closed(aws: AWS) -> None:
    aws.settled(*ALL)
    ecr = aws.client("ecr")
    ecr.put_image_tag_mutability(repositoryName=PLACE, imageTagMutability="MUTABLE")
    ecr.put_image_scanning_configuration(repositoryName=PLACE, imageScanningConfiguration={"scanOnPush": False})
    ecr.delete_lifecycle_policy(repositoryName=PLACE)
    foreign = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "ecr:*", "Sid": "A"}
    text = json.dumps({"Version": "2012-10-17", "Statement": [foreign]})
    ecr.set_repository_policy(repositoryName=PLACE, policyText=text)
    ecr.put_registry_scanning_configuration(scanType="BASIC", rules=[])
    changes = aws.plan(*ALL).changes
    assert set(changes) == {f"repository:{PLACE}", "registry-scanning:account"}
    assert set(changes[f"repository:{PLACE}"]) == {"mutability", "scan_on_push", "lifecycle", "policy"}
    assert {one.risk for one in aws.plan(*ALL).plan.changes} == {"opens", "blinds", "none"}
    aws.settled(*ALL)


def test_an_image_that_is_gone_is_copied_again(aws: AWS) -> None:
    aws.settled(*ALL)
    aws.client("ecr").batch_delete_image(repositoryName=PLACE, imageIds=[{"imageTag": PAUSE.tag}])
    assert set(aws.plan(*ALL).changes) == {KEY}
    aws.settled(*ALL)
    assert tags(aws, PLACE) == {PAUSE.tag: PAUSE.digest}


def test_a_tag_that_names_another_image_is_no_change_that_anybody_can_make(aws: AWS) -> None:
    aws.apply(*ALL)
    ecr = aws.client("ecr")
    ecr.put_image_tag_mutability(repositoryName=PLACE, imageTagMutability="MUTABLE")
    other = next(one for one in ecr.describe_images(repositoryName=PLACE)["imageDetails"] if "imageTags" not in one)
    manifest = ecr.batch_get_image(repositoryName=PLACE, imageIds=[{"imageDigest": other["imageDigest"]}])["images"][0]
    ecr.put_image(
        repositoryName=PLACE,
        imageManifest=manifest["imageManifest"],
        imageManifestMediaType=manifest["imageManifestMediaType"],
        imageTag=PAUSE.tag,
    )
    found = [one for one in aws.plan(*ALL).plan.changes if one.resource == KEY]
    assert [(one.field, one.before, one.after, one.risk) for one in found] == [
        ("digest", other["imageDigest"], PAUSE.digest, IMPOSSIBLE)
    ]


def test_a_source_that_moved_its_tag_is_refused_and_nothing_of_it_is_published(aws: AWS) -> None:
    fault(aws, "oci:BatchGetImage", "MovedTag", resource="*pause*")
    with pytest.raises(MovedTag, match=r"registry\.k8s\.io/pause:3\.10 was locked as sha256:"):
        aws.apply(*ALL)
    assert tags(aws, PLACE) == {}
    urllib.request.urlopen(urllib.request.Request(f"{aws.url}/rehearsal/faults", method="DELETE")).close()
    aws.settled(*ALL)


def test_a_caller_who_may_not_push_is_told_so(aws: AWS) -> None:
    fault(aws, "ecr:PutImage", "AccessDenied")
    with pytest.raises(
        RegistryFailed, match="refused PutManifest of fintech/.*not authorized to perform: ecr:PutImage"
    ):
        aws.apply(*ALL)


def test_scanning_is_the_accounts_and_set_where_the_account_is_ours_alone(aws: AWS) -> None:
    aws.apply(*ALL)
    aws.destroy(*ALL)
    found = aws.client("ecr").get_registry_scanning_configuration()["scanningConfiguration"]
    assert [one["scanFrequency"] for one in found["rules"]] == ["SCAN_ON_PUSH"]
    aws.change(exclusive_account=False)
    assert "registry-scanning" not in {one.kind for one in aws.desired(*IMAGES)}


def test_without_a_lock_the_command_that_makes_one_is_named(aws: AWS, tmp_path: Path) -> None:
    aws.systems.root = tmp_path
    with pytest.raises(ParamsError, match=r"demo\.images\.json does not exist: no image is locked"):
        aws.desired(*IMAGES)
    aws.change(images=Images())
    assert [one.kind for one in aws.desired(*IMAGES)] == ["registry-scanning"]
