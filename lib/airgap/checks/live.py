"""What only a real account or a running cluster can show: said, with the reason, so that it never vanishes.

AWS's own formal analysis of the network (NET-12), live probes (NET-13), and a second tool's verdict (EVD-03).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

from airgap.checks.check import NotApplicable, Population, Undecided, check
from airgap.checks.proof import made
from airgap.checks.scope import Item, every
from airgap.egress.prover import PROVEN, UNKNOWN
from airgap.model import probes as probes_of
from airgap.model.estate import ANY, Estate
from airgap.model.intent import Intent

SCOPES = "ec2:DescribeNetworkInsightsAccessScopeAnalyses"
VPCS = "ec2:DescribeVpcs"
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


def _probes(intent: Intent, estate: Estate) -> Population:
    """Return every probe of the last transcript with the others of its host; without one nothing is judged."""
    told = estate.page(probes_of.CALL) or {}
    if not told.get("Hosts"):
        how = "a rehearsal has no packets; airgap lab up, then airgap probe, sends some"
        raise NotApplicable(how if intent.world == "rehearsal" else "no live probe was made: run airgap probe")
    why = probes_of.shows(str(told.get("Place")), intent.world)
    if why:
        raise NotApplicable(why)
    known = {one["VpcId"] for one in every(estate, VPCS, "Vpcs")}
    others = sorted(set(told.get("Vpcs") or []) - known)
    if others or (told.get("Place") == "lab" and not told.get("Vpcs")):
        which = ", ".join(others) or "an unnamed network"
        raise Undecided(
            f"the probes were made in a lab of {which}, which is not here: bring the lab up again, and probe"
        )
    age = _seconds(estate.taken_at) - _seconds(str(told["TakenAt"]))
    if age > probes_of.FRESH:
        raise Undecided(f"the probes are of {told['TakenAt']}: run airgap probe again")
    return [
        (f"{host['Host']} {one['name']}", (one, {each["name"]: each for each in host["Answers"]}))
        for host in told["Hosts"]
        for one in host["Answers"]
    ]


def _seconds(time: str) -> float:
    """Return a time of RFC 3339 in seconds since the epoch."""
    return dt.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


@check(
    "probes-fail-outward",
    "Live probes to the outside fail, and probes to every endpoint succeed",
    severity="high",
    properties=("NET-13",),
    reads=(probes_of.CALL, VPCS),
    remedy="close the way that the probe took, or mend the endpoint, and run airgap probe again",
    over=_probes,
)
def probes(answer: tuple[Item, Mapping[str, Item]], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield a probe that came of something else than it must; one without its positive control shows nothing."""
    status, said = probes_of.told(*answer)
    if status == "unknown":
        raise Undecided(said)
    if status == "fail":
        yield said


def _peers(intent: Intent, estate: Estate) -> Population:
    raise NotApplicable("no second tool is configured for this environment")


@check(
    "peer-agrees",
    "A second tool's verdict on the same resources agrees, or each disagreement is explained",
    severity="medium",
    properties=("EVD-03",),
    reads=("ec2:DescribeVpcs",),
    remedy="run the second tool and record its dispositions",
    over=_peers,
)
def peer(_: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield nothing: without a second tool's verdict there is nothing to compare."""
    return iter(())


CHECKS = (no_paths, agrees, probes, peer)
