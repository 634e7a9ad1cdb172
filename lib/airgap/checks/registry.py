"""The environment's own registry: closed repositories that hold what the lock pins, signed, no way out.

Properties SUP-01, SUP-02, DAT-02, NET-11, INV-01.

AWS: Amazon ECR User Guide, "Private repositories", "Private image replication", "Pull through cache".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airgap.checks.check import NotApplicable, check
from airgap.checks.keys import KEY_READS, own_keys
from airgap.checks.scope import Item, Named, account_row, every
from airgap.model.canonical import dig
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.mirror import Entry, Lock, repositories, wanted
from airgap.model.policy_document import parse
from airgap.model.policy_lint import foreign_principals
from airgap.model.signed_images import signed_by

LOCK = "images:ReadLock"
LISTED, IMAGES = "ecr:DescribeRepositories", "ecr:DescribeImages"


def lock(estate: Estate) -> Lock:
    """Return the lock of images as it was when the estate was taken."""
    return Lock.recorded(estate.page(LOCK))


def own(intent: Intent, estate: Estate) -> Named:
    """Return every repository of the account: an undeclared one is judged as ours."""
    found = [(f"repository:{one['repositoryName']}", one) for one in every(estate, LISTED, "repositories")]
    if not found and not wanted(intent):
        raise NotApplicable("the params name nothing to mirror, and there is no repository")
    return found


def pinned(intent: Intent, estate: Estate) -> list[tuple[str, tuple[str, Entry]]]:
    """Return every entry of the lock with the repository that must hold it."""
    if not wanted(intent):
        raise NotApplicable("the params name nothing to mirror")
    found = repositories(intent, lock(estate).entries)
    return [(f"image:{one.reference}", (name, one)) for name, entries in found.items() for one in entries]


@check(
    "repositories-closed",
    "Repositories are immutable, scanned on push, under the environment's key, and for this account alone",
    severity="high",
    properties=("SUP-01", "DAT-02"),
    reads=(LISTED, *KEY_READS, "ecr:GetRepositoryPolicy", "ecr:GetLifecyclePolicy",
           "ecr:GetRegistryScanningConfiguration"),
    remedy="apply the step images; find in CloudTrail what was pushed while the repository was open",
    over=own,
)  # fmt: skip
def repositories_closed(repository: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield what of a repository is open: its tags, its policy, its key, and what it does not look at."""
    name = repository["repositoryName"]
    if repository.get("imageTagMutability") != "IMMUTABLE":
        yield f"tags can be moved ({repository.get('imageTagMutability')})"
    if not dig(repository, "imageScanningConfiguration.scanOnPush") and not _scanned(name, estate):
        yield "nothing scans what is pushed"
    if dig(repository, "encryptionConfiguration.kmsKey") not in own_keys(intent, estate):
        yield f"its key is {dig(repository, 'encryptionConfiguration.kmsKey') or 'AWS own one'}, none of ours"
    if not (estate.page("ecr:GetLifecyclePolicy", repositoryName=name) or {}).get("lifecyclePolicyText"):
        yield "no lifecycle policy removes what is old"
    page = estate.page("ecr:GetRepositoryPolicy", repositoryName=name) or {}
    yield from _foreign(page.get("policyText", ""), intent)


def _scanned(name: str, estate: Estate) -> bool:
    page = estate.page("ecr:GetRegistryScanningConfiguration") or {}
    rules = dig(page, "scanningConfiguration.rules") or []
    return any(
        one.get("scanFrequency") != "MANUAL" and any(each["filter"] in ("*", name) for each in one["repositoryFilters"])
        for one in rules
    )


def _foreign(text: str, intent: Intent) -> Iterator[str]:
    """Yield each principal that a policy lets in from another account."""
    if text:
        admitted = foreign_principals(parse(text), intent.accounts, intent.organization)
        yield from (*admitted.foreign, *admitted.unresolved)


