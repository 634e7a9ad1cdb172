"""Resource Groups Tagging API: kinds that moto does not list, and resource types as AWS spells them in ARNs.

IAM is in AWS's answer only through us-east-1 and for a few types; it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.ec2.models import EC2Backend

from airgap.rehearsal.eks.others import tagged
from airgap.rehearsal.elasticache.state import tagged as caches
from airgap.rehearsal.hook import before
from airgap.rehearsal.store import store
from airgap.rehearsal.wire import Call, backend_of

_SPELLING = {"flow-logs": "vpc-flow-log", "managed-prefix-lists": "prefix-list"}
_iterate = EC2Backend.iter_tagged_resources


def _more(backend: Any) -> Iterator[tuple[str, str]]:
    """Yield (type, id) of the EC2 resources that moto's list leaves out."""
    rules = (
        rule
        for vpc in backend.groups.values()
        for group in vpc.values()
        for rule in (*group.ingress_rules, *group.egress_rules)
    )
    kinds: dict[str, Iterable[Any]] = {
        "vpc-endpoint": backend.vpc_end_points.values(),
        "launch-template": backend.launch_templates.values(),
        "network-acl": backend.network_acls.values(),
        "dhcp-options": backend.dhcp_options_sets.values(),
        "egress-only-internet-gateway": backend.egress_only_internet_gateways.values(),
        "security-group-rule": rules,
    }
    yield from ((kind, resource.id) for kind, resources in kinds.items() for resource in resources)
    yield from (("elastic-ip", address.allocation_id) for address in backend.addresses)


def _of_ec2(self: Any) -> Iterator[TaggedResource]:
    for resource in _iterate(self):
        kind = resource.resource_type.split(":")[1]
        spelled = _SPELLING.get(kind, kind)
        arn = resource.arn.replace(f":{kind}/", f":{spelled}/")
        yield replace(resource, arn=arn, resource_type=f"ec2:{spelled}")
    for kind, identifier in _more(self):
        arn = f"arn:{self.partition}:ec2:{self.region_name}:{self.account_id}:{kind}/{identifier}"
        yield TaggedResource(arn, dict(self.tags.get(identifier, {})), f"ec2:{kind}")


def _by_tagger(tagger: Any, service: str) -> Iterator[TaggedResource]:
    for arn in list(tagger.tags):
        kind = arn.split(":", 5)[5].split("/")[0]
        yield TaggedResource(arn, tagger.get_tag_dict_for_resource(arn), f"{service}:{kind}")


class Others(BaseBackend, TaggableResourcesMixin):  # type: ignore[misc]  # moto is untyped
    """The tagged resources of services that take no part in moto's tagging."""

    SERVICE_NAMESPACE = "rehearsal"

    def iter_tagged_resources(self) -> Iterator[TaggedResource]:
        """Yield what EKS has, repositories, web ACLs, trails and what DNS Firewall has."""
        for arn, _, record in tagged(store(self.account_id, self.region_name, "eks")):
            yield TaggedResource(arn, dict(record["tags"]), f"eks:{arn.split(':', 5)[5].split('/')[0]}")
        for record in caches(store(self.account_id, self.region_name, "elasticache")):
            kind = record["ARN"].split(":")[5]
            yield TaggedResource(record["ARN"], dict(record["_tags"]), f"elasticache:{kind}")
        yield from _by_tagger(self._backend("ecr").tagger, "ecr")
        yield from _by_tagger(self._backend("wafv2").tagging_service, "wafv2")
        yield from _by_tagger(self._backend("cloudtrail").tagging_service, "cloudtrail")
        yield from _by_tagger(self._backend("route53resolver").tagger, "route53resolver")

    def owns_arn(self, _: str) -> bool:
        """Tagging goes to the services themselves."""
        return False

    def _backend(self, service: str) -> Any:
        return backend_of(service, self.account_id, self.region_name)


others = BackendDict(Others, "ec2")


@before("resourcegroupstaggingapi", "*")
def take_part(call: Call) -> None:
    """moto asks only the backends that the account has used."""
    assert others[call.account][call.region]


EC2Backend.iter_tagged_resources = _of_ec2
