"""Callers, pages, tokens, faults, latencies, the journal, and what is not there."""

from __future__ import annotations

import socket
import time
import urllib.error
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from emulated import refused, until

from airgap.rehearsal import OTHER_ACCOUNT, environment


@pytest.mark.parametrize(
    ("region", "partition"), [("us-east-1", "aws"), ("us-gov-west-1", "aws-us-gov"), ("cn-north-1", "aws-cn")]
)
def test_a_caller_is_a_role_session_in_the_partition_of_the_region(aws, region, partition):
    identity = aws.client("sts", region, "bob").get_caller_identity()
    assert identity["Arn"] == f"arn:{partition}:sts::123456789012:assumed-role/platform-engineer/bob"
    assert identity["UserId"].endswith(":bob")
    role = aws.client("iam", region).get_role(RoleName="platform-engineer")["Role"]
    assert role["Arn"].split(":")[1] == partition
    assert identity["UserId"].split(":")[0] == role["RoleId"]


def test_another_account_is_another_world(aws):
    vpc = aws.vpc()
    key = environment(aws.url, "alice", OTHER_ACCOUNT)
    session = boto3.Session(key["AWS_ACCESS_KEY_ID"], key["AWS_SECRET_ACCESS_KEY"], region_name="us-east-1")
    other = session.client("ec2", endpoint_url=aws.url)
    assert other.describe_vpcs()["Vpcs"] == []
    refused("InvalidVpcID.NotFound", other.describe_vpcs, VpcIds=[vpc])


