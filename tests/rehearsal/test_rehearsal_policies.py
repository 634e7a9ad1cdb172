"""Principals, policies and deliveries that AWS refuses; keys and tags as AWS shows them."""

from __future__ import annotations

import json

import pytest
from emulated import refused

ROOT = "arn:aws:iam::123456789012:root"
NOBODY = "arn:aws:iam::123456789012:role/nobody"
LINKED = "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"


def policy(principal, action="kms:*", resource="*", **more) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def trust(principal) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def large(resources: int) -> str:
    names = [f"arn:aws:s3:::bucket-{number:05}" for number in range(resources)]
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": names}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_key_policy_names_principals_that_exist(aws):
    kms, iam = aws.client("kms"), aws.client("iam")
    refused("MalformedPolicyDocumentException", kms.create_key, Policy=policy({"AWS": [ROOT, LINKED]}))
    assert iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")["Role"]["Arn"] == LINKED
    kms.create_key(Policy=policy({"AWS": [ROOT, LINKED]}))
    kms.create_key(Policy=policy({"AWS": [ROOT, "arn:aws:iam::111122223333:role/foreign"]}))
    again = {"AWSServiceName": "autoscaling.amazonaws.com"}
    refused("InvalidInput", iam.create_service_linked_role, **again)


def test_a_key_stays_under_control(aws):
    kms = aws.client("kms")
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    locked = policy({"Service": "logs.us-east-1.amazonaws.com"})
    put = {"KeyId": key, "PolicyName": "default", "Policy": locked}
    refused("MalformedPolicyDocumentException", kms.put_key_policy, **put)
    kms.put_key_policy(**put, BypassPolicyLockoutSafetyCheck=True)
    person = policy({"AWS": "arn:aws:iam::123456789012:role/platform-engineer"})
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=person)


def test_keys_of_aws_are_managed_by_aws(aws):
    kms = aws.client("kms")
    assert kms.create_key()["KeyMetadata"]["MultiRegion"] is False
    before = {x["AliasName"]: x for x in kms.list_aliases()["Aliases"]}
    assert "TargetKeyId" not in before["alias/aws/ebs"]
    key = kms.describe_key(KeyId="alias/aws/ebs")["KeyMetadata"]
    assert (key["KeyManager"], key["MultiRegion"]) == ("AWS", False)
    after = {x["AliasName"]: x for x in kms.list_aliases()["Aliases"]}
    assert after["alias/aws/ebs"]["TargetKeyId"] == key["KeyId"]


def test_a_bucket_policy_names_principals_that_exist_and_its_own_bucket(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="some-bucket")
    own = "arn:aws:s3:::some-bucket/*"
    for wrong in (policy({"AWS": NOBODY}, "s3:*", own), policy("*", "s3:*", "arn:aws:s3:::other/*"), "{"):
        refused("MalformedPolicy", s3.put_bucket_policy, Bucket="some-bucket", Policy=wrong)
    s3.put_bucket_policy(Bucket="some-bucket", Policy=policy({"AWS": ROOT}, "s3:*", own))


def test_roles_and_policies_have_their_limits_and_order(aws):
    iam = aws.client("iam")
    refused("MalformedPolicyDocument", iam.create_role, RoleName="r", AssumeRolePolicyDocument=trust({"AWS": NOBODY}))
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust({"Service": "ec2.amazonaws.com"}))
    refused("LimitExceeded", iam.create_policy, PolicyName="big", PolicyDocument=large(250))
    refused("LimitExceeded", iam.put_role_policy, RoleName="r", PolicyName="big", PolicyDocument=large(400))
    arns = [iam.create_policy(PolicyName=f"p{x}", PolicyDocument=large(1))["Policy"]["Arn"] for x in range(11)]
    for arn in arns[:10]:
        iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    refused("LimitExceeded", iam.attach_role_policy, RoleName="r", PolicyArn=arns[10])
    refused("DeleteConflict", iam.delete_policy, PolicyArn=arns[0])
    refused("DeleteConflict", iam.delete_role, RoleName="r")
    for arn in arns[:10]:
        iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    iam.create_instance_profile(InstanceProfileName="i")
    iam.add_role_to_instance_profile(InstanceProfileName="i", RoleName="r")
    refused("DeleteConflict", iam.delete_role, RoleName="r")
    iam.remove_role_from_instance_profile(InstanceProfileName="i", RoleName="r")
    iam.delete_role(RoleName="r")
    node = "arn:aws:iam::aws:policy/AmazonEKSWorkerNodePolicy"
    iam.attach_role_policy(RoleName="platform-engineer", PolicyArn=node)
    details = iam.get_account_authorization_details(Filter=["AWSManagedPolicy"])
    assert [policy["Arn"] for policy in details["Policies"]] == [node]


