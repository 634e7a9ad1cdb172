"""Views of the entrance: what is wrong is said where it stands, and what a person must publish is shown."""

from __future__ import annotations

import copy
from typing import Any

import drawn_estates as drawn

from airgap.views import VIEWS, Look


def said(name: str, change: Any = None) -> str:
    """The words of a view of the deployed environment, after a change of its pages."""
    pages = copy.deepcopy(drawn.deployed())
    if change:
        change({call: body for (call, _), body in pages.items() if call.startswith(("elbv2:", "wafv2:", "acm:"))})
    step, name = ("network", name) if name == "topology" else ("edge", name)
    return VIEWS[step][name](Look(drawn.DEMO, drawn.estate(pages))).text()


def test_the_entrance_says_what_waf_says_of_the_load_balancer_itself() -> None:
    assert "✓ fintech-app, as WAF says of the load balancer itself" in said("entrance")
    assert "✗ none" in said("entrance", lambda pages: pages["wafv2:GetWebACLForResource"].clear())


def test_listeners_show_their_versions_of_tls_and_what_they_do() -> None:
    assert "TLSv1.2, TLSv1.3" in said("listeners")
    assert "redirect to HTTPS 443 (HTTP_301)" in said("listeners")

    def forward(pages: Any) -> None:
        pages["elbv2:DescribeListeners"]["Listeners"][1]["DefaultActions"] = [
            {"Type": "forward", "TargetGroupArn": "arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/other/1"}
        ]

    assert "forward to other" in said("listeners", forward)


def test_a_rule_that_only_counts_is_marked() -> None:
    assert "only counts" not in said("firewall")

    def count(pages: Any) -> None:
        pages["wafv2:GetWebACL"]["WebACL"]["Rules"][1]["OverrideAction"] = {"Count": {}}

    assert "✗ only counts" in said("firewall", count)


def test_a_certificate_that_waits_shows_the_record_to_publish() -> None:
    def pend(pages: Any) -> None:
        pages["acm:DescribeCertificate"]["Certificate"]["Status"] = "PENDING_VALIDATION"

    text = said("certificate", pend)
    assert "… PENDING_VALIDATION" in text
    assert "_1a.fintech.example.com. CNAME" in text
    assert "there nobody publishes" in text


def test_the_topology_shows_the_load_balancer_where_it_stands() -> None:
    assert "Load balancer fintech-app, internet-facing: public-a, public-b." in said("topology")

    def strange(pages: Any) -> None:
        pages["elbv2:DescribeLoadBalancers"]["LoadBalancers"][0]["LoadBalancerName"] = "shadow"

    text = said("topology", strange)
    assert "Load balancer shadow, internet-facing, not declared: public-a, public-b." in text
    assert "Load balancer fintech-app, internet-facing: known after apply." in text
