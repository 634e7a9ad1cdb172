"""ECR's registry protocol, and that its API lists the very same images."""

from __future__ import annotations

import json
import time

import pytest
from emulated import refused
from wire import INDEX, MANIFEST, Bare, basic, refusal, sha

from airgap.rehearsal.registry import Pulled, Refused, pull
from airgap.rehearsal.registry import private as private_registry

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NODE = "arn:aws:iam::123456789012:role/node"


@pytest.fixture
def ecr(aws):
    client = aws.client("ecr")
    client.create_repository(repositoryName="app/web", imageScanningConfiguration={"scanOnPush": True})
    client.create_repository(repositoryName="app/fixed", imageTagMutability="IMMUTABLE")
    return client


@pytest.fixture
def bare(aws, ecr, tmp_path):
    client = Bare(aws, tmp_path).login(ecr)
    yield client
    client.pool.clear()


def test_a_request_without_a_good_token_is_challenged(bare, ecr):
    assert bare.ask("GET", "/v2/").status == 200
    for wrong in ("", "Bearer x", "Basic !", basic("AWS", "guess"), basic("root", "guess")):
        answer = bare.ask("GET", "/v2/", Authorization=wrong)
        assert refusal(answer) == (401, "UNAUTHORIZED")
        assert answer.headers["Www-Authenticate"].startswith(f'Basic realm="https://{HOST}/"')


def test_a_token_lives_for_twelve_hours(bare, ecr, monkeypatch):
    expires = ecr.get_authorization_token()["authorizationData"][0]["expiresAt"].timestamp()
    assert expires == pytest.approx(time.time() + 12 * 3600, abs=60)
    monkeypatch.setattr(private_registry.time, "time", lambda: expires + 60)
    answer = bare.ask("GET", "/v2/app/web/tags/list")
    assert refusal(answer) == (403, "DENIED")
    assert b"has expired" in answer.data


def test_what_is_pushed_is_what_the_api_lists(bare, ecr):
    digest = bare.push_image("app/web", "1.0", b"x" * 1000)
    held = ecr.describe_images(repositoryName="app/web")["imageDetails"][0]
    assert (held["imageDigest"], held["imageTags"], held["imageStatus"]) == (digest, ["1.0"], "ACTIVE")
    assert held["imageSizeInBytes"] == 1000 + len('{"architecture":"amd64","os":"linux"}')
    assert held["imageScanStatus"]["status"] == "COMPLETE"
    image = ecr.batch_get_image(repositoryName="app/web", imageIds=[{"imageTag": "1.0"}])["images"][0]
    assert sha(image["imageManifest"].encode()) == digest
    assert ecr.list_images(repositoryName="app/web")["imageIds"] == [{"imageDigest": digest, "imageTag": "1.0"}]
    answer = bare.ask("GET", f"/v2/app/web/manifests/{digest}")
    assert (answer.data.decode(), answer.headers["Content-Type"]) == (image["imageManifest"], MANIFEST)
    head = bare.ask("HEAD", "/v2/app/web/manifests/1.0")
    assert (head.status, head.headers["Docker-Content-Digest"], head.data) == (200, digest, b"")


