"""Images and charts mirrored into a registry: whole, by digest, with all that refers to them, and never twice."""

from __future__ import annotations

import json

import pytest
from site_of_tests import BUSYBOX, HOST, PAUSE, PLATFORMS

from airgap.errors import RegistryFailed, TagTaken
from airgap.model.mirror import CHART, Lock
from airgap.oci import ways
from airgap.oci.content import digest_of
from airgap.oci.lockfile import attached, signed
from airgap.oci.mirror import raised
from airgap.oci.network import Network, Route
from airgap.oci.planning import COPY, DONE, TAKEN
from airgap.rehearsal.faults import FAULTS
from airgap.rehearsal.registry import public, samples


def copied(lock, mirror):
    outcomes = mirror.copy(lock)
    raised(outcomes)
    return [outcome.tally for outcome in outcomes]


def signature_of(entry):
    return next(one for one in attached(entry) if one.tag.endswith(".sig"))


def test_an_image_comes_with_platforms_signatures_and_referrers(site):
    lock = site.locked(PAUSE)
    [entry] = lock.entries
    assert (entry.reference, entry.platforms, signed(entry)) == (PAUSE, PLATFORMS, True)
    copied(lock, site.mirror)
    signature = signature_of(entry)
    assert site.tags(entry) == {"3.10": entry.digest, signature.tag: signature.digest}
    held = site.images(entry)
    assert len(held) == 6  # an index, two platforms, a signature, an SBOM, an attestation
    about = {one["artifactMediaType"] for one in held if one.get("subjectManifestDigest") == entry.digest}
    assert about == {"application/spdx+json", "application/vnd.in-toto+json"}


def test_a_second_run_looks_and_writes_nothing(site):
    lock = site.locked(PAUSE, BUSYBOX)
    first = copied(lock, site.mirror)
    assert [tally.copied for tally in first] == [9, 9]
    site.events.clear()
    assert [tally.copied for tally in copied(lock, site.another())] == [0, 0]
    assert site.calls() == []
    assert site.calls("read") == ["oci:HeadManifest"] * 8  # a tag, a signature's tag and two referrers of each


def test_the_tag_comes_last(site):
    copied(site.locked(PAUSE), site.mirror)
    puts = [data["params"]["reference"] for event, data in site.events if data.get("call") == "oci:PutManifest"]
    assert puts[-1] == "3.10"
    assert puts.index(site.resolve(PAUSE).entries[0].digest) == 2  # after both platforms


def test_the_plan_says_what_would_be_copied_and_why(site):
    lock = site.locked(PAUSE)
    [entry] = lock.entries
    target = f"{HOST}/mirror/registry.k8s.io/pause:3.10"
    [row] = site.mirror.plan(lock)
    assert (row.action, row.target, row.size, row.signed) == (COPY, target, entry.size, True)
    assert row.why == "the mirror does not have it"
    copied(lock, site.mirror)
    site.events.clear()
    [row] = site.mirror.plan(lock)
    assert (row.action, row.size) == (DONE, 0)
    assert site.calls() == []
    name = site.repository(entry)
    signature = signature_of(entry)
    site.ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": signature.tag}])
    [row] = site.mirror.plan(lock)
    assert (row.action, row.why[:9]) == (COPY, "1 of 3 si")
    repository = site.mirror.target(entry)
    repository.put(repository.manifest("3.10"), "kept")
    site.ecr.batch_delete_image(repositoryName=name, imageIds=[{"imageTag": "3.10"}])
    assert site.mirror.plan(lock)[0].why == "the image is there without its tag: a copy was interrupted"
    copied(lock, site.another())
    assert site.tags(entry) == {"3.10": entry.digest, "kept": entry.digest, signature.tag: signature.digest}


def test_an_immutable_tag_of_another_image_is_a_finding(site):
    lock = site.locked(site.publish(b"ours", name="test/taken"))
    copied(lock, site.mirror)
    again = site.resolve(site.publish(b"theirs", name="test/taken"))
    [row] = site.mirror.plan(again)
    assert (row.action, row.size) == (TAKEN, 0)
    before = site.images(lock.entries[0])
    site.events.clear()
    with pytest.raises(TagTaken) as caught:
        copied(again, site.mirror)
    assert caught.value.exit_code == 3
    assert again.entries[0].digest in caught.value.what
    assert lock.entries[0].digest in caught.value.what
    assert (site.calls(), site.images(lock.entries[0])) == ([], before)