def test_an_assumed_role_calls_from_its_account(aws):
    assumed = aws.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/audit", RoleSessionName="eve")
    keys = assumed["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], "us-east-1")
    identity = session.client("sts", endpoint_url=aws.url).get_caller_identity()
    assert identity["Arn"] == "arn:aws:sts::111122223333:assumed-role/audit/eve"


def test_pages_are_cut_where_moto_ignores_the_limit(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    for number in range(7):
        ec2.create_security_group(GroupName=f"g{number}", Description="g", VpcId=vpc)
    first = ec2.describe_security_groups(MaxResults=5)
    assert len(first["SecurityGroups"]) == 5
    pages = list(ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    assert [len(page["SecurityGroups"]) for page in pages] == [5, 3]
    names = {group["GroupName"] for page in pages for group in page["SecurityGroups"]}
    assert names == {"default", *(f"g{number}" for number in range(7))}
    resolver = aws.client("route53resolver")
    for number in range(3):
        resolver.create_firewall_domain_list(Name=f"l{number}")
    listed = resolver.get_paginator("list_firewall_domain_lists").paginate(PaginationConfig={"PageSize": 2})
    assert [len(page["FirewallDomainLists"]) for page in listed] == [2, 1]
    refused("InvalidNextToken", resolver.list_firewall_domain_lists, NextToken="rehearsal-page-x")


def test_a_token_makes_a_write_happen_once(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    subnet = aws.subnet(vpc, 1)
    first = ec2.create_network_interface(SubnetId=subnet, ClientToken="t")["NetworkInterface"]
    again = ec2.create_network_interface(SubnetId=subnet, ClientToken="t")["NetworkInterface"]
    assert first == again
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 1
    mismatch = {"SubnetId": subnet, "Description": "other", "ClientToken": "t"}
    refused("IdempotentParameterMismatch", ec2.create_network_interface, **mismatch)
    resolver = aws.client("route53resolver")
    lists = [resolver.create_firewall_domain_list(Name="l", CreatorRequestId="c") for _ in range(2)]
    assert lists[0]["FirewallDomainList"]["Id"] == lists[1]["FirewallDomainList"]["Id"]


def test_a_dry_run_changes_nothing(aws):
    ec2 = aws.client("ec2")
    refused("DryRunOperation", ec2.create_vpc, CidrBlock="10.0.0.0/16", DryRun=True)
    assert ec2.describe_vpcs()["Vpcs"] == []


@pytest.mark.parametrize(
    ("service", "operation", "codes"),
    [
        ("ec2", "describe_vpcs", ("UnauthorizedOperation", "RequestLimitExceeded", "InternalError")),
        ("iam", "list_roles", ("AccessDenied", "Throttling", "InternalFailure")),
        ("s3", "list_buckets", ("AccessDenied", "SlowDown", "InternalError")),
        ("eks", "list_clusters", ("AccessDeniedException", "ThrottlingException", "InternalFailure")),
        ("kms", "list_keys", ("AccessDeniedException", "ThrottlingException", "InternalFailure")),
    ],
)
def test_a_fault_speaks_the_language_of_its_service(aws, service, operation, codes):
    call = getattr(aws.client(service), operation)
    for error, code in zip(("AccessDenied", "Throttling", "InternalError"), codes, strict=True):
        aws.control("POST", "/faults", {"operation": f"{service}:*", "error": error, "times": 2})
        refused(code, call)
        refused(code, call)
        call()


def test_a_fault_can_be_any_refusal_and_an_expired_session(aws):
    kms, text = aws.client("kms"), "Policy contains a statement with one or more invalid principals."
    code = "MalformedPolicyDocumentException"
    fault = {"operation": "kms:CreateKey", "error": "Refused", "code": code, "message": text, "times": 2}
    aws.control("POST", "/faults", fault)
    assert [refused(code, kms.create_key) for _ in range(2)] == [text, text]
    assert kms.create_key()["KeyMetadata"]["Enabled"]
    aws.control("POST", "/faults", {"operation": "*:*", "error": "ExpiredToken", "times": 2})
    refused("ExpiredTokenException", kms.list_keys)
    refused("RequestExpired", aws.client("ec2").describe_vpcs)


def test_a_lost_answer_leaves_the_write_done(aws):
    ec2 = aws.client("ec2")
    aws.control("POST", "/faults", {"operation": "ec2:CreateVpc", "error": "DropResponse"})
    with pytest.raises(ConnectionClosedError):
        ec2.create_vpc(CidrBlock="10.0.0.0/16")
    assert len(ec2.describe_vpcs()["Vpcs"]) == 1


def test_a_time_out_leaves_nothing_done_and_faults_can_be_taken_away(aws):
    ec2 = aws.client("ec2")
    aws.control("POST", "/faults", {"operation": "ec2:CreateVpc", "error": "Timeout", "times": None, "seconds": 0.4})
    with pytest.raises(ReadTimeoutError):
        aws.client("ec2", read_timeout=0.2).create_vpc(CidrBlock="10.0.0.0/16")
    aws.control("DELETE", "/faults")
    assert ec2.describe_vpcs()["Vpcs"] == []
    ec2.create_vpc(CidrBlock="10.0.0.0/16")


REFUSED = {"operation": "ec2:X", "error": "Refused"}


NONSENSE = {"operation": "ec2:X", "error": "Nonsense"}


@pytest.mark.parametrize("wrong", [NONSENSE, REFUSED, {"error": "Timeout"}, {"a": 1}, []])
def test_a_fault_that_is_none_is_refused(aws, wrong):
    with pytest.raises(urllib.error.HTTPError) as caught:
        aws.control("POST", "/faults", wrong)
    assert caught.value.code == 400
    caught.value.close()


def test_latency_is_set_and_taken_back(aws):
    ec2, vpc = aws.client("ec2"), aws.vpc()
    aws.control("POST", "/latency", {"ec2:CreateVpcEndpoint": 60})
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")
    time.sleep(0.4)
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"][0]["State"] == "pending"
    aws.control("POST", "/latency", {"ec2:CreateVpcEndpoint": 0})
    ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.dynamodb")
    assert ec2.describe_vpc_endpoints()["VpcEndpoints"][1]["State"] == "available"
    aws.control("DELETE", "/latency")


def test_every_call_is_recorded_without_its_parameters(aws):
    sent = aws.client("ec2", person="bob").create_vpc(CidrBlock="10.77.0.0/16")
    refused("NoSuchBucket", aws.client("s3").get_bucket_policy, Bucket="no-such-bucket")
    calls = aws.control("GET", "/calls")
    assert [(call["operation"], call["write"], call["session"]) for call in calls] == [
        ("ec2:CreateVpc", True, "bob"),
        ("s3:GetBucketPolicy", False, "alice"),
    ]
    assert calls[0]["request_id"] == sent["ResponseMetadata"]["RequestId"]
    assert "10.77" not in str(calls)
    aws.control("DELETE", "/calls")
    assert aws.control("GET", "/calls") == []


def test_what_is_not_there_is_a_clean_refusal(aws):
    refused("InvalidAction", aws.client("ec2").create_client_vpn_endpoint, **CLIENT_VPN)
    refused("UnknownOperationException", aws.client("eks").delete_eks_anywhere_subscription, id="x")
    refused("UnknownOperationException", aws.client("auditmanager").get_settings, attribute="ALL")
    refused(
        "InvalidAction",
        aws.client("iam").simulate_principal_policy,
        PolicySourceArn="arn:aws:iam::1:role/x" * 2,
        ActionNames=["s3:x"],
    )


CLIENT_VPN = {
    "ClientCidrBlock": "10.0.0.0/22",
    "ServerCertificateArn": "arn:x",
    "AuthenticationOptions": [],
    "ConnectionLogOptions": {"Enabled": False},
}


def test_sixteen_threads_write_at_once(aws):
    ec2, vpc = aws.client("ec2", max_pool_connections=16), aws.vpc()
    aws.control("POST", "/latency", {"ec2:CreateVpcEndpoint": 0})
    subnet = aws.subnet(vpc, 1)

    def write(number: int) -> str:
        return ec2.create_network_interface(SubnetId=subnet, Description=str(number))["NetworkInterface"][
            "PrivateIpAddress"
        ]

    with ThreadPoolExecutor(16) as threads:
        addresses = list(threads.map(write, range(100)))
    assert len(set(addresses)) == 100
    assert len(ec2.describe_network_interfaces()["NetworkInterfaces"]) == 100


def test_object_store_keeps_its_connections_and_bytes(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="first-bucket")
    s3.put_object(Bucket="first-bucket", Key="a b/ü", Body=b"\x00\xff" * 100_000)
    assert s3.head_object(Bucket="first-bucket", Key="a b/ü")["ContentLength"] == 200_000
    assert s3.get_object(Bucket="first-bucket", Key="a b/ü")["Body"].read() == b"\x00\xff" * 100_000
    link = s3.generate_presigned_url("get_object", Params={"Bucket": "first-bucket", "Key": "a b/ü"})
    with urllib.request.urlopen(link) as response:
        assert len(response.read()) == 200_000
    s3.delete_object(Bucket="first-bucket", Key="a b/ü")
    with pytest.raises(ClientError):
        s3.head_object(Bucket="first-bucket", Key="a b/ü")


def test_event_history_tells_who_wrote_what(aws):
    sent = aws.client("ec2", person="carol").create_vpc(CidrBlock="10.0.0.0/16")
    trail = aws.client("cloudtrail")
    events = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateVpc"}])
    event = events["Events"][0]
    assert (event["Username"], event["EventSource"], event["ReadOnly"]) == ("carol", "ec2.amazonaws.com", "false")
    assert sent["ResponseMetadata"]["RequestId"] in event["CloudTrailEvent"]
    aws.control("POST", "/latency", {"cloudtrail:LookupEvents": 900})
    assert trail.lookup_events()["Events"] == []
    until(lambda: len(trail.lookup_events()["Events"]), 0)


def test_a_request_whose_body_is_cut_off_is_not_acted_upon(aws):
    aws.client("s3").create_bucket(Bucket="whole-request")
    host, _, port = aws.url.removeprefix("http://").partition(":")
    head = (
        "PUT /cut-off HTTP/1.1\r\nHost: cut-off\r\nContent-Length: 400\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=AIRGAPREHEARSALALICE/20261123/us-east-1/s3/aws4_request\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=10) as client:
        client.sendall(head.encode() + b"<CreateBucketConfiguration>")
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""
    assert [bucket["Name"] for bucket in aws.client("s3").list_buckets()["Buckets"]] == ["whole-request"]