def test_what_the_api_pushes_can_be_pulled(bare, ecr):
    upload = ecr.initiate_layer_upload(repositoryName="app/web")["uploadId"]
    ecr.upload_layer_part(
        repositoryName="app/web", uploadId=upload, partFirstByte=0, partLastByte=3, layerPartBlob=b"data"
    )
    refused("InvalidLayerException", ecr.complete_layer_upload, repositoryName="app/web", uploadId=upload, layerDigests=[sha(b"d")])  # fmt: skip  # noqa: E501
    digest = ecr.complete_layer_upload(repositoryName="app/web", uploadId=upload, layerDigests=[sha(b"data")])["layerDigest"]  # fmt: skip  # noqa: E501
    body = json.dumps(
        {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": digest, "size": 4}, "layers": []}
    )
    put = {"repositoryName": "app/web", "imageManifest": body, "imageTag": "api"}
    assert ecr.put_image(**put)["image"]["imageId"] == {"imageDigest": sha(body.encode()), "imageTag": "api"}
    refused("ImageAlreadyExistsException", ecr.put_image, **put)
    refused("ImageDigestDoesNotMatchException", ecr.put_image, **{**put, "imageTag": "b", "imageDigest": sha(b"b")})
    other = body.replace(digest, sha(b"other"))
    refused("LayersNotFoundException", ecr.put_image, **{**put, "imageManifest": other})
    assert bare.fetch("app/web", digest).data == b"data"
    url = ecr.get_download_url_for_layer(repositoryName="app/web", layerDigest=digest)["downloadUrl"]
    assert bare.pool.request("GET", url).data == b"data"
    refused(
        "LayerInaccessibleException", ecr.get_download_url_for_layer, repositoryName="app/web", layerDigest=sha(b"q")
    )


def test_layers_come_from_a_signed_address_in_ranges(bare):
    digest = bare.push_blob("app/web", bytes(range(100)))
    assert bare.fetch("app/web", digest).data == bytes(range(100))
    part = bare.fetch("app/web", digest, Range="bytes=90-")
    assert (part.status, part.data, part.headers["Content-Range"]) == (206, bytes(range(90, 100)), "bytes 90-99/100")
    assert bare.fetch("app/web", digest, Range="bytes=3-5").data == bytes([3, 4, 5])
    assert bare.fetch("app/web", digest, Range="bytes=100-").status == 416
    where = bare.ask("GET", f"/v2/app/web/blobs/{digest}").headers["Location"]
    assert bare.ask("GET", where).status == 400  # with credentials beside the signature
    assert bare.pool.request("GET", where[:-1] + ("0" if where[-1] != "0" else "1")).status == 403
    head = bare.ask("HEAD", f"/v2/app/web/blobs/{digest}")
    assert (head.status, head.headers["Content-Length"]) == (200, "100")
    assert bare.ask("HEAD", f"/v2/app/fixed/blobs/{digest}").status == 404


def test_an_upload_goes_on_where_it_stopped(bare):
    begun = bare.ask("POST", "/v2/app/web/blobs/uploads/").headers["Location"]
    assert bare.ask("PATCH", begun, b"abc", Content_Range="0-2").headers["Range"] == "0-2"
    wrong = bare.ask("PATCH", begun, b"xyz", Content_Range="5-7")
    assert (wrong.status, wrong.headers["Range"]) == (416, "0-2")
    status = bare.ask("GET", begun)
    assert (status.status, status.headers["Range"]) == (204, "0-2")
    bare.ask("PATCH", begun, iter([b"d", b"ef"]), Content_Range="3-5")
    assert bare.ask("PUT", f"{begun}?digest={sha(b'abcdef')}").status == 201
    assert bare.fetch("app/web", sha(b"abcdef")).data == b"abcdef"
    assert refusal(bare.ask("GET", begun)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_of_other_bytes_is_refused_and_gone(bare):
    begun = bare.ask("POST", "/v2/app/web/blobs/uploads/").headers["Location"]
    assert refusal(bare.ask("PUT", f"{begun}?digest={sha(b'said')}", b"sent")) == (400, "DIGEST_INVALID")
    assert refusal(bare.ask("PATCH", begun, b"more")) == (404, "BLOB_UPLOAD_UNKNOWN")
    other = bare.ask("POST", "/v2/app/web/blobs/uploads/").headers["Location"]
    assert bare.ask("DELETE", other).status == 204
    assert refusal(bare.ask("GET", other)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_pushing_makes_no_repository(bare):
    assert refusal(bare.ask("POST", "/v2/app/none/blobs/uploads/")) == (404, "NAME_UNKNOWN")
    assert refusal(bare.ask("GET", "/v2/app/none/tags/list")) == (404, "NAME_UNKNOWN")
    assert refusal(bare.ask("GET", "/v2/app/web/manifests/none")) == (404, "MANIFEST_UNKNOWN")


def test_an_immutable_tag_stays_even_for_the_same_digest(bare, ecr):
    digest = bare.push_image("app/fixed", "1.0")
    body = bare.ask("GET", "/v2/app/fixed/manifests/1.0").data
    assert refusal(bare.put("app/fixed", "1.0", body, MANIFEST)) == (400, "TAG_INVALID")
    assert bare.put("app/fixed", digest, body, MANIFEST).status == 201
    assert bare.put("app/fixed", "1.0.1", body, MANIFEST).status == 201
    assert ecr.describe_images(repositoryName="app/fixed")["imageDetails"][0]["imageTags"] == ["1.0", "1.0.1"]


def test_what_an_index_names_stays_and_an_image_goes_with_its_last_tag(bare, ecr):
    index = index_of(bare, "app/web", "1.0", "linux/amd64")
    child = next(
        one["imageDigest"] for one in ecr.list_images(repositoryName="app/web")["imageIds"] if "imageTag" not in one
    )

    def delete(**image):
        answer = ecr.batch_delete_image(repositoryName="app/web", imageIds=[image])
        return [one["failureCode"] for one in answer["failures"]] or answer["imageIds"]

    assert delete(imageDigest=child) == ["ImageReferencedByManifestList"]
    assert delete(imageTag="none") == ["ImageNotFound"]
    body = bare.ask("GET", "/v2/app/web/manifests/1.0").data
    bare.put("app/web", "1.1", body, INDEX)
    assert delete(imageTag="1.0") == [{"imageDigest": index, "imageTag": "1.0"}]
    assert bare.ask("HEAD", f"/v2/app/web/manifests/{index}").status == 200
    assert delete(imageTag="1.1") == [{"imageDigest": index, "imageTag": "1.1"}]
    assert delete(imageDigest=child) == [{"imageDigest": child}]
    assert ecr.list_images(repositoryName="app/web")["imageIds"] == []
    refused("RepositoryNotFoundException", ecr.batch_delete_image, repositoryName="none", imageIds=[{"imageTag": "1"}])


def test_a_scan_finds_nothing_of_itself(bare, ecr):
    bare.push_image("app/web", "1.0")
    found = ecr.describe_image_scan_findings(repositoryName="app/web", imageId={"imageTag": "1.0"})
    assert found["imageScanFindings"]["findings"] == []
    assert found["imageScanFindings"]["findingSeverityCounts"] == {}


def test_a_mutable_tag_moves(bare, ecr):
    first = bare.push_image("app/web", "latest", b"one")
    second = bare.push_image("app/web", "latest", b"two")
    listed = ecr.list_images(repositoryName="app/web")["imageIds"]
    assert listed == [{"imageDigest": first}, {"imageDigest": second, "imageTag": "latest"}]


def test_a_manifest_needs_what_it_names(bare):
    lacking = {"schemaVersion": 2, "mediaType": MANIFEST, "config": {"digest": sha(b"none")}, "layers": []}
    assert refusal(bare.put("app/web", "x", json.dumps(lacking).encode(), MANIFEST)) == (400, "MANIFEST_BLOB_UNKNOWN")
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [{"digest": sha(b"none")}]}
    assert refusal(bare.put("app/web", "x", json.dumps(index).encode(), INDEX)) == (400, "MANIFEST_BLOB_UNKNOWN")
    assert refusal(bare.put("app/web", "x", b"{", MANIFEST)) == (400, "MANIFEST_INVALID")
    assert refusal(bare.put("app/web", "x", b"[]", MANIFEST)) == (400, "MANIFEST_INVALID")
    assert refusal(bare.put("app/web", sha(b"other"), json.dumps(index).encode(), INDEX)) == (400, "DIGEST_INVALID")
    assert refusal(bare.put("app/web", "x", json.dumps(index).encode(), MANIFEST)) == (400, "MANIFEST_INVALID")


def test_referrers_are_found_by_their_subject(bare, ecr):
    digest = bare.push_image("app/web", "1.0")
    subject = {"mediaType": MANIFEST, "digest": digest, "size": 1}
    signature = bare.push_image("app/web", "", b"signed", subject=subject, artifactType="application/signature")
    bare.push_image("app/web", "", b"sbom", subject=subject, artifactType="application/spdx+json")
    every = json.loads(bare.ask("GET", f"/v2/app/web/referrers/{digest}").data)["manifests"]
    assert [one["artifactType"] for one in every] == ["application/signature", "application/spdx+json"]
    answer = bare.ask("GET", f"/v2/app/web/referrers/{digest}?artifactType=application/signature")
    assert [one["digest"] for one in json.loads(answer.data)["manifests"]] == [signature]
    assert answer.headers["OCI-Filters-Applied"] == "artifactType"
    assert json.loads(bare.ask("GET", f"/v2/app/web/referrers/{sha(b'')}").data)["manifests"] == []
    listed = ecr.list_image_referrers(repositoryName="app/web", subjectId={"imageDigest": digest})["referrers"]
    assert [one["digest"] for one in listed] == [one["digest"] for one in every]
    details = ecr.describe_images(repositoryName="app/web", imageIds=[{"imageDigest": signature}])["imageDetails"][0]
    assert (details["subjectManifestDigest"], details["artifactMediaType"]) == (digest, "application/signature")


def test_layers_are_mounted_where_the_account_shares_them(bare, ecr):
    digest = bare.push_blob("app/web", b"shared")
    path = f"/v2/app/fixed/blobs/uploads/?mount={digest}&from=app/web"
    assert bare.ask("POST", path).status == 202
    ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    assert bare.ask("POST", path).status == 201
    assert bare.ask("HEAD", f"/v2/app/fixed/blobs/{digest}").status == 200
    assert bare.ask("POST", path.replace("app/web", "none")).status == 202
    assert bare.ask("POST", path.replace(digest, sha(b"none"))).status == 202


def test_tags_come_in_pages(bare):
    for tag in ("a", "b", "c"):
        bare.push_image("app/web", tag)
    first = bare.ask("GET", "/v2/app/web/tags/list?n=2")
    assert json.loads(first.data)["tags"] == ["a", "b"]
    following = first.headers["Link"].partition(">")[0][1:]
    assert json.loads(bare.ask("GET", following).data)["tags"] == ["c"]


def role(aws, name, *actions, effect="Allow", resource="*"):
    iam = aws.client("iam")
    trust = {
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    statement = {"Effect": effect, "Action": list(actions), "Resource": resource}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document)


ACTIONS = "GetAuthorizationToken BatchCheckLayerAvailability BatchGetImage GetDownloadUrlForLayer"
PULL = tuple(f"ecr:{action}" for action in ACTIONS.split())


def test_a_token_gives_the_rights_of_who_asked_for_it(aws, bare, ecr, tmp_path):
    import boto3

    digest = bare.push_image("app/web", "1.0")
    role(aws, "reader", *PULL)
    keys = aws.client("sts").assume_role(RoleArn=NODE.replace("node", "reader"), RoleSessionName="sue")["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    reader = Bare(aws, tmp_path).login(session.client("ecr", endpoint_url=aws.url))
    assert reader.ask("GET", f"/v2/app/web/manifests/{digest}").status == 200
    answer = reader.ask("POST", "/v2/app/web/blobs/uploads/")
    assert refusal(answer) == (403, "DENIED")
    assert b"assumed-role/reader/sue is not authorized to perform: ecr:InitiateLayerUpload" in answer.data
    reader.pool.clear()


def test_the_journal_names_the_operations(bare, aws):
    aws.control("DELETE", "/calls")
    bare.push_image("app/web", "1.0")
    bare.ask("GET", "/v2/app/none/tags/list")
    calls = [(call["operation"], call["status"], call["write"]) for call in aws.control("GET", "/calls")]
    assert calls == [
        *2 * [("ecr:InitiateLayerUpload", 200, True), ("ecr:CompleteLayerUpload", 200, True)],
        ("ecr:PutImage", 200, True),
        ("ecr:ListImages", 404, False),
    ]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"error": "AccessDenied"}, (403, "DENIED")),
        ({"error": "ExpiredToken"}, (403, "DENIED")),
        ({"error": "Throttling"}, (429, "TOOMANYREQUESTS")),
        ({"error": "InternalError"}, (503, "UNAVAILABLE")),
        ({"error": "Refused", "code": "MANIFEST_UNKNOWN", "message": "gone"}, (404, "MANIFEST_UNKNOWN")),
    ],
)
def test_a_fault_strikes_the_image_that_it_names(bare, aws, fault, expected):
    bare.push_image("app/web", "1.0")
    bare.push_image("app/fixed", "1.0")
    aws.control("POST", "/faults", {"operation": "ecr:BatchGetImage", "resource": "*/app/web", **fault})
    assert bare.ask("GET", "/v2/app/fixed/manifests/1.0").status == 200
    assert refusal(bare.ask("GET", "/v2/app/web/manifests/1.0")) == expected
    assert bare.ask("GET", "/v2/app/web/manifests/1.0").status == 200


