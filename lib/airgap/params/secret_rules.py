"""Rules of the further secrets: each is one of its own, where pods of the application are, and within IAM's limits."""

from __future__ import annotations

from collections.abc import Iterator

from airgap.model.cluster import service_accounts
from airgap.model.intent import Intent
from airgap.model.names import readable_secrets
from airgap.params.problems import Problem, Where, quoted
from airgap.params.rules import repeated, rule

LIMIT = 9_500
"""Characters of the ARNs of one role's secrets: IAM admits 10,240 in all inline policies of a role (IAM quotas)."""
_WHERE: Where = ("secrets", "further")


@rule("secrets", "components", "cluster", "identity")
def secrets_are_of_their_own(intent: Intent) -> Iterator[Problem]:
    """No secret is declared twice, and no two become the same Kubernetes Secret."""
    secrets = intent.secrets
    # The database's own is known by the logical key secret:database.
    yield from repeated(_WHERE, [*{"database", secrets.database}, *(one.name for one in secrets.further)])
    places = [(place, one.external_secret) for one in secrets.further for place in one.namespaces]
    places.append(("application", secrets.external_secret))
    yield from repeated(_WHERE, [f"{place}/{name}" for place, name in places])


@rule("secrets", "components", "cluster", "identity")
def secrets_are_where_the_application_is(intent: Intent) -> Iterator[Problem]:
    """A secret is mirrored into no namespace of the cluster's or of a controller, and only if something mirrors it."""
    taken = {one.namespace for one in service_accounts(intent)} - {"application"}
    for index, one in enumerate(intent.secrets.further):
        where: Where = (*_WHERE, index, "namespaces")
        for name in one.namespaces:
            if name in taken or name.startswith("kube-") or name in ("default", "amazon-cloudwatch"):
                yield Problem(where, f"{quoted(name)} is no namespace of the application", "name one of its own")
        if one.namespaces and "external-secrets" not in intent.components:
            what = "component external-secrets, which would mirror it, is not chosen"
            yield Problem(where, what, "choose it, or write namespaces: []")


@rule("secrets", "account", "region", "partition")
def secrets_are_rotated_here(intent: Intent) -> Iterator[Problem]:
    """A function that renews a secret is of this account and Region, and its role is among the secret's readers."""
    own = intent.arn("lambda", "function:")
    for index, one in enumerate(intent.secrets.further):
        if one.rotated_by and not one.rotated_by.startswith(own):
            what = f"{quoted(one.rotated_by)} is not of this environment; allowed: {own}..."
            yield Problem((*_WHERE, index, "rotated_by"), what)
        if one.rotated_by and not one.readers:
            what = "the list is empty, so the function that renews the secret could not read it"
            yield Problem((*_WHERE, index, "readers"), what, "name the function's role")


@rule("secrets", "account", "region", "partition", "prefix", "identity", "components")
def secrets_fit_a_policy(intent: Intent) -> Iterator[Problem]:
    """The ARNs of the secrets that a role of ours may read fit into its inline policy."""
    for role in (intent.name("external-secrets"), intent.identity.deploy_role):
        arns = [intent.arn("secretsmanager", f"secret:{name}-??????") for name in readable_secrets(intent, role)]
        length = sum(len(arn) + 3 for arn in arns)  # two quotes and a comma
        if length > LIMIT:
            what = f"the ARNs of {len(arns)} secrets that role {role} reads have {length} characters"
            yield Problem(_WHERE, f"{what}; allowed: {LIMIT}", "shorten names, or keep several values in one secret")
