"""What only a real account or a running cluster can show: said, with the reason, so that it never vanishes.

AWS's own formal analysis of the network (NET-12); live probes are in ``probes``, a second scanner in ``peers``.
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.proof import made
from airgap.checks.scope import Item, every
from airgap.egress.prover import PROVEN, UNKNOWN
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent

SCOPES = "ec2:DescribeNetworkInsightsAccessScopeAnalyses"
FINDINGS = "ec2:GetNetworkInsightsAccessScopeAnalysisFindings"


def _analyses(intent: Intent, estate: Estate) -> Population:
    if intent.world != "aws":
        raise NotApplicable(f"Network Access Analyzer needs a real account; this world is a {intent.world}")
    found = every(estate, SCOPES, "NetworkInsightsAccessScopeAnalyses")
    if not found and intent.network.access_analyzer:
        raise Undecided("the params ask for Network Access Analyzer, and no analysis is there; apply the step network")
    if not found:
        raise NotApplicable("the params do not ask for Network Access Analyzer (network.access_analyzer)")
    return [(one["NetworkInsightsAccessScopeAnalysisId"], one) for one in found]


@check(
    "analysis-no-paths",
    "AWS's own analysis finds no path to or from an internet gateway",
    severity="high",
    properties=("NET-12",),
    reads=(SCOPES, FINDINGS),
    remedy="follow the path that the analysis names, and close it",
    over=_analyses,
)
def no_paths(analysis: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each path that an analysis found; "no findings" is evidence, not proof.

    An analysis that runs, failed or cannot tell (``FindingsFound`` unknown) has found nothing and says nothing.
    """
    name = analysis["NetworkInsightsAccessScopeAnalysisId"]
    status, told = analysis.get("Status"), analysis.get("FindingsFound")
    if status != "succeeded" or told not in ("true", "false"):
        raise Undecided(f"analysis {name} is {status}, findings found: {told}; run it again")
    found = estate.items(FINDINGS, "AnalysisFindings", NetworkInsightsAccessScopeAnalysisId=name)
    for one in found:
        yield f"analysis {name} found the path {one.get('FindingId')}"
    if told == "true" and not found:
        yield f"analysis {name} found paths, and lists none of them"


@check(
    "analysis-agrees",
    "AWS's own analysis and the zero-egress proof say the same of paths to an internet gateway",
    severity="high",
    properties=("NET-12",),
    reads=(SCOPES, ANY),
    remedy="run both again over one state of the network; if they still differ, one of the two is wrong",
    over=_analyses,
)
def agrees(analysis: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield where one finds a path that the other denies.

    The analysis sees IPv4, TCP and UDP of interfaces that stand; what the proof refutes and only security groups,
    missing addresses or Block Public Access close today is no contradiction.
    """
    name, told = analysis["NetworkInsightsAccessScopeAnalysisId"], analysis.get("FindingsFound")
    if analysis.get("Status") != "succeeded" or told not in ("true", "false"):
        raise Undecided(f"analysis {name} is {analysis.get('Status')}, findings found: {told}; run it again")
    ended = str(analysis.get("EndDate", ""))
    estate.cite(SCOPES)
    proof = made(intent, estate).proof
    if ended[:10] != estate.taken_at[:10]:
        raise Undecided(f"analysis {name} ended {ended or 'at a time that it does not tell'}; run it again")
    if UNKNOWN in {one.verdict for one in proof.judged} or not proof.judged:
        raise Undecided("the proof itself is open: there is nothing to compare the analysis with")
    if told == "true" and all(one.verdict == PROVEN for one in proof.judged):
        yield f"analysis {name} found a path, and every sealed subnet is proven"
    open_ = [one for one in proof.witnesses if one.leak.version == 4 and one.packet.protocol in (6, 17)
             and one.leak.target.startswith(("igw-", "nat-")) and not one.closed_only_by]  # fmt: skip
    for one in open_ if told == "false" else ():
        yield f"analysis {name} found nothing, and {one.subnets[0]} reaches {one.packet.destination}"


CHECKS = (no_paths, agrees)
