"""DNS Firewall: the names that the environment may resolve, and every other name answered NXDOMAIN (REQUIREMENTS: DNS).

The VPC's resolver asks the internet for whoever asks it, with no route, group or flow log in between; only its firewall
closes that way. AWS: Route 53 Developer Guide, "Using DNS Firewall to filter outbound DNS traffic".
"""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.model.reading import NEVER, Field, Reading
from airgap.resources.dns_names import allowed_names
from airgap.resources.kind import Call, Fields, Kind, declares, tag_list

# The first priority that an account may use: only the groups of Firewall Manager are asked before.
FIRST = 101
ALLOW, BLOCK = 100, 200
_TAGS = "route53resolver:ListTagsForResource|ResourceArn=Arn|Tags"
_GONE = ("ResourceNotFoundException",)
_IN_USE = ("ConflictException",)

DOMAIN_LIST = Kind(
    "firewall-domain-list",
    "DNS Firewall domain list",
    Reading(
        "route53resolver:ListFirewallDomainLists",
        "FirewallDomainLists",
        "Id",
        tags=_TAGS,
        unless=(("ManagedOwnerName", "?*"),),
        fields={
            "name": Field("Name", change=NEVER, why="a list's name cannot be changed"),
            "domains": Field(
                "Domains",
                call="route53resolver:ListFirewallDomains",
                by={"FirewallDomainListId": "Id"},
                form="domains",
                risk="opens",
                why="these names resolve, or do not",
            ),
        },
        state="Status",
        settled=("COMPLETE",),
        failed=("COMPLETE_IMPORT_FAILED",),
    ),
    create=(
        Call(
            "route53resolver:CreateFirewallDomainList",
            lambda f: {"Name": f["name"], "Tags": tag_list(f)},
            result="FirewallDomainList",
        ),
    ),
    later=("domains",),
    updates={
        "domains": (
            Call(
                "route53resolver:UpdateFirewallDomains",
                lambda f: {"FirewallDomainListId": f["id"], "Operation": "REPLACE", "Domains": f["domains"]},
                retry=_IN_USE,
            ),
        )
    },
    delete=(
        Call(
            "route53resolver:DeleteFirewallDomainList",
            lambda f: {"FirewallDomainListId": f["id"]},
            ignore=_GONE,
            retry=_IN_USE,
        ),
    ),
    poll=Call(
        "route53resolver:GetFirewallDomainList",
        lambda f: {"FirewallDomainListId": f["id"]},
        result="FirewallDomainList",
        ignore=_GONE,
    ),
)

RULE_GROUP = Kind(
    "firewall-rule-group",
    "DNS Firewall rule group",
    Reading(
        "route53resolver:ListFirewallRuleGroups",
        "FirewallRuleGroups",
        "Id",
        tags=_TAGS,
        fields={"name": Field("Name", change=NEVER, why="a group's name cannot be changed")},
    ),
    create=(
        Call(
            "route53resolver:CreateFirewallRuleGroup",
            lambda f: {"Name": f["name"], "Tags": tag_list(f)},
            result="FirewallRuleGroup",
        ),
    ),
    delete=(
        Call(
            "route53resolver:DeleteFirewallRuleGroup",
            lambda f: {"FirewallRuleGroupId": f["id"]},
            ignore=_GONE,
            retry=_IN_USE,
        ),
    ),
)


def _rule(f: Fields) -> dict[str, object]:
    return {
        "FirewallRuleGroupId": f["group"],
        "FirewallDomainListId": f["list"],
        "Name": f["name"],
        "Priority": f["priority"],
        "Action": f["action"],
        "BlockResponse": f.get("block_response"),
        "FirewallDomainRedirectionAction": f["redirection"],
    }


FIREWALL_RULE = Kind(
    "firewall-rule",
    "DNS Firewall rule",
    Reading(
        "route53resolver:ListFirewallRules",
        "FirewallRules",
        "FirewallRuleGroupId+FirewallDomainListId+FirewallThreatProtectionId+Qtype",
        owner="parent",
        natural=("group", "list", "threat", "qtype"),
        fields={
            "group": Field("FirewallRuleGroupId", change=NEVER),
            "list": Field("FirewallDomainListId", change=NEVER),
            "threat": Field("FirewallThreatProtectionId", change=NEVER),
            "qtype": Field("Qtype", change=NEVER),
            "name": Field("Name"),
            "priority": Field("Priority", risk="opens"),
            "action": Field("Action", risk="opens"),
            "block_response": Field("BlockResponse"),
            "redirection": Field("FirewallDomainRedirectionAction", risk="opens"),
        },
    ),
    create=(Call("route53resolver:CreateFirewallRule", _rule, retry=_IN_USE),),
    updates=dict.fromkeys(
        ("name", "priority", "action", "block_response", "redirection"),
        (Call("route53resolver:UpdateFirewallRule", _rule),),
    ),
    delete=(
        Call(
            "route53resolver:DeleteFirewallRule",
            lambda f: {
                "FirewallRuleGroupId": f["group"],
                "FirewallDomainListId": f["list"],
                "FirewallThreatProtectionId": f.get("threat"),
                "Qtype": f.get("qtype"),
            },
            ignore=_GONE,
            retry=_IN_USE,
        ),
    ),
)


