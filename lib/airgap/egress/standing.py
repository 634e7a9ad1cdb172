"""Channels on which whatever stands is a way out: one row for each kind of thing, no code.

Sources: the API references of the services named; the guides of Client VPN, Traffic Mirroring and Verified Access.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from airgap.egress.facts import Item
from airgap.egress.ways import View, Way, alive


class Row(NamedTuple):
    """A kind of thing: channel, call, the list in its answer, the member with its id, and what it does."""

    channel: str
    call: str
    member: str
    name: str
    what: str


STANDING = tuple(
    Row(*(part.strip() for part in line.split("|")))
    for line in """
P6|ec2:DescribeClientVpnEndpoints|ClientVpnEndpoints|ClientVpnEndpointId|carries replies to those who dial in
P11|networkmanager:ListAttachments|Attachments|AttachmentId|an attachment joins a Cloud WAN core network
P12|odb:ListOdbPeeringConnections|odbPeeringConnections|odbPeeringConnectionId|a peering joins an ODB network
P13|ec2:DescribeRouteServerPeers|RouteServerPeers|RouteServerPeerId|a BGP peer writes routes
P20|ec2:DescribeTrafficMirrorSessions|TrafficMirrorSessions|TrafficMirrorSessionId|copies packets to its target
P21|ec2:DescribeInstanceConnectEndpoints|InstanceConnectEndpoints|InstanceConnectEndpointId|ends a tunnel from outside
P21|ec2:DescribeVerifiedAccessEndpoints|VerifiedAccessEndpoints|VerifiedAccessEndpointId|an entrance from the internet
P21|globalaccelerator:ListAccelerators|Accelerators|AcceleratorArn|an entrance from the internet
P21|globalaccelerator:ListCustomRoutingAccelerators|Accelerators|AcceleratorArn|an entrance from the internet
P21|apigateway:GetVpcLinks|items|id|an API can answer the internet from within the VPC
P21|apigatewayv2:GetVpcLinks|Items|VpcLinkId|an API can answer the internet from within the VPC
P24|ec2:DescribeSecondaryInterfaces|SecondaryInterfaces|SecondaryInterfaceId|an interface stands in a secondary network
P26|ec2:DescribeVpcEndpointConnections|VpcEndpointConnections|VpcEndpointId|somebody pulls from it
D2|route53profiles:ListProfileAssociations|ProfileAssociations|Id|a Route 53 profile may forward queries
D2|route53globalresolver:ListGlobalResolvers|globalResolvers|id|a global resolver recurses for its clients
D2|route53resolver:ListOutpostResolvers|OutpostResolvers|Id|a resolver on an Outpost
K3|eks:ListCapabilities|capabilities|capabilityName|a capability runs in an account of AWS
N3|s3control:ListMultiRegionAccessPoints|AccessPoints|Name|an access point of several Regions
N3|s3control:ListAccessGrants|AccessGrantsList|AccessGrantId|a grant on data, by identity
N4|ecr:DescribePullThroughCacheRules|pullThroughCacheRules|ecrRepositoryPrefix|the registry fetches from an upstream
N5|ec2:DescribeStoreImageTasks|StoreImageTaskResults|AmiId|an image is stored to a bucket
N5|ec2:DescribeExportImageTasks|ExportImageTasks|ExportImageTaskId|an image is exported to a bucket
N5|rds:DescribeExportTasks|ExportTasks|ExportTaskIdentifier|a snapshot is exported to a bucket
N6|backup:ListRestoreAccessBackupVaults|RestoreAccessBackupVaults|RestoreAccessBackupVaultArn|others may restore from it
N8|events:ListApiDestinations|ApiDestinations|Name|events are sent to a URL
N8|apprunner:ListServices|ServiceSummaryList|ServiceArn|a service runs outside the VPC
N9|firehose:ListDeliveryStreams|DeliveryStreamNames||a stream delivers to where it says
N10|oam:ListLinks|Items|Arn|telemetry is linked to a monitoring account
N12|rds:DescribeGlobalClusters|GlobalClusters|GlobalClusterIdentifier|is copied abroad
N12|rds:DescribeIntegrations|Integrations|IntegrationArn|a database is copied to a warehouse
N12|elasticache:DescribeGlobalReplicationGroups|GlobalReplicationGroups|GlobalReplicationGroupId|is copied abroad
N12|dynamodb:ListGlobalTables|GlobalTables|GlobalTableName|a table is copied to other Regions
N12|dms:DescribeEndpoints|Endpoints|EndpointArn|a migration endpoint
N12|datasync:ListLocations|Locations|LocationArn|a place that data is moved to or from
N12|transfer:ListConnectors|Connectors|ConnectorId|a connector sends files to another server
N12|drs:DescribeSourceServers|items|sourceServerID|copied for recovery
N12|mgn:DescribeSourceServers|items|sourceServerID|a server is copied for migration
N12|redshift:DescribeDataShares|DataShares|DataShareArn|a warehouse shares its data
N12|kafka:ListReplicators|replicators|replicatorArn|a cluster is copied to another
N13|iam:ListSAMLProviders|SAMLProviderList|Arn|an identity provider outside IAM is trusted
N13|rolesanywhere:ListTrustAnchors|trustAnchors|trustAnchorArn|holders of an authority's certificates are trusted
""".strip().splitlines()
)

AWS_SIGN_IN = ":saml-provider/AWSSSO_"
"""How the provider begins that IAM Identity Center makes in each account (its User Guide, "IAM identity providers")."""
VPC_MEMBERS = ("VpcId", "vpcId", "VPCId", "ResourceId", "HostVPCId")


def standing(channel: str, view: View) -> Iterator[Way]:
    """Yield every thing of a channel that is there and not named in the boundary."""
    for row in STANDING:
        if row.channel != channel:
            continue
        for one in view.items(row.call, row.member):
            name = str(one.get(row.name) or row.call)
            if AWS_SIGN_IN in name:
                continue
            if alive(one) and name not in view.boundary.gateways and name not in view.boundary.endpoints:
                yield Way(name, row.what, f"delete {name}, or name it in the boundary", _vpc(one), _subnets(view, one))
        for each in view.names(row.call, row.member) if not row.name else ():
            yield Way(each, row.what, f"delete {each}, or name it in the boundary")


def _vpc(item: Item) -> str:
    return next((str(item[one]) for one in VPC_MEMBERS if str(item.get(one, "")).startswith("vpc-")), "")


def _subnets(view: View, item: Item) -> tuple[str, ...]:
    """Return the subnet of the interface that a thing names, or its own."""
    interface = view.network.interfaces.get(str(item.get("NetworkInterfaceId", "")))
    found = item.get("SubnetId") or (interface or {}).get("SubnetId")
    return (str(found),) if found else ()
