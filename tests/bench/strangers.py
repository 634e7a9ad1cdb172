"""``strangers.py FROM TO``: make security groups FROM to TO in our VPC, as somebody else's, with two rules each."""

from __future__ import annotations

import sys

import boto3


def main(first: int, last: int) -> None:
    """Make the groups; the embedded AWS is the one of the environment."""
    ec2 = boto3.client("ec2")
    ours = {"Name": "tag:airgap:environment", "Values": ["demo"]}
    vpc = ec2.describe_vpcs(Filters=[ours])["Vpcs"][0]["VpcId"]
    for number in range(first, last):
        group = ec2.create_security_group(GroupName=f"stranger-{number}", Description="a stranger's", VpcId=vpc)
        rules = [
            {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}
            for port in (443, 5432)
        ]
        ec2.authorize_security_group_ingress(GroupId=group["GroupId"], IpPermissions=rules)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
