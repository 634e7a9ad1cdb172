"""The runner host: one instance in a private subnet that becomes the deployment role, and whom it talks to.

No inbound rule, no public address, no SSH key, no user data; IMDSv2 alone. Session Manager reaches it, or it asks a
server of the institution in the same subnets for work. AWS: EC2 User Guide, "Use IMDSv2"; Systems Manager User Guide,
"Session Manager".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from airgap.model import delivery
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.plan import Desired, ref
from airgap.resources.cluster_groups import gateway_lists
from airgap.resources.cluster_operations_host import INSTANCE, image
from airgap.resources.kind import declares
from airgap.resources.security_groups import EGRESS, INGRESS, RULE, groups, rule
from airgap.resources.vpc import subnets, tier_of

_IMAGE, _LISTS = "ssm:GetParameter", "ec2:DescribePrefixLists"
GROUP = "runner"


@declares(RULE, reads=(_LISTS,))
def declare_rules(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield whom a runner, or a build, may call: the endpoints, the Kubernetes API, S3, and an inside server."""
    if GROUP not in groups(intent):
        return
    yield rule(GROUP, EGRESS, "tcp", 443, 443, peer="endpoints", why="it reaches AWS through the endpoints")
    yield rule(GROUP, EGRESS, "tcp", 443, 443, peer="cluster", why="Helm and kubectl reach the Kubernetes API")
    yield rule("cluster", INGRESS, "tcp", 443, 443, peer=GROUP, why="Kubernetes API, from the runner")
    if "s3" in (lists := gateway_lists(intent, facts)):
        why = "S3 through its gateway endpoint: layers of charts, tools"
        yield rule(GROUP, EGRESS, "tcp", 443, 443, prefix_list=lists["s3"], why=why)
    if intent.pipeline.variant == delivery.GHES:
        for one in intent.network.private_subnets:
            yield rule(GROUP, EGRESS, "tcp", 443, 443, cidr=one.cidr, why="the CI server, in the sealed subnets")


@declares(INSTANCE, reads=(_IMAGE,))
def declare(intent: Intent, facts: Estate) -> Iterator[Desired]:
    """Yield the runner host, where the variant has one."""
    if not delivery.has_host(intent):
        return
    fields = {
        "image": intent.pipeline.runner_image or image(intent.pipeline.runner_type, facts),
        "type": intent.pipeline.runner_type,
        "subnet": ref(f"subnet:{next(name for name in subnets(intent) if tier_of(name) == 'private')}"),
        "profile": ref("instance-profile:runner", "arn"),
        "public_address": "",
        "ssh_key": "",
        "groups": [ref(f"security-group:{GROUP}")],
        "metadata_tokens": "required",
        "metadata_hops": 1,
        "user_data": False,
        "volume_key": ref("kms-key:data", "arn"),
    }
    rules = [one.key for one in declare_rules(intent, facts) if re.match(r"runner-out-", one.name)]
    why = f"releases get in through it: {delivery.variant(intent).title}"
    yield Desired("instance", "runner", fields, needs=tuple(rules), why=why)