def test_blobs_that_another_repository_has_are_mounted_where_the_account_shares_them(site):
    layer = b"shared" * 1000
    lock = site.locked(site.publish(layer, b"a"), site.publish(layer, b"b"))
    site.ecr.put_account_setting(name="BLOB_MOUNTING", value="ENABLED")
    tallies = copied(lock, site.mirror)
    assert sum(tally.mounted for tally in tallies) == 2  # the layer and the config
    assert sum(tally.copied for tally in tallies) == 4
    assert site.tags(lock.entries[1]) == {"1.0": lock.entries[1].digest}


def test_a_registry_that_mounts_nothing_is_asked_once_or_so(site):
    references = [site.publish(b"shared", b"%d" % number) for number in range(8)]
    tallies = copied(site.locked(*references), site.mirror)
    assert sum(tally.copied for tally in tallies) == 24
    assert site.calls().count("oci:MountBlob") <= 8  # no more than run at the same time


def test_a_chart_is_mirrored_like_an_image(site):
    settings = json.dumps({"name": "small", "version": "1.2.3", "apiVersion": "v2"}).encode()
    config = ("application/vnd.cncf.helm.config.v1+json", settings)
    layers = [("application/vnd.cncf.helm.chart.content.v1.tar+gzip", b"chart")]
    item = samples.artifact("", layers, config=config)
    public.publish("ghcr.io", "charts/small", "1.2.3", item.manifest, item.contents)
    lock = site.locked("oci://ghcr.io/charts/small:1.2.3")
    [entry] = lock.entries
    assert (entry.kind, entry.platforms, entry.component) == (CHART, (), "tests")
    assert site.mirror.archive(entry) == b"chart"
    copied(lock, site.another(platforms=PLATFORMS))  # a chart has no platforms to lack
    assert site.tags(entry) == {"1.2.3": item.manifest.digest}


def test_an_image_named_by_digest_alone_gets_a_tag_that_keeps_it(site):
    digest = site.resolve(PAUSE).entries[0].digest
    lock = site.locked(f"registry.k8s.io/pause@{digest}")
    [entry] = lock.entries
    copied(lock, site.mirror)
    assert site.tags(entry)[f"digest-{digest[7:19]}"] == digest


def test_pushing_to_a_repository_that_is_not_there_says_so(site):
    lock = site.resolve(PAUSE)
    with pytest.raises(RegistryFailed) as caught:
        copied(lock, site.mirror)
    assert "NAME_UNKNOWN" in caught.value.what
    assert caught.value.action.startswith("create the repository first")


def test_one_image_that_fails_does_not_stop_the_others(site):
    lock = site.locked(PAUSE, site.publish(b"fails", name="test/fails"))
    site.fault("oci:GetDownloadUrlForLayer", "AccessDenied", resource="quay.io/test/fails", times=None)
    good, bad = sorted(site.mirror.copy(lock), key=lambda one: one.error is not None)
    assert isinstance(bad.error, RegistryFailed)
    assert site.tags(good.entry)["3.10"] == good.entry.digest
    assert site.tags(bad.entry) == {}


def test_the_journal_has_every_call_and_no_credential(site):
    lock = site.locked(PAUSE, BUSYBOX)
    copied(lock, site.mirror)
    text = json.dumps([*site.events, *(page.decode() for page in site.pages)])
    assert site.mirror.session(HOST).sign_in.header("").removeprefix("Basic ") not in text
    for word in ("X-Amz-Signature", "Bearer", "Basic ", "Authorization"):
        assert word not in text, word
    reads = [data for event, data in site.events if event == "read"]
    assert {data["system"] for data in reads} == {"oci"}
    writes = [str(number) for number, (event, _) in enumerate(site.events, 1) if event == "write"]
    assert sorted(data["write"] for event, data in site.events if event == "answer") == sorted(writes)
    pages = {json.loads(page)["digest"] for page in site.pages}
    assert {entry.digest for entry in lock.entries} <= pages


