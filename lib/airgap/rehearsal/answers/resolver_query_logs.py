"""Route 53 Resolver query logging: the operations that moto lacks, and a destination that exists."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers, before
from airgap.rehearsal.wire import Call, Refusal

SERVICE = "route53resolver"


@before(SERVICE, "CreateResolverQueryLogConfig")
def destination(call: Call) -> None:
    """A log group or bucket that is named as the destination exists."""
    arn = call.get("DestinationArn", "")
    if ":log-group:" in arn:
        there = arn.split(":log-group:")[1].removesuffix(":*") in call.backend("logs").groups
    elif ":s3:::" in arn:
        there = arn.split(":::")[1].split("/")[0] in call.backend("s3").buckets
    else:
        there = True
    if not there:
        raise Refusal("InvalidParameterException", f"[RSLVR-01014] The destination {arn} does not exist")


def _config(call: Call) -> Any:
    identifier = call.get("ResolverQueryLogConfigId")
    config = call.backend(SERVICE).resolver_query_log_configs.get(identifier)
    if config is None:
        message = f"[RSLVR-01601] The specified query logging configuration doesn't exist: {identifier}"
        raise Refusal("ResourceNotFoundException", message)
    return config


@answers(SERVICE, "DisassociateResolverQueryLogConfig")
def disassociate(call: Call) -> dict[str, Any]:
    """Stop logging the queries of a VPC."""
    config, backend = _config(call), call.backend(SERVICE)
    held = backend.resolver_query_log_config_associations
    wanted = (config.id, call.get("ResourceId"))
    for identifier, one in list(held.items()):
        if (one.resolver_query_log_config_id, one.resource_id) == wanted:
            del held[identifier]
            config.association_count -= 1
            return {"ResolverQueryLogConfigAssociation": {**one.description(), "Status": "DELETING"}}
    message = f"The VPC {wanted[1]} is not associated with {config.id}"
    raise Refusal("ResourceNotFoundException", message)


@answers(SERVICE, "DeleteResolverQueryLogConfig")
def delete(call: Call) -> dict[str, Any]:
    """Delete a configuration that no VPC uses."""
    config = _config(call)
    if config.association_count:
        message = f"[RSLVR-01602] The configuration {config.id} is associated with VPCs; disassociate them first"
        raise Refusal("InvalidRequestException", message)
    del call.backend(SERVICE).resolver_query_log_configs[config.id]
    return {"ResolverQueryLogConfig": {**config.description(), "Status": "DELETING"}}
