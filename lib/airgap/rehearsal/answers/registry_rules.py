"""ECR's rules that fetch images from elsewhere, templates of repositories that make themselves, and signing."""

from __future__ import annotations

from typing import Any

from airgap.rehearsal.hook import answers
from airgap.rehearsal.store import Record, Store, now, store
from airgap.rehearsal.wire import Call, Refusal

RULE, TEMPLATE = "pull-through", "template"
_MISSING = {RULE: "PullThroughCacheRuleNotFoundException", TEMPLATE: "TemplateNotFoundException"}
_THERE = {RULE: "PullThroughCacheRuleAlreadyExistsException", TEMPLATE: "TemplateAlreadyExistsException"}


def _kept(call: Call) -> Store:
    return store(call.account, call.region, "ecr")


def _new(call: Call, kind: str, key: str) -> Record:
    if _kept(call).get(kind, key):
        raise Refusal(_THERE[kind], f"The {kind} with prefix '{key}' already exists")
    given = {name: value for name, value in call.params.items() if name != "registryId"}
    return _kept(call).put(kind, key, {**given, "createdAt": now(), "updatedAt": now()})


def _found(call: Call, kind: str, key: str) -> Record:
    record = _kept(call).get(kind, key)
    if record is None:
        raise Refusal(_MISSING[kind], f"The {kind} with prefix '{key}' does not exist")
    return record


def _chosen(call: Call, kind: str, member: str, asked: str) -> list[Record]:
    wanted = call.get(asked)
    for key in wanted or ():
        _found(call, kind, key)
    return [one for one in _kept(call).all(kind) if not wanted or one[member] in wanted]


@answers("ecr", "CreatePullThroughCacheRule")
def create_rule(call: Call) -> dict[str, Any]:
    """Make a rule that fetches images of a prefix from another registry."""
    record = _new(call, RULE, call.get("ecrRepositoryPrefix"))
    record["registryId"] = call.account
    return record


@answers("ecr", "DescribePullThroughCacheRules")
def rules(call: Call) -> dict[str, Any]:
    """Return the rules, or those of some prefixes."""
    return {"pullThroughCacheRules": _chosen(call, RULE, "ecrRepositoryPrefix", "ecrRepositoryPrefixes")}


@answers("ecr", "UpdatePullThroughCacheRule")
def update_rule(call: Call) -> dict[str, Any]:
    """Change the credentials of a rule."""
    record = _found(call, RULE, call.get("ecrRepositoryPrefix"))
    record.update({name: value for name, value in call.params.items() if name != "registryId"}, updatedAt=now())
    return record


@answers("ecr", "DeletePullThroughCacheRule")
def delete_rule(call: Call) -> dict[str, Any]:
    """Take a rule away."""
    record = _found(call, RULE, call.get("ecrRepositoryPrefix"))
    _kept(call).remove(RULE, call.get("ecrRepositoryPrefix"))
    return record


@answers("ecr", "CreateRepositoryCreationTemplate")
def create_template(call: Call) -> dict[str, Any]:
    """Make a template for repositories that appear by themselves."""
    return {"registryId": call.account, "repositoryCreationTemplate": _new(call, TEMPLATE, call.get("prefix"))}


@answers("ecr", "DescribeRepositoryCreationTemplates")
def templates(call: Call) -> dict[str, Any]:
    """Return the templates, or those of some prefixes."""
    chosen = _chosen(call, TEMPLATE, "prefix", "prefixes")
    return {"registryId": call.account, "repositoryCreationTemplates": chosen}


@answers("ecr", "DeleteRepositoryCreationTemplate")
def delete_template(call: Call) -> dict[str, Any]:
    """Take a template away."""
    record = _found(call, TEMPLATE, call.get("prefix"))
    _kept(call).remove(TEMPLATE, call.get("prefix"))
    return {"registryId": call.account, "repositoryCreationTemplate": record}


@answers("ecr", "PutSigningConfiguration", "GetSigningConfiguration", "DeleteSigningConfiguration")
def signing(call: Call) -> dict[str, Any]:
    """What ECR signs by itself when it is pushed."""
    kept = _kept(call).settings
    if call.operation == "PutSigningConfiguration":
        kept["signing"] = call.get("signingConfiguration")
        return {"signingConfiguration": kept["signing"]}
    if "signing" not in kept:
        raise Refusal("SigningConfigurationNotFoundException", "There is no signing configuration")
    found = kept["signing"] if call.operation.startswith("Get") else kept.pop("signing")
    return {"registryId": call.account, "signingConfiguration": found}
