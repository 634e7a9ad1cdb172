"""AWS's own formal analysis of the network, run beside the proof where params ask for it (REQUIREMENTS: NET-12).

Network Access Analyzer looks for paths between interfaces of the sealed ranges and internet gateways: IPv4, TCP and
UDP, best effort, charged for each interface of the account. AWS: "What is Network Access Analyzer?", "Access scope".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.kind import Call, Kind, declares, tag_specifications

_GATEWAY = {"ResourceStatement": {"ResourceTypes": ["AWS::EC2::InternetGateway"]}}
_INTERFACE = {"ResourceStatement": {"ResourceTypes": ["AWS::EC2::NetworkInterface"]}}

SCOPE = Kind(
    "access-scope",
    "Network Access Analyzer scope",
    Reading("ec2:DescribeNetworkInsightsAccessScopes", "NetworkInsightsAccessScopes", "NetworkInsightsAccessScopeId"),
    create=(
        Call(
            "ec2:CreateNetworkInsightsAccessScope",
            lambda f: {
                "MatchPaths": _paths(f["ranges"]),
                "TagSpecifications": tag_specifications("network-insights-access-scope")(f),
            },
            result="NetworkInsightsAccessScope",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteNetworkInsightsAccessScope",
            lambda f: {"NetworkInsightsAccessScopeId": f["id"]},
            ignore=("InvalidNetworkInsightsAccessScopeId.NotFound",),
        ),
    ),
)

ANALYSIS = Kind(
    "access-scope-analysis",
    "Network Access Analyzer analysis",
    Reading(
        "ec2:DescribeNetworkInsightsAccessScopeAnalyses",
        "NetworkInsightsAccessScopeAnalyses",
        "NetworkInsightsAccessScopeAnalysisId",
        fields={"scope": Field("NetworkInsightsAccessScopeId", change=NEVER, why="an analysis is of one scope")},
        state="Status",
        settled=("succeeded",),
        failed=("failed",),
    ),
    create=(
        Call(
            "ec2:StartNetworkInsightsAccessScopeAnalysis",
            lambda f: {
                "NetworkInsightsAccessScopeId": f["scope"],
                "TagSpecifications": tag_specifications("network-insights-access-scope-analysis")(f),
            },
            result="NetworkInsightsAccessScopeAnalysis",
        ),
    ),
    delete=(
        Call(
            "ec2:DeleteNetworkInsightsAccessScopeAnalysis",
            lambda f: {"NetworkInsightsAccessScopeAnalysisId": f["id"]},
            ignore=("InvalidNetworkInsightsAccessScopeAnalysisId.NotFound",),
        ),
    ),
    poll=Call(
        "ec2:DescribeNetworkInsightsAccessScopeAnalyses",
        lambda f: {"NetworkInsightsAccessScopeAnalysisIds": [f["id"]]},
    ),
    seconds=120.0,
    limit=14400.0,
)


def _paths(ranges: Sequence[str]) -> list[dict[str, Any]]:
    """The paths that must not be there: from the sealed ranges to an internet gateway, and from one to them."""
    out = {**_INTERFACE, "PacketHeaderStatement": {"SourceAddresses": list(ranges)}}
    into = {**_INTERFACE, "PacketHeaderStatement": {"DestinationAddresses": list(ranges)}}
    return [{"Source": out, "Destination": _GATEWAY}, {"Source": _GATEWAY, "Destination": into}]


@declares(SCOPE, ANALYSIS)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield a scope over the sealed ranges and one analysis of it; nothing in a world that has no such service."""
    if not intent.network.access_analyzer or intent.world != "aws":
        return
    ranges = [subnet.cidr for subnet in intent.network.private_subnets]
    yield Desired("access-scope", "sealed", {"ranges": ranges})
    yield Desired("access-scope-analysis", "sealed", {"scope": ref("access-scope:sealed")})
