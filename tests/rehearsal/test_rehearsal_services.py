"""Catalogues, settings and small services."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from emulated import refused


def test_quotas_have_the_values_that_are_enforced(aws):
    quotas = aws.client("service-quotas")
    values = {x["QuotaCode"]: x["Value"] for x in quotas.list_service_quotas(ServiceCode="vpc")["Quotas"]}
    assert (values["L-29B6F2EB"], values["L-0EA8095F"], values["L-2AEEBF1A"], values["L-F678F1CE"]) == (50, 60, 20, 5)
    vcpus = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
    assert vcpus["Value"] >= 64
    refused("NoSuchResourceException", quotas.list_service_quotas, ServiceCode="nonsense")
    refused("NoSuchResourceException", quotas.get_service_quota, ServiceCode="vpc", QuotaCode="L-00000000")


def test_models_have_a_life_cycle_and_profiles_name_their_regions(aws):
    bedrock = aws.client("bedrock")
    models = {x["modelId"]: x for x in bedrock.list_foundation_models()["modelSummaries"]}
    assert {x["modelLifecycle"]["status"] for x in models.values()} == {"ACTIVE", "LEGACY"}
    only_by_profile = [x for x, y in models.items() if y["inferenceTypesSupported"] == ["INFERENCE_PROFILE"]]
    profiles = bedrock.list_inference_profiles()["inferenceProfileSummaries"]
    ids = {x["inferenceProfileId"] for x in profiles}
    assert {f"us.{model}" for model in only_by_profile} <= ids
    assert {arn["modelArn"].split(":")[3] for arn in profiles[0]["models"]} == {"us-east-1", "us-east-2", "us-west-2"}
    one = bedrock.get_foundation_model(modelIdentifier="amazon.nova-lite-v1:0")["modelDetails"]
    assert one == models["amazon.nova-lite-v1:0"]
    available = bedrock.get_foundation_model_availability(modelId="amazon.nova-lite-v1:0")
    assert available["entitlementAvailability"] == "AVAILABLE"
    refused("ResourceNotFoundException", bedrock.get_foundation_model, modelIdentifier="no.such-model")
    assert bedrock.list_foundation_models(byOutputModality="EMBEDDING")["modelSummaries"]


def test_cluster_versions_say_until_when_they_are_supported(aws):
    eks = aws.client("eks")
    versions = {x["clusterVersion"]: x for x in eks.describe_cluster_versions()["clusterVersions"]}
    assert [x for x, y in versions.items() if y["defaultVersion"]] == ["1.36"]
    assert versions["1.35"]["endOfStandardSupportDate"].date().isoformat() == "2027-03-27"
    only = eks.describe_cluster_versions(clusterVersions=["1.35"])["clusterVersions"]
    assert [x["clusterVersion"] for x in only] == ["1.35"]
    addons = {x["addonName"] for x in eks.describe_addon_versions(kubernetesVersion="1.35")["addons"]}
    assert {"vpc-cni", "coredns", "kube-proxy", "eks-pod-identity-agent"} <= addons
    refused("ResourceNotFoundException", eks.list_addons, clusterName="none")


def test_node_images_are_public_parameters(aws):
    ssm = aws.client("ssm")
    name = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/image_id"
    image = ssm.get_parameter(Name=name)["Parameter"]["Value"]
    assert image.startswith("ami-")
    assert aws.client("ssm", "eu-west-1").get_parameter(Name=name)["Parameter"]["Value"] != image
    ssm.put_parameter(Name="own", Value="1", Type="String")
    both = ssm.get_parameters(Names=[name, "own", "none"])
    assert [x["Name"] for x in both["Parameters"]] == [name, "own"]
    assert both["InvalidParameters"] == ["none"]
    refused("ParameterNotFound", ssm.get_parameter, Name=name.replace("1.35", "1.20"))


def test_settings_have_defaults_and_keep_what_is_set(aws):
    ec2, ssm, backup = aws.client("ec2"), aws.client("ssm"), aws.client("backup")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "unblocked"
    ec2.enable_snapshot_block_public_access(State="block-all-sharing")
    assert ec2.get_snapshot_block_public_access_state()["State"] == "block-all-sharing"
    assert ec2.get_serial_console_access_status()["SerialConsoleAccessEnabled"] is False
    assert ec2.get_ebs_default_kms_key_id()["KmsKeyId"] == "alias/aws/ebs"
    name = "/ssm/documents/console/public-sharing-permission"
    assert ssm.get_service_setting(SettingId=name)["ServiceSetting"]["SettingValue"] == "Enable"
    ssm.update_service_setting(SettingId=name, SettingValue="Disable")
    assert ssm.get_service_setting(SettingId=name)["ServiceSetting"]["Status"] == "Customized"
    assert ssm.reset_service_setting(SettingId=name)["ServiceSetting"]["Status"] == "Default"
    refused("ServiceSettingNotFound", ssm.get_service_setting, SettingId="/ssm/nonsense")
    backup.update_global_settings(GlobalSettings={"isCrossAccountBackupEnabled": "true"})
    assert backup.describe_global_settings()["GlobalSettings"] == {"isCrossAccountBackupEnabled": "true"}


def test_account_wide_block_of_public_buckets_works_through_loopback(aws):
    control, account = aws.client("s3control"), {"AccountId": "123456789012"}
    refused("NoSuchPublicAccessBlockConfiguration", control.get_public_access_block, **account)
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    control.put_public_access_block(**account, PublicAccessBlockConfiguration=block)
    assert control.get_public_access_block(**account)["PublicAccessBlockConfiguration"] == block


def test_a_locked_object_says_until_when(aws):
    s3, until = aws.client("s3"), datetime(2030, 1, 1, tzinfo=UTC)
    s3.create_bucket(Bucket="evidence-bucket", ObjectLockEnabledForBucket=True)
    s3.put_object(Bucket="evidence-bucket", Key="free", Body=b"x")
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    s3.put_object(Bucket="evidence-bucket", Key="kept", Body=b"x", **lock)
    read = s3.get_object_retention(Bucket="evidence-bucket", Key="kept")["Retention"]
    assert (read["Mode"], read["RetainUntilDate"]) == ("COMPLIANCE", until)
    refused("NoSuchObjectLockConfiguration", s3.get_object_retention, Bucket="evidence-bucket", Key="free")
    refused("NoSuchKey", s3.get_object_retention, Bucket="evidence-bucket", Key="none")


@pytest.mark.parametrize("service", ["ec2", "iam", "kms", "route53resolver"])
def test_reset_leaves_nothing(aws, service):
    counts = {
        "ec2": lambda: aws.client("ec2").describe_vpcs()["Vpcs"],
        "iam": lambda: aws.client("iam").list_roles()["Roles"][2:],
        "kms": lambda: aws.client("kms").list_keys()["Keys"],
        "route53resolver": lambda: aws.client("route53resolver").list_firewall_rule_groups()["FirewallRuleGroups"],
    }
    assert counts[service]() == []
