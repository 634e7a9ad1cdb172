"""Read calls on load balancers, certificates, web ACLs and other entrances (P21)."""

from __future__ import annotations

from airgap.cloud.query import Query, follow

BALANCERS = ("elbv2:DescribeLoadBalancers", "LoadBalancers")
WEST = "us-west-2"

QUERIES: tuple[Query, ...] = (
    Query("elbv2:DescribeLoadBalancers"),
    follow("elbv2:DescribeLoadBalancerAttributes", *BALANCERS, {"LoadBalancerArn": "LoadBalancerArn"}),
    follow("elbv2:DescribeListeners", *BALANCERS, {"LoadBalancerArn": "LoadBalancerArn"}),
    follow("elbv2:DescribeTags", *BALANCERS, {"ResourceArns": "[LoadBalancerArn]"}),
    follow("elbv2:DescribeRules", "elbv2:DescribeListeners", "Listeners", {"ListenerArn": "ListenerArn"}),
    Query("elbv2:DescribeSSLPolicies"),
    Query("elbv2:DescribeTargetGroups"),
    follow("elbv2:DescribeTags", "elbv2:DescribeTargetGroups", "TargetGroups", {"ResourceArns": "[TargetGroupArn]"}),
    follow(
        "elbv2:DescribeTargetHealth",
        "elbv2:DescribeTargetGroups",
        "TargetGroups",
        {"TargetGroupArn": "TargetGroupArn"},
    ),
    Query("elb:DescribeLoadBalancers"),
    Query("wafv2:ListWebACLs", {"Scope": "REGIONAL"}),
    follow("wafv2:GetWebACL", "wafv2:ListWebACLs", "WebACLs", {"ARN": "ARN"}),
    follow("wafv2:ListTagsForResource", "wafv2:ListWebACLs", "WebACLs", {"ResourceARN": "ARN"}),
    Query("wafv2:ListLoggingConfigurations", {"Scope": "REGIONAL"}),
    follow(
        "wafv2:GetWebACLForResource", *BALANCERS, {"ResourceArn": "LoadBalancerArn"}, only=(("Type", "application"),)
    ),
    # Without the filter, certificates of RSA 2048 alone are listed.
    Query(
        "acm:ListCertificates",
        {
            "Includes": {
                "keyTypes": [
                    "RSA_1024",
                    "RSA_2048",
                    "RSA_3072",
                    "RSA_4096",
                    "EC_prime256v1",
                    "EC_secp384r1",
                    "EC_secp521r1",
                ]
            }
        },
    ),
    follow(
        "acm:DescribeCertificate",
        "acm:ListCertificates",
        "CertificateSummaryList",
        {"CertificateArn": "CertificateArn"},
    ),
    follow(
        "acm:ListTagsForCertificate",
        "acm:ListCertificates",
        "CertificateSummaryList",
        {"CertificateArn": "CertificateArn"},
    ),
    Query("acm-pca:ListCertificateAuthorities"),
    Query("globalaccelerator:ListAccelerators", scope="global", home=WEST),
    follow(
        "globalaccelerator:ListListeners",
        "globalaccelerator:ListAccelerators",
        "Accelerators",
        {"AcceleratorArn": "AcceleratorArn"},
        scope="global",
        home=WEST,
    ),
    follow(
        "globalaccelerator:ListEndpointGroups",
        "globalaccelerator:ListListeners",
        "Listeners",
        {"ListenerArn": "ListenerArn"},
        scope="global",
        home=WEST,
    ),
    Query("globalaccelerator:ListCustomRoutingAccelerators", scope="global", home=WEST),
    Query("apigateway:GetRestApis"),
    Query("apigateway:GetVpcLinks"),
    Query("apigatewayv2:GetApis"),
    Query("apigatewayv2:GetVpcLinks"),
    Query("cloudfront:ListVpcOrigins", scope="global"),
    # Live traffic: one request under the true server name, from wherever the load balancer can be asked.
    Query("https:Get", vantage="traffic"),
)
