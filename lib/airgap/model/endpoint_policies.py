"""The policy of each VPC endpoint: who may send requests through it, and to whose resources.

Every document says both sides, the own organisation (or account) as principal and as resource, plus what the service
needs beside, which endpoint_exceptions.py lists. An endpoint policy grants nothing: it bounds what passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airgap.errors import UsageError
from airgap.model.components import REFERENCE, takes_policy
from airgap.model.endpoint_exceptions import APART, BARE, EXEMPT, REFUSED, Exempt, Refused, addon_registry, prefix

LIMIT = 20480  # characters of an endpoint policy, white space included (VPC quotas)


@dataclass(frozen=True)
class EndpointFacts:
    """What the documents and their tests depend on; without an organisation the account alone is "own".

    `models` are foundation model ids or ARNs (of other Regions' models and of inference profiles too); `buckets` are
    the own buckets, Transcribe's output bucket among them; an empty `addon_registry` is AWS's for the Region.
    """

    partition: str
    region: str
    account: str
    organization: str | None = None
    components: tuple[str, ...] = REFERENCE
    models: tuple[str, ...] = ()
    buckets: tuple[str, ...] = ()
    repositories: tuple[str, ...] = ()
    cluster: str = "cluster"
    addon_registry: str = ""

    @property
    def own_principal(self) -> dict[str, str]:
        """The condition that holds for callers of ours alone."""
        if self.organization:
            return {"aws:PrincipalOrgID": self.organization}
        return {"aws:PrincipalAccount": self.account}

    @property
    def own_resource(self) -> dict[str, str]:
        """The condition that holds for resources of ours alone."""
        if self.organization:
            return {"aws:ResourceOrgID": self.organization}
        return {"aws:ResourceAccount": self.account}

    @property
    def model_arns(self) -> tuple[str, ...]:
        """The declared models as ARNs; a foundation model's carries no account."""
        prefix = f"arn:{self.partition}:bedrock:{self.region}::foundation-model/"
        return tuple(each if each.startswith("arn:") else prefix + each for each in self.models)

    @property
    def names(self) -> dict[str, str]:
        """The values of the single-valued fields in templates."""
        registry = self.addon_registry or addon_registry(self.region)
        fixed = {"partition": self.partition, "region": self.region, "account": self.account}
        return {**fixed, "cluster": self.cluster, "addon_registry": registry}


def fill(template: str, facts: EndpointFacts) -> tuple[str, ...]:
    """The template with the facts in place; a many-valued field (bucket, model, repository) gives one text for each."""
    many = {"{model}": facts.model_arns, "{bucket}": facts.buckets, "{repository}": facts.repositories}
    for name, values in many.items():
        if name in template:
            return tuple(each for value in values for each in fill(template.replace(name, value), facts))
    return (template.format(**facts.names),)


def _fill_all(templates: Sequence[str], facts: EndpointFacts) -> list[str]:
    return [each for template in templates for each in fill(template, facts)]


def _own_statement(service: str, facts: EndpointFacts) -> dict[str, Any]:
    apart = APART.get(service)
    where = {"NotResource": fill(apart, facts)[0]} if apart else {"Resource": "*"}
    return {
        "Sid": "OwnCallersOwnResources",
        "Effect": "Allow",
        "Principal": "*",
        "Action": f"{prefix(service)}:*",
        **where,
        "Condition": {"StringEquals": {**facts.own_principal, **facts.own_resource}},
    }


def _bare_statement(service: str, facts: EndpointFacts) -> dict[str, Any]:
    return {
        "Sid": "OwnCallersWithoutResource",
        "Effect": "Allow",
        "Principal": "*",
        "Action": [f"{prefix(service)}:{name}" for name in BARE[service]],
        "Resource": "*",
        "Condition": {"StringEquals": facts.own_principal},
    }


def _exempt_statement(row: Exempt, facts: EndpointFacts) -> dict[str, Any]:
    wanted = dict(row.condition)
    wanted.update(facts.own_principal if row.who == "own" else {})
    wanted.update(facts.own_resource if row.own_resource else {})
    return {
        "Sid": row.sid,
        "Effect": "Allow",
        "Principal": {"Federated": "*"} if row.who == "federated" else "*",
        "Action": list(row.actions),
        "Resource": _fill_all(row.resources, facts),
        **({"Condition": {"StringEquals": wanted}} if wanted else {}),
    }


def _refused_statement(row: Refused, facts: EndpointFacts) -> dict[str, Any]:
    wanted = _fill_all(row.wanted, facts)
    return {
        "Sid": row.sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(row.actions),
        "Resource": fill(row.resource, facts)[0],
        **({"Condition": {"StringNotEquals": {row.key: wanted}}} if wanted else {}),
    }


def document(service: str, facts: EndpointFacts) -> dict[str, Any]:
    """The policy document of the endpoint; raises UsageError for a service whose endpoint takes none."""
    if not takes_policy(service):
        raise UsageError(f"the endpoint of {service} takes no policy", action="limit it by security group, DNS and IAM")
    chosen = set(facts.components)
    exempt = [row for row in EXEMPT.get(service, ()) if not row.components or chosen & set(row.components)]
    statements = [_own_statement(service, facts)]
    statements += [_bare_statement(service, facts)] if service in BARE else []
    statements += [each for each in (_exempt_statement(row, facts) for row in exempt) if each["Resource"]]
    statements += [_refused_statement(row, facts) for row in REFUSED.get(service, ())]
    return {"Version": "2012-10-17", "Statement": statements}
