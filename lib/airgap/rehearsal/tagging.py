"""Tags of what the supplement keeps: read from requests, and kept by moto where EC2's CreateTags can change them."""

from __future__ import annotations

from airgap.rehearsal.wire import Call

Tags = list[dict[str, str]]


def requested_tags(call: Call, resource_type: str) -> Tags:
    """Return the tags that an EC2 request specifies for a resource type."""
    return [
        {"Key": tag["Key"], "Value": tag.get("Value", "")}
        for specification in call.get("TagSpecifications", [])
        if specification.get("ResourceType") == resource_type
        for tag in specification.get("Tags", [])
    ]