@check(
    "registry-leads-nowhere",
    "The registry copies nothing out and fetches nothing in",
    severity="critical",
    properties=("SUP-01", "NET-11"),
    reads=("ecr:DescribeRegistry", "ecr:GetRegistryPolicy", "ecr:DescribePullThroughCacheRules",
           "ecr:DescribeRepositoryCreationTemplates"),
    remedy="remove the rule; find in CloudTrail what it has copied",
    over=account_row,
)  # fmt: skip
def registry_sealed(account: None, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield each replication rule, pull-through rule, template and foreign principal of the registry."""
    page = estate.page("ecr:DescribeRegistry") or {}
    for rule in dig(page, "replicationConfiguration.rules") or []:
        for one in rule.get("destinations", []):
            yield f"a rule copies images to {one['registryId']} in {one['region']}"
    for rule in every(estate, "ecr:DescribePullThroughCacheRules", "pullThroughCacheRules"):
        yield f"images of {rule['upstreamRegistryUrl']} are fetched under {rule['ecrRepositoryPrefix']}"
    for template in every(estate, "ecr:DescribeRepositoryCreationTemplates", "repositoryCreationTemplates"):
        yield f"repositories under {template['prefix']} make themselves ({', '.join(template.get('appliedFor', ()))})"
    policy = estate.page("ecr:GetRegistryPolicy") or {}
    yield from _foreign(policy.get("policyText", ""), intent)


@check(
    "registry-holds-the-lock",
    "Every image and chart of the lock is in the registry, by its digest, under its tag, and with its signatures",
    severity="high",
    properties=("SUP-01",),
    reads=(LOCK, LISTED, IMAGES),
    remedy="run 'airgap mirror plan', then 'airgap mirror copy'; a moved tag means that somebody pushed",
    over=pinned,
)
def holds_lock(item: tuple[str, Entry], intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that an entry is missing, that its tag names something else, or what refers to it and is missing."""
    name, entry = item
    held = images_of(name, estate)
    if entry.digest not in held:
        yield f"{entry.digest} is not in {name}"
    elif entry.tag not in held[entry.digest]:
        yield f"{entry.digest} is in {name} without its tag {entry.tag}: a copy was interrupted, or the tag removed"
    for digest, tags in held.items():
        if entry.tag in tags and digest != entry.digest:
            yield f"the tag {entry.tag} names {digest}, not the locked {entry.digest}"
    for what, digest in left_behind(entry, held):
        yield f"{what} {digest}, which was locked with it, is not in {name}"


def left_behind(entry: Entry, held: Mapping[str, object]) -> list[tuple[str, str]]:
    """Return (tag or artifact type, digest) of each signature, SBOM and attestation that digests ``held`` lack."""
    locked = [one.rpartition("@") for one in entry.signatures]
    return [(what, digest) for what, _, digest in locked if digest not in held]


def images_of(repository: str, estate: Estate) -> dict[str, list[str]]:
    """Return the digests that a repository holds, each with its tags; none where there is no such repository."""
    if repository not in [one["repositoryName"] for one in every(estate, LISTED, "repositories")]:
        return {}
    page = estate.page(IMAGES, repositoryName=repository) or {}
    return {one["imageDigest"]: list(one.get("imageTags") or []) for one in page.get("imageDetails", [])}


@check(
    "repositories-declared",
    "Every repository is one that the lock needs, and none is empty",
    severity="medium",
    properties=("SUP-01", "INV-01"),
    reads=(LOCK, LISTED, IMAGES),
    remedy="remove the repository, or lock what it is for",
    over=own,
)
def repositories_declared(repository: Item, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield that nothing in the lock needs a repository, that it is empty, or holds images that nobody locked."""
    name = repository["repositoryName"]
    if name not in repositories(intent, lock(estate).entries):
        yield "nothing in the lock needs it"
    if not images_of(name, estate):
        yield "it is empty"


def to_be_signed(intent: Intent, estate: Estate) -> list[tuple[str, Entry]]:
    """Return every entry of the lock, where the params approve the key of anybody."""
    if not intent.images.signers:
        raise NotApplicable("the params approve nobody's key (images.signers), so no signature of an image is judged")
    return [(f"image:{one.reference}", one) for _, (_, one) in pinned(intent, estate)]


@check(
    "images-signed",
    "Every image and chart of the lock is signed, by its digest, with a key that is approved for where it comes from",
    severity="high",
    properties=("SUP-02",),
    reads=(LOCK,),
    remedy="ask the publisher what happened, and run nothing of it meanwhile; where nobody's key is approved for it: "
    "approve one in images.signers, sign it yourselves, or register an exception",
    over=to_be_signed,
)
def images_signed(entry: Entry, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield why none of those whose keys are approved has signed an entry; the signature itself is verified again."""
    found = signed_by(entry, intent.images.signers)
    if not found.by:
        yield found.why


CHECKS = (repositories_closed, registry_sealed, holds_lock, repositories_declared, images_signed)