def test_rules_that_fetch_from_elsewhere_are_kept(ecr):
    rule = {"ecrRepositoryPrefix": "hub", "upstreamRegistryUrl": "registry-1.docker.io"}
    ecr.create_pull_through_cache_rule(**rule)
    refused("PullThroughCacheRuleAlreadyExistsException", ecr.create_pull_through_cache_rule, **rule)
    assert ecr.describe_pull_through_cache_rules()["pullThroughCacheRules"][0]["ecrRepositoryPrefix"] == "hub"
    ecr.delete_pull_through_cache_rule(ecrRepositoryPrefix="hub")
    refused("PullThroughCacheRuleNotFoundException", ecr.delete_pull_through_cache_rule, ecrRepositoryPrefix="hub")
    ecr.create_repository_creation_template(prefix="hub", appliedFor=["CREATE_ON_PUSH"])
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"][0]["prefix"] == "hub"
    ecr.delete_repository_creation_template(prefix="hub")
    assert ecr.describe_repository_creation_templates()["repositoryCreationTemplates"] == []
    refused("SigningConfigurationNotFoundException", ecr.get_signing_configuration)


def index_of(bare, repository, tag, *platforms):
    entries = []
    for platform in platforms:
        digest = bare.push_image(repository, "", platform.encode())
        system, architecture = platform.split("/")
        size = len(bare.ask("GET", f"/v2/{repository}/manifests/{digest}").data)
        named = {"os": system, "architecture": architecture}
        entries.append({"mediaType": MANIFEST, "digest": digest, "size": size, "platform": named})
    body = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}).encode()
    assert bare.put(repository, tag, body, INDEX).status == 201
    return sha(body)


