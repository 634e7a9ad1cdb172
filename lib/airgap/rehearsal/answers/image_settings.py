"""EC2 settings of a Region that new instances begin with: metadata defaults, and which images are allowed."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Store, store
from airgap.rehearsal.wire import Call

_DEFAULTS = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags", "HttpTokensEnforced")
_NO_PREFERENCE = ("no-preference", -1)


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "ec2")


@answers("ec2", "GetInstanceMetadataDefaults")
def metadata_defaults(call: Call) -> dict[str, Any]:
    """Return what somebody set; what nobody set is left to each launch."""
    level = _kept(call).settings.get("metadata-defaults", {})
    return {"AccountLevel": {**level, "ManagedBy": "account"}}


@answers("ec2", "ModifyInstanceMetadataDefaults")
def set_metadata_defaults(call: Call) -> dict[str, Any]:
    """Set defaults; no preference takes one back."""
    level = dict(_kept(call).settings.get("metadata-defaults", {}))
    level.update({name: call.get(name) for name in _DEFAULTS if call.get(name) is not None})
    _kept(call).settings["metadata-defaults"] = {k: v for k, v in level.items() if v not in _NO_PREFERENCE}
    return {"Return": True}


@answers("ec2", "GetAllowedImagesSettings")
def allowed_images(call: Call) -> dict[str, Any]:
    """Return whether images must meet criteria, and which."""
    settings = _kept(call).settings
    state, criteria = settings.get("allowed-images", "disabled"), settings.get("image-criteria", [])
    return {"State": state, "ImageCriteria": criteria, "ManagedBy": "account"}


@answers("ec2", "EnableAllowedImagesSettings", "DisableAllowedImagesSettings")
def switch_allowed_images(call: Call) -> dict[str, Any]:
    """Switch the criteria on, on in audit mode, or off."""
    state = call.get("AllowedImagesSettingsState", "disabled")
    _kept(call).settings["allowed-images"] = state
    return {"AllowedImagesSettingsState": state}


@answers("ec2", "ReplaceImageCriteriaInAllowedImagesSettings")
def replace_criteria(call: Call) -> dict[str, Any]:
    """Set the criteria."""
    _kept(call).settings["image-criteria"] = call.get("ImageCriteria", [])
    return {"ReturnValue": True}