def test_a_trail_needs_a_bucket_and_a_key_that_admit_it(aws):
    trail, s3, kms = aws.client("cloudtrail"), aws.client("s3"), aws.client("kms")
    wanted = {"Name": "trail", "S3BucketName": "trail-bucket", "EnableLogFileValidation": True}
    refused("S3BucketDoesNotExistException", trail.create_trail, **wanted)
    s3.create_bucket(Bucket="trail-bucket")
    refused("InsufficientS3BucketPolicyException", trail.create_trail, **wanted)
    places = ["arn:aws:s3:::trail-bucket", "arn:aws:s3:::trail-bucket/*"]
    admitted = policy({"Service": "cloudtrail.amazonaws.com"}, ["s3:GetBucketAcl", "s3:PutObject"], places)
    s3.put_bucket_policy(Bucket="trail-bucket", Policy=admitted)
    key = kms.create_key(Policy=policy({"AWS": ROOT}))["KeyMetadata"]["Arn"]
    refused("InsufficientEncryptionPolicyException", trail.create_trail, **wanted, KmsKeyId=key)
    refused("KmsKeyDoesNotExistException", trail.create_trail, **wanted, KmsKeyId=key[:-12] + "0" * 12)
    assert trail.create_trail(**wanted)["LogFileValidationEnabled"]
    fields = [{"Field": "eventCategory", "Equals": ["NetworkActivity"]}]
    selectors = [{"Name": "network", "FieldSelectors": fields}]
    trail.put_event_selectors(TrailName="trail", AdvancedEventSelectors=selectors)
    assert trail.get_event_selectors(TrailName="trail")["AdvancedEventSelectors"] == selectors


@pytest.mark.parametrize(("group", "admitted"), [("/app/one", True), ("/other", False)])
def test_a_log_group_takes_a_key_that_admits_it(aws, group, admitted):
    kms, logs = aws.client("kms"), aws.client("logs")
    context = {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:us-east-1:123456789012:log-group:/app/*"}
    service = {"Service": "logs.us-east-1.amazonaws.com"}
    document = json.loads(policy({"AWS": ROOT}))
    document["Statement"] += json.loads(policy(service, "kms:Encrypt*", Condition={"ArnLike": context}))["Statement"]
    key = kms.create_key(Policy=json.dumps(document))["KeyMetadata"]["Arn"]
    if not admitted:
        refused("InvalidParameterException", logs.create_log_group, logGroupName=group, kmsKeyId=key)
        return
    logs.create_log_group(logGroupName=group, kmsKeyId=key)
    logs.disassociate_kms_key(logGroupName=group)
    assert "kmsKeyId" not in logs.describe_log_groups()["logGroups"][0]
    logs.associate_kms_key(logGroupName=group, kmsKeyId=key)
    assert logs.describe_log_groups()["logGroups"][0]["kmsKeyId"] == key


def test_the_tagging_api_lists_what_a_network_is_made_of(aws):
    ec2, tag = aws.client("ec2"), {"Key": "airgap:env", "Value": "demo"}

    def tags(kind):
        return [{"ResourceType": kind, "Tags": [tag]}]

    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=tags("vpc"))["Vpc"]["VpcId"]
    service = "com.amazonaws.us-east-1.s3"
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName=service, TagSpecifications=tags("vpc-endpoint"))
    ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip"))
    data = {"InstanceType": "t3.micro"}
    ec2.create_launch_template(
        LaunchTemplateName="l", LaunchTemplateData=data, TagSpecifications=tags("launch-template")
    )
    aws.client("ecr").create_repository(repositoryName="repository", tags=[tag])
    aws.client("route53resolver").create_firewall_domain_list(Name="list", Tags=[tag])
    found = aws.client("resourcegroupstaggingapi").get_resources(TagFilters=[{"Key": "airgap:env"}])
    kinds = {x["ResourceARN"].split(":", 5)[5].split("/")[0] for x in found["ResourceTagMappingList"]}
    assert kinds == {"vpc", "vpc-endpoint", "elastic-ip", "launch-template", "repository", "firewall-domain-list"}
