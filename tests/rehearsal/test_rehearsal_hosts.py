"""Instances, launch templates, and Systems Manager's view of hosts: agents, sessions, documents, image parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from clusters import Site, trust
from emulated import refused

PREFERENCES = "SSM-SessionManagerRunShell"


@pytest.fixture
def site(aws) -> Site:
    ready = Site(aws)
    ready.endpoints("ssm", "ssmmessages")
    ready.role("host", trust("ec2.amazonaws.com"), "AmazonSSMManagedInstanceCore")
    iam = ready.client("iam")
    iam.create_instance_profile(InstanceProfileName="host")
    iam.add_role_to_instance_profile(InstanceProfileName="host", RoleName="host")
    return ready


def launch(site: Site, **changes: Any) -> dict[str, Any]:
    asked = {
        "ImageId": "ami-12345678",
        "InstanceType": "t3.small",
        "MinCount": 1,
        "MaxCount": 1,
        "SubnetId": site.subnets[0],
        "SecurityGroupIds": [site.endpoint_group],
        "IamInstanceProfile": {"Name": "host"},
        "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
        **changes,
    }
    made: dict[str, Any] = site.client("ec2").run_instances(**asked)["Instances"][0]
    return made


def statuses(site: Site) -> dict[str, str]:
    found = site.client("ssm").describe_instance_information()["InstanceInformationList"]
    return {x["InstanceId"]: x["PingStatus"] for x in found}


def test_an_operations_host_is_private_and_has_its_metadata_closed(site):
    disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 20}}
    identifier = launch(site, BlockDeviceMappings=[disk])["InstanceId"]
    ec2 = site.client("ec2")
    host = ec2.describe_instances(InstanceIds=[identifier])["Reservations"][0]["Instances"][0]
    assert not {"KeyName", "PublicIpAddress"} & set(host)
    assert (host["MetadataOptions"]["HttpTokens"], host["MetadataOptions"]["HttpPutResponseHopLimit"]) == (
        "required",
        1,
    )
    profile = site.client("iam").get_instance_profile(InstanceProfileName="host")["InstanceProfile"]
    assert host["IamInstanceProfile"] == {"Arn": profile["Arn"], "Id": profile["InstanceProfileId"]}
    assert "Association" not in host["NetworkInterfaces"][0]
    assert host["RootDeviceName"] == "/dev/xvda"
    volumes = ec2.describe_volumes()["Volumes"]
    assert [(x["Encrypted"], x["Size"]) for x in volumes] == [(True, 20)]
    ec2.terminate_instances(InstanceIds=[identifier])
    names = [x["Description"] for x in ec2.describe_network_interfaces()["NetworkInterfaces"]]
    assert "Primary network interface" not in names
    assert ec2.describe_volumes()["Volumes"] == []


def test_a_host_changes_option_by_option(site):
    ec2, host = site.client("ec2"), launch(site)["InstanceId"]
    ec2.modify_instance_metadata_options(InstanceId=host, HttpTokens="optional")
    options = site.instances()[0]["MetadataOptions"]
    assert (options["HttpTokens"], options["HttpPutResponseHopLimit"]) == ("optional", 1)
    assert options["HttpEndpoint"] == "enabled"
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=site.vpc)["GroupId"]
    ec2.modify_instance_attribute(InstanceId=host, Groups=[group])
    assert [x["GroupId"] for x in site.instances()[0]["NetworkInterfaces"][0]["Groups"]] == [group]
    refused("DependencyViolation", ec2.delete_security_group, GroupId=group)


def test_groups_are_of_the_subnets_vpc(site):
    ec2, elsewhere = site.client("ec2"), site.account.vpc("10.9.0.0/16")
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=elsewhere)["GroupId"]
    refused("InvalidParameter", lambda: launch(site, SecurityGroupIds=[group]))
    refused("InvalidGroup.NotFound", lambda: launch(site, SecurityGroupIds=["sg-0123456789abcdef0"]))


def test_an_agent_shows_when_role_and_endpoints_let_it(site):
    site.account.control("POST", "/latency", {"ssm:UpdateInstanceInformation": 60})
    host = launch(site)["InstanceId"]
    assert statuses(site) == {}
    site.skip()
    assert statuses(site) == {host: "Online"}
    ssm = site.client("ssm")
    one = [{"Key": "InstanceIds", "Values": [host]}]
    found = ssm.describe_instance_information(Filters=one)["InstanceInformationList"]
    assert [x["IPAddress"][:8] for x in found] == ["10.0.10."]
    assert ssm.get_connection_status(Target=host)["Status"] == "connected"
    site.client("ec2").terminate_instances(InstanceIds=[host])
    assert statuses(site) == {}


def without_profile(site: Site) -> dict[str, Any]:
    return {"IamInstanceProfile": {}}


def without_rights(site: Site) -> dict[str, Any]:
    core = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
    site.client("iam").detach_role_policy(RoleName="host", PolicyArn=core)
    return {}


def without_messages(site: Site) -> dict[str, Any]:
    ec2 = site.client("ec2")
    name = [{"Name": "service-name", "Values": ["com.amazonaws.us-east-1.ssmmessages"]}]
    found = ec2.describe_vpc_endpoints(Filters=name)["VpcEndpoints"][0]["VpcEndpointId"]
    ec2.delete_vpc_endpoints(VpcEndpointIds=[found])
    return {}


def without_egress(site: Site) -> dict[str, Any]:
    ec2 = site.client("ec2")
    group = ec2.create_security_group(GroupName="shut", Description="shut", VpcId=site.vpc)["GroupId"]
    all_of_it = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=all_of_it)
    return {"SecurityGroupIds": [group]}


def without_metadata(site: Site) -> dict[str, Any]:
    return {"MetadataOptions": {"HttpEndpoint": "disabled"}}


CUTS = [without_profile, without_rights, without_messages, without_egress, without_metadata]


@pytest.mark.parametrize("cut", CUTS)
def test_an_agent_that_is_cut_off_does_not_show(site, cut):
    host = launch(site, **cut(site))["InstanceId"]
    assert statuses(site) == {}
    assert "not connected" in refused("TargetNotConnected", site.client("ssm").start_session, Target=host)


def test_an_agent_that_was_in_touch_is_lost(site):
    host = launch(site)["InstanceId"]
    assert statuses(site) == {host: "Online"}
    without_rights(site)
    assert statuses(site) == {host: "ConnectionLost"}


def test_a_session_is_open_until_it_is_ended(site):
    ssm, host = site.client("ssm"), launch(site)["InstanceId"]
    forward = "AWS-StartPortForwardingSessionToRemoteHost"
    ports = {"host": ["cluster.example"], "portNumber": ["443"], "localPortNumber": ["8443"]}
    made = ssm.start_session(Target=host, DocumentName=forward, Parameters=ports, Reason="verify")
    assert made["SessionId"].startswith("alice-")
    assert made["StreamUrl"].startswith("wss://ssmmessages.us-east-1.")
    session = ssm.describe_sessions(State="Active")["Sessions"][0]
    assert (session["Target"], session["DocumentName"], session["Reason"]) == (host, forward, "verify")
    assert session["Owner"] == "arn:aws:sts::123456789012:assumed-role/platform-engineer/alice"
    assert ssm.describe_sessions(State="History")["Sessions"] == []
    ssm.terminate_session(SessionId=made["SessionId"])
    assert ssm.describe_sessions(State="Active")["Sessions"] == []
    over = ssm.describe_sessions(State="History", Filters=[{"key": "Target", "value": host}])["Sessions"]
    assert [x["Status"] for x in over] == ["Terminated"]
    assert ssm.describe_sessions(State="History", Filters=[{"key": "Target", "value": "i-1"}])["Sessions"] == []


def test_a_session_is_by_a_session_document(site):
    ssm, host = site.client("ssm"), launch(site)["InstanceId"]
    refused("InvalidDocument", ssm.start_session, Target=host, DocumentName="AWS-RunShellScript")
    forward = "AWS-StartPortForwardingSession"
    refused("InvalidParameters", ssm.start_session, Target=host, DocumentName=forward)
    refused("TargetNotConnected", ssm.start_session, Target="i-0123456789abcdef0")
    content = json.dumps({"schemaVersion": "1.0", "sessionType": "Port", "parameters": {}, "properties": {}})
    ssm.create_document(Name="ours", DocumentType="Session", Content=content)
    assert ssm.start_session(Target=host, DocumentName="ours")["SessionId"]


def test_preferences_are_a_document_of_the_account(site):
    ssm = site.client("ssm")
    refused("InvalidDocument", ssm.get_document, Name=PREFERENCES)
    inputs = {"s3BucketName": "transcripts", "s3EncryptionEnabled": True, "runAsEnabled": False}
    content = {"schemaVersion": "1.0", "description": "preferences", "sessionType": "Standard_Stream", "inputs": inputs}
    ssm.create_document(Name=PREFERENCES, DocumentType="Session", Content=json.dumps(content))
    own = [{"Key": "Owner", "Values": ["Self"]}]
    assert [x["Name"] for x in ssm.list_documents(Filters=own)["DocumentIdentifiers"]] == [PREFERENCES]
    assert json.loads(ssm.get_document(Name=PREFERENCES)["Content"]) == content
    changed = {**content, "inputs": {**inputs, "idleSessionTimeout": "20"}}
    ssm.update_document(Name=PREFERENCES, DocumentVersion="$LATEST", Content=json.dumps(changed))
    ssm.update_document_default_version(Name=PREFERENCES, DocumentVersion="2")
    assert json.loads(ssm.get_document(Name=PREFERENCES)["Content"]) == changed
    about = ssm.describe_document(Name=PREFERENCES)["Document"]
    assert (about["DocumentType"], about["DefaultVersion"]) == ("Session", "2")
    again = {"Name": PREFERENCES, "DocumentVersion": "$LATEST", "Content": json.dumps(changed)}
    refused("DuplicateDocumentContent", ssm.update_document, **again)


def test_a_template_keeps_its_tags_to_itself_and_its_versions_in_order(site):
    ec2 = site.client("ec2")
    marks = [{"ResourceType": "launch-template", "Tags": [{"Key": "a", "Value": "b"}]}]
    data = {"InstanceType": "t3.small", "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}}
    made = ec2.create_launch_template(LaunchTemplateName="t", LaunchTemplateData=data, TagSpecifications=marks)
    identifier = made["LaunchTemplate"]["LaunchTemplateId"]
    assert made["LaunchTemplate"]["Tags"] == [{"Key": "a", "Value": "b"}]
    versions = ec2.describe_launch_template_versions
    assert versions(LaunchTemplateId=identifier)["LaunchTemplateVersions"][0]["LaunchTemplateData"] == data
    change = {"InstanceType": "t3.large"}
    ec2.create_launch_template_version(LaunchTemplateId=identifier, SourceVersion="1", LaunchTemplateData=change)
    latest = versions(LaunchTemplateId=identifier, Versions=["$Latest"])["LaunchTemplateVersions"][0]
    assert (latest["VersionNumber"], latest["LaunchTemplateData"]) == (2, {**data, **change})
    assert not latest["DefaultVersion"]
    ec2.modify_launch_template(LaunchTemplateId=identifier, DefaultVersion="2")
    found = ec2.describe_launch_templates(LaunchTemplateIds=[identifier])["LaunchTemplates"][0]
    assert (found["DefaultVersionNumber"], found["LatestVersionNumber"]) == (2, 2)
    absent = ["lt-0123456789abcdef0"]
    refused("InvalidLaunchTemplateId.NotFound", ec2.describe_launch_templates, LaunchTemplateIds=absent)


def test_images_are_public_parameters(site):
    ssm, linux = site.client("ssm"), "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert ssm.get_parameter(Name=linux)["Parameter"]["Value"].startswith("ami-")
    nodes = "/aws/service/eks/optimized-ami/1.35/amazon-linux-2023/x86_64/standard/recommended/"
    release = ssm.get_parameter(Name=nodes + "release_version")["Parameter"]["Value"]
    assert release == "1.35.0-20261112"
    refused("ParameterNotFound", ssm.get_parameter, Name=nodes.replace("2023", "2") + "image_id")


def test_settings_of_images_and_metadata_keep_what_is_set(site):
    ec2 = site.client("ec2")
    assert ec2.get_instance_metadata_defaults()["AccountLevel"] == {"ManagedBy": "account"}
    ec2.modify_instance_metadata_defaults(HttpTokens="required", HttpPutResponseHopLimit=1)
    level = ec2.get_instance_metadata_defaults()["AccountLevel"]
    assert (level["HttpTokens"], level["HttpPutResponseHopLimit"]) == ("required", 1)
    ec2.modify_instance_metadata_defaults(HttpTokens="no-preference")
    assert "HttpTokens" not in ec2.get_instance_metadata_defaults()["AccountLevel"]
    assert ec2.get_allowed_images_settings()["State"] == "disabled"
    ec2.replace_image_criteria_in_allowed_images_settings(ImageCriteria=[{"ImageProviders": ["amazon"]}])
    ec2.enable_allowed_images_settings(AllowedImagesSettingsState="enabled")
    settings = ec2.get_allowed_images_settings()
    assert (settings["State"], settings["ImageCriteria"]) == ("enabled", [{"ImageProviders": ["amazon"]}])


def test_account_policies_of_logs_are_kept(site):
    logs, kind = site.client("logs"), "SUBSCRIPTION_FILTER_POLICY"
    assert logs.describe_account_policies(policyType=kind)["accountPolicies"] == []
    document = json.dumps({"DestinationArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s"})
    logs.put_account_policy(policyName="p", policyType=kind, policyDocument=document)
    found = logs.describe_account_policies(policyType=kind)["accountPolicies"]
    assert [(x["policyName"], x["policyDocument"]) for x in found] == [("p", document)]
    logs.delete_account_policy(policyName="p", policyType=kind)
    assert logs.describe_account_policies(policyType=kind)["accountPolicies"] == []
    refused("ResourceNotFoundException", logs.delete_account_policy, policyName="p", policyType=kind)
