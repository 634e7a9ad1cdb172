"""A bundle's way into the evidence bucket, by the params of its environment, and the receipt beside it."""

from __future__ import annotations

import json
from pathlib import Path

from airgap import params
from airgap.cloud.binding import check_world
from airgap.cloud.evidence_store import Lock, Receipt, evidence_store
from airgap.errors import UsageError
from airgap.evidence import signing, stamping
from airgap.evidence.bundle.members import opened
from airgap.evidence.files import write_whole
from airgap.model import names
from airgap.model.canonical import encode
from airgap.model.intent import Intent

SUFFIX = ".s3.json"
SCHEMA = "airgap/receipt/v1"


def receipt_file(bundle: Path) -> Path:
    """Return the file beside a bundle that says where it lies under Object Lock."""
    return bundle.with_name(bundle.name + SUFFIX)


def upload(bundle: Path, root: Path | None = None) -> list[Receipt]:
    """Upload a bundle, its signature and its time-stamp, where there are any, and keep the receipts beside it.

    Raises ``UsageError`` where it is no archive, or its environment's params declare no lock, or another place;
    ``AirgapError`` where the bucket, or what was read back, is not as declared.
    """
    if not bundle.is_file():
        raise UsageError(f"{bundle} is no archive", "anything", "name the .zip that 'airgap bundle create' wrote")
    run = json.loads(opened(str(bundle))["run.json"])
    intent = params.load(run["env"], root or params.project_root())
    check_world(intent.world)
    _same_place(run, intent)
    days, mode = intent.logs.evidence_lock_days, intent.logs.evidence_lock_mode
    if not days:
        raise UsageError(
            f"The params of {run['env']} declare no lock: logs.evidence_lock_days is 0",
            "anything; nothing was uploaded",
            "declare a number of days, as 2192 for six years and a day, and apply the step network",
        )
    bucket = names.bucket(intent, "evidence")
    store = evidence_store(bucket, intent.account, intent.region, Lock(mode, days))
    beside = [one for one in (signing.side_file(bundle), stamping.side_file(bundle)) if one.is_file()]
    receipts = store.put(f"bundles/{run['env']}", [bundle, *beside])
    told = {"schema": SCHEMA, "run_id": run["run_id"], "uploaded": [one.as_data() for one in receipts]}
    write_whole(receipt_file(bundle), encode(told) + "\n")
    return receipts


def _same_place(run: dict[str, str], intent: Intent) -> None:
    was, now = (
        tuple(run[name] for name in ("account", "region", "world")),
        (intent.account, intent.region, intent.world),
    )
    if was != now:
        raise UsageError(
            f"The bundle is of {', '.join(was)}, and the params of {run['env']} say {', '.join(now)}",
            "anything; nothing was uploaded",
            "use the params that the run was made by",
        )