def test_a_token_that_expires_on_the_way_is_renewed(site):
    lock = site.locked(PAUSE)
    for operation in ("PutImage", "InitiateLayerUpload", "CompleteLayerUpload"):
        site.fault(f"ecr:{operation}", "ExpiredToken")
    copied(lock, site.mirror)
    assert site.tags(lock.entries[0])["3.10"] == lock.entries[0].digest
    assert 2 <= site.tokens <= 4


def test_a_token_of_a_public_registry_that_expires_is_renewed(site):
    lock = site.locked(BUSYBOX)
    site.fault("oci:GetDownloadUrlForLayer", "ExpiredToken", times=3)
    site.fault("oci:BatchGetImage", "ExpiredToken")
    copied(lock, site.mirror)
    assert site.tags(lock.entries[0])["1.37.0"] == lock.entries[0].digest
    assert {fault.times for fault in FAULTS._faults} == {0}, "each token did expire"


def test_a_refused_token_is_an_error_after_some_renewals(site):
    lock = site.locked(PAUSE)
    site.fault("ecr:PutImage", "ExpiredToken", times=None)
    with pytest.raises(RegistryFailed, match="expired"):
        copied(lock, site.mirror)
    assert site.tags(lock.entries[0]) == {}


def test_a_rate_limit_is_honoured(site):
    lock = site.locked(PAUSE)
    site.fault("oci:GetDownloadUrlForLayer", "Throttling", times=2)
    copied(lock, site.mirror)
    assert site.slept.count(1.0) == 2  # the Retry-After of the registry


def test_a_platform_that_params_need_must_be_there(site):
    from airgap.errors import MissingPlatform

    only = site.publish(b"amd64 alone")
    assert site.resolve(only).entries[0].platforms == ("linux/amd64",)
    with pytest.raises(MissingPlatform, match="lacks linux/arm64; it has linux/amd64"):
        site.resolve(only, platforms=PLATFORMS)
    lock = site.locked(only)
    outcome = site.another(platforms=PLATFORMS).copy(lock)[0]
    assert isinstance(outcome.error, MissingPlatform)
    assert site.images(lock.entries[0]) == []


def test_nothing_is_outside_the_proxy_and_nothing_inside_goes_through_it(site):
    network = Network(Route("http://127.0.0.1:1"), Route(), lambda host: host == HOST)
    outside, inside = network.pool("registry.k8s.io"), network.pool(HOST)
    assert outside.proxy.port == 1
    assert inside.proxy is None
    assert network.pool("ghcr.io") is outside
    network.close()


def test_the_environment_names_the_proxy_and_the_authorities(site, tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(site.route.ca_pem)
    network = ways.network("aws", HOST, {"HTTPS_PROXY": "http://127.0.0.1:9", "AWS_CA_BUNDLE": str(bundle)})
    assert network.outside.proxy == "http://127.0.0.1:9"
    assert network.inside.ca_pem == site.route.ca_pem
    layers = "prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com"
    others = ("registry.k8s.io", "prod-registry-k8s-io-us-east-1.s3.dualstack.us-east-1.amazonaws.com")
    assert [network.is_inside(host) for host in (HOST, layers, *others)] == [True, True, False, False]


def test_an_unknown_authority_is_refused_at_once(site):
    mirror = site.another()
    mirror.network = Network(Route(site.route.proxy), Route(site.route.proxy))
    with pytest.raises(RegistryFailed, match="certificate verify failed"):
        mirror.resolve({PAUSE: ""})
    assert site.slept == []
    mirror.network.close()


def test_a_redirect_gets_no_credentials(site):
    layer = b"layer"
    lock = site.locked(site.publish(layer))
    copied(lock, site.mirror)
    # S3 refuses credentials beside a signed address, and nobody else should see them.
    assert b"".join(site.mirror.target(lock.entries[0]).read(digest_of(layer))) == layer


def test_nothing_is_sent_without_tls(site):
    repository = site.mirror.target(site.resolve(PAUSE).entries[0])
    with pytest.raises(RegistryFailed, match="which is not https"):
        repository.received(f"http://{HOST}/v2/elsewhere")


def test_an_empty_lock_is_nothing_to_do(site):
    assert site.mirror.copy(Lock(())) == []
    assert site.mirror.plan(Lock(())) == []
