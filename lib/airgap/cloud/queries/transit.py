"""Read calls on what joins a VPC to other networks: transit gateways, VPN, Direct Connect, Cloud WAN, Lattice."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

# Answers of SearchTransitGatewayRoutes hold 1000 routes at most; AdditionalRoutesAvailable says that there are more.
ROUTE_STATES = [{"Name": "state", "Values": ["active", "blackhole"]}]
TABLES = ("ec2:DescribeTransitGatewayRouteTables", "TransitGatewayRouteTables")
TABLE = {"TransitGatewayRouteTableId": "TransitGatewayRouteTableId"}
WEST = "us-west-2"

QUERIES: tuple[Query, ...] = (
    # P4: transit gateways.
    Query("ec2:DescribeTransitGateways"),
    Query("ec2:DescribeTransitGatewayAttachments"),
    Query("ec2:DescribeTransitGatewayVpcAttachments"),
    Query("ec2:DescribeTransitGatewayPeeringAttachments"),
    Query("ec2:DescribeTransitGatewayConnects"),
    Query("ec2:DescribeTransitGatewayRouteTables"),
    follow("ec2:GetTransitGatewayRouteTableAssociations", *TABLES, TABLE),
    follow("ec2:GetTransitGatewayRouteTablePropagations", *TABLES, TABLE),
    follow("ec2:GetTransitGatewayPrefixListReferences", *TABLES, TABLE),
    follow("ec2:SearchTransitGatewayRoutes", *TABLES, TABLE, params={"Filters": ROUTE_STATES}),
    Query("ec2:DescribeTransitGatewayPolicyTables"),
    follow(
        "ec2:GetTransitGatewayPolicyTableEntries",
        "ec2:DescribeTransitGatewayPolicyTables",
        "TransitGatewayPolicyTables",
        {"TransitGatewayPolicyTableId": "TransitGatewayPolicyTableId"},
    ),
    follow(
        "ec2:GetTransitGatewayAttachmentNatConfiguration",
        "ec2:DescribeTransitGatewayAttachments",
        "TransitGatewayAttachments",
        {"TransitGatewayAttachmentId": "TransitGatewayAttachmentId"},
    ),
    # P5, P6: VPN.
    Query("ec2:DescribeVpnGateways"),
    Query("ec2:DescribeVpnConnections"),
    Query("ec2:DescribeCustomerGateways"),
    Query("ec2:DescribeVpnConcentrators"),
    Query("ec2:DescribeClientVpnEndpoints"),
    *(
        follow(
            f"ec2:DescribeClientVpn{part}",
            "ec2:DescribeClientVpnEndpoints",
            "ClientVpnEndpoints",
            {"ClientVpnEndpointId": "ClientVpnEndpointId"},
        )
        for part in ("TargetNetworks", "Routes", "AuthorizationRules")
    ),
    # P7: Direct Connect.
    Query("directconnect:DescribeConnections"),
    Query("directconnect:DescribeVirtualInterfaces"),
    Query("directconnect:DescribeDirectConnectGateways"),
    *(
        follow(
            f"directconnect:DescribeDirectConnectGateway{part}",
            "directconnect:DescribeDirectConnectGateways",
            "directConnectGateways",
            {"directConnectGatewayId": "directConnectGatewayId"},
        )
        for part in ("Associations", "Attachments")
    ),
    # P8: peering.
    Query("ec2:DescribeVpcPeeringConnections"),
    # P10: local gateways, Outposts.
    Query("ec2:DescribeLocalGateways"),
    Query("ec2:DescribeLocalGatewayRouteTables"),
    Query("ec2:DescribeLocalGatewayRouteTableVpcAssociations"),
    follow(
        "ec2:SearchLocalGatewayRoutes",
        "ec2:DescribeLocalGatewayRouteTables",
        "LocalGatewayRouteTables",
        {"LocalGatewayRouteTableId": "LocalGatewayRouteTableId"},
    ),
    # P11: Cloud WAN.
    Query("networkmanager:ListCoreNetworks", scope="global", home=WEST),
    Query("networkmanager:ListAttachments", scope="global", home=WEST),
    *(
        follow(
            f"networkmanager:{operation}",
            "networkmanager:ListCoreNetworks",
            "CoreNetworks",
            {"CoreNetworkId": "CoreNetworkId"},
            scope="global",
            home=WEST,
            absent=("ResourceNotFoundException",),
        )
        for operation in ("GetCoreNetwork", "GetCoreNetworkPolicy")
    ),
    follow(
        "networkmanager:GetNetworkRoutes",
        "networkmanager:GetCoreNetwork",
        "CoreNetwork.Segments.EdgeLocations",
        {
            "GlobalNetworkId": "^.^.GlobalNetworkId",
            "RouteTableIdentifier.CoreNetworkSegmentEdge.CoreNetworkId": "^.^.CoreNetworkId",
            "RouteTableIdentifier.CoreNetworkSegmentEdge.SegmentName": "^.Name",
            "RouteTableIdentifier.CoreNetworkSegmentEdge.EdgeLocation": "@",
        },
        scope="global",
        home=WEST,
    ),
    Query("networkmanager:ListAttachmentNatConfigurations", scope="global", home=WEST),
    # P12: Oracle Database@AWS.
    Query("odb:ListOdbNetworks"),
    Query("odb:ListOdbPeeringConnections"),
    # P13: route servers write VPC routes from BGP.
    Query("ec2:DescribeRouteServers"),
    Query("ec2:DescribeRouteServerPeers"),
    Query("ec2:DescribeRouteServerEndpoints"),
    *(
        follow(
            f"ec2:GetRouteServer{part}",
            "ec2:DescribeRouteServers",
            "RouteServers",
            {"RouteServerId": "RouteServerId"},
        )
        for part in ("Associations", "Propagations", "RoutingDatabase")
    ),
    # P19: VPC Lattice.
    Query("vpc-lattice:ListServices"),
    Query("vpc-lattice:ListServiceNetworks"),
    follow("vpc-lattice:ListServiceNetworkVpcAssociations", "ec2:DescribeVpcs", "Vpcs", {"vpcIdentifier": "VpcId"}),
    *(
        follow(
            f"vpc-lattice:ListServiceNetwork{part}Associations",
            "vpc-lattice:ListServiceNetworks",
            "items",
            {"serviceNetworkIdentifier": "id"},
        )
        for part in ("Service", "Resource", "VpcEndpoint")
    ),
    Query("vpc-lattice:ListResourceConfigurations"),
    Query("vpc-lattice:ListResourceGateways"),
    follow("vpc-lattice:GetAuthPolicy", "vpc-lattice:ListServiceNetworks", "items", {"resourceIdentifier": "id"}),
    follow("vpc-lattice:GetResourcePolicy", "vpc-lattice:ListServiceNetworks", "items", {"resourceArn": "arn"}),
)