def test_a_node_pulls_what_is_there_and_may_be_had(aws, bare, ecr):
    role(aws, "node", *PULL)
    digest = index_of(bare, "app/web", "1.0", "linux/amd64")
    by_digest = f"{HOST}/app/web@{digest}"
    assert pull(by_digest, NODE) == Pulled(digest, by_digest)
    assert pull(f"{HOST}/app/web:1.0", NODE) == Pulled(digest, by_digest)
    assert "no match for platform" in pull(by_digest, NODE, "linux/arm64").message
    assert "not found" in pull(f"{HOST}/app/web:2.0", NODE).message
    assert "does not exist" in pull(f"{HOST}/app/none:2.0", NODE).message
    assert "no such host" in pull("registry.k8s.io/pause:3.10", NODE).message
    assert pull("Not An Image", NODE).reason == "InvalidImageName"
    role(aws, "other", "ecr:GetAuthorizationToken")
    denied = pull(by_digest, NODE.replace("node", "other"))
    assert isinstance(denied, Refused)
    assert "BatchGetImage" in denied.message
    assert "no basic auth" in pull(by_digest, NODE.replace("node", "none")).message


def test_another_account_needs_both_policies(aws, bare, ecr):
    digest = index_of(bare, "app/web", "1.0", "linux/amd64")
    theirs = "arn:aws:iam::210987654321:role/platform-engineer"
    image = f"{HOST}/app/web@{digest}"
    assert isinstance(pull(image, theirs), Refused)
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::210987654321:root"}, "Action": list(PULL[1:])}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": "Share", **statement}]})
    ecr.set_repository_policy(repositoryName="app/web", policyText=policy)
    assert pull(image, theirs) == Pulled(digest, image)