def _change(**values: str) -> Call:
    """An update of the association; ``values`` are parameters and the fields, or ``=literals``, that they take."""
    return Call(
        "route53resolver:UpdateFirewallRuleGroupAssociation",
        lambda f: {
            "FirewallRuleGroupAssociationId": f["id"],
            **{name: value[1:] if value.startswith("=") else f[value] for name, value in values.items()},
        },
        retry=_IN_USE,
    )


FIREWALL_ASSOCIATION = Kind(
    "firewall-association",
    "DNS Firewall of the VPC",
    Reading(
        "route53resolver:ListFirewallRuleGroupAssociations",
        "FirewallRuleGroupAssociations",
        "Id",
        tags=_TAGS,
        unless=(("Status", "DELETING"),),
        fields={
            "name": Field("Name"),
            "vpc": Field("VpcId", change=NEVER),
            "group": Field("FirewallRuleGroupId", change=NEVER),
            "priority": Field("Priority", risk="opens", why="other groups are asked first"),
            "protection": Field("MutationProtection", risk="unprotects"),
        },
        state="Status",
        settled=("COMPLETE",),
    ),
    create=(
        Call(
            "route53resolver:AssociateFirewallRuleGroup",
            lambda f: {
                "FirewallRuleGroupId": f["group"],
                "VpcId": f["vpc"],
                "Priority": f["priority"],
                "Name": f["name"],
                "MutationProtection": f["protection"],
                "Tags": tag_list(f),
            },
            result="FirewallRuleGroupAssociation",
            retry=_IN_USE,
        ),
    ),
    # Under mutation protection nothing but the protection can be changed.
    updates={
        "protection": (_change(MutationProtection="protection"),),
        **dict.fromkeys(
            ("name", "priority"),
            (
                _change(MutationProtection="=DISABLED"),
                _change(Priority="priority", Name="name"),
                _change(MutationProtection="protection"),
            ),
        ),
    },
    delete=(
        Call(
            "route53resolver:DisassociateFirewallRuleGroup",
            lambda f: {"FirewallRuleGroupAssociationId": f["id"]},
            ignore=_GONE,
            retry=_IN_USE,
        ),
    ),
    poll=Call(
        "route53resolver:GetFirewallRuleGroupAssociation",
        lambda f: {"FirewallRuleGroupAssociationId": f["id"]},
        result="FirewallRuleGroupAssociation",
        ignore=_GONE,
    ),
    protection={"protection": "DISABLED"},
    seconds=30.0,
    gone=True,
)

_CONFIGURE = Call(
    "route53resolver:UpdateFirewallConfig",
    lambda f: {"ResourceId": f["vpc"], "FirewallFailOpen": f["fail_open"]},
    result="FirewallConfig",
)

FIREWALL_CONFIG = Kind(
    "firewall-config",
    "DNS Firewall's answer when it cannot answer",
    Reading(
        "route53resolver:GetFirewallConfig",
        "FirewallConfig",
        "Id",
        owner="parent",
        natural=("vpc",),
        fields={
            "vpc": Field("ResourceId", change=NEVER),
            "fail_open": Field("FirewallFailOpen", risk="opens", why="a firewall that is down would let names through"),
        },
    ),
    create=(_CONFIGURE,),
    updates={"fail_open": (_CONFIGURE,)},
)


@declares(DOMAIN_LIST, RULE_GROUP, FIREWALL_RULE, FIREWALL_ASSOCIATION, FIREWALL_CONFIG)
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the two lists, the group with its two rules, its protected association, and the VPC's failing closed.

    Redirections are inspected: an allowed name whose CNAME leads to a name that is not allowed does not resolve.
    """
    names = {"allowed": sorted(allowed_names(intent)), "every-name": ["*"]}
    for name, domains in names.items():
        fields = {"name": intent.name(name), "domains": domains}
        yield Desired("firewall-domain-list", name, fields, why="derived from the components and network.dns_allow")
    yield Desired("firewall-rule-group", "main", {"name": intent.name("dns")}, why="the declared names, and no other")
    group = ref("firewall-rule-group:main")
    common = {"group": group, "redirection": "INSPECT_REDIRECTION_DOMAIN"}
    allow = {"name": "allow", "list": ref("firewall-domain-list:allowed"), "priority": ALLOW, "action": "ALLOW"}
    block = {"name": "block", "list": ref("firewall-domain-list:every-name"), "priority": BLOCK, "action": "BLOCK"}
    yield Desired("firewall-rule", "allow", {**common, **allow}, why="names that the components need")
    yield Desired("firewall-rule", "block", {**common, **block, "block_response": "NXDOMAIN"}, why="every other name")
    rules = ("firewall-rule:allow", "firewall-rule:block", "firewall-config:main")
    bound = {"name": intent.name("dns"), "vpc": ref("vpc:main"), "group": group, "priority": FIRST}
    why = "the resolver's own way out is closed"
    yield Desired("firewall-association", "main", {**bound, "protection": "ENABLED"}, needs=rules, why=why)
    closed = {"vpc": ref("vpc:main"), "fail_open": "DISABLED"}
    yield Desired("firewall-config", "main", closed, why="no answer rather than any answer")
