"""Launch templates: their own tags are no part of their data, versions take a source, and what is gone is named."""

from __future__ import annotations

from typing import Any

from moto.ec2.models import EC2Backend

from airgap.rehearsal.hook import after, before
from airgap.rehearsal.wire import Call, Refusal

_create = EC2Backend.create_launch_template


def _without_own_tags(self: Any, name: str, description: str, data: dict[str, Any], tag_spec: Any) -> Any:
    """moto puts the template's own tags among those of its instances."""
    kept = [x for x in data.get("TagSpecifications", []) if x["ResourceType"] != "launch-template"]
    data = {**{member: value for member, value in data.items() if value is not None}, "TagSpecifications": kept}
    if not kept:
        del data["TagSpecifications"]
    return _create(self, name, description, data, tag_spec)


def _found(call: Call) -> Any:
    backend = call.backend("ec2")
    identifier, name = call.get("LaunchTemplateId"), call.get("LaunchTemplateName")
    if identifier is None:
        identifier = backend.launch_template_name_to_ids.get(name)
    return backend.launch_templates.get(identifier)


@before("ec2", "DescribeLaunchTemplates")
def known(call: Call) -> None:
    """EC2 names the template that does not exist."""
    for identifier in call.get("LaunchTemplateIds", []):
        if identifier not in call.backend("ec2").launch_templates:
            message = f"The specified launch template, with template ID {identifier}, does not exist."
            raise Refusal("InvalidLaunchTemplateId.NotFound", message)


@after("ec2", "CreateLaunchTemplateVersion")
def from_source(call: Call, result: dict[str, Any]) -> None:
    """A version that names a source begins with the source's data; moto begins with nothing."""
    template = _found(call)
    if template is None:
        return
    made = template.latest_version()
    if call.get("SourceVersion"):
        made.data = {**template.get_version(call.get("SourceVersion")).data, **made.data}
        result["LaunchTemplateVersion"]["LaunchTemplateData"] = {
            **result["LaunchTemplateVersion"].get("LaunchTemplateData", {}),
            **{member: value for member, value in made.data.items() if value is not None},
        }


EC2Backend.create_launch_template = _without_own_tags
