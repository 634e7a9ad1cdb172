"""The data stores of an environment on real components of the lab: what stands in AWS, set up here and tried.

Nothing is described again: names, parameters, users and the functions' package are those that the steps declare, or
what a run or snapshot has recorded of the stores where one is given, drift included.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from airgap.errors import MissingPredecessor, Unreadable, UsageError
from airgap.evidence.pages import PageFolder
from airgap.lab import data_planes
from airgap.lab.data_planes import Planes
from airgap.lab.postgres import MAJOR, Declared
from airgap.lab.valkey import DeclaredCache, User
from airgap.model.estate import Estate
from airgap.model.intent import Intent
from airgap.model.observation import Observation
from airgap.model.plan import Desired, references
from airgap.model.reading import Unknown
from airgap.model.survey import survey
from airgap.resources import cache, cache_users, database, database_groups, packages, vectors
from airgap.resources.kind import Declaration

Fields = Mapping[str, Mapping[str, Any]]
DECLARATIONS = (database.declare, cache.declare, vectors.declare)
KINDS = (database.INSTANCE, database_groups.PARAMETER_GROUP, cache_users.USER, cache_users.USER_GROUP,
         cache.REPLICATION_GROUP)  # fmt: skip
"""What a record must tell of the stores; it knows no table, which is the functions' work."""
REFERRING = ("user_groups", "users")
"""Fields that name other resources, by ids that stand for references."""
INDEXES = ("steps/*_attest/observations.json", "observations/index.json", "index.json")


def show(
    intent: Intent, folder: Path, aws: Mapping[str, str], tell: Callable[[str], None] = print,
    source: Path | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Set database and cache up for real, try them, and return the records as probes (``model.probes``).

    They stand as ``source`` (a run's folder or a snapshot) has recorded them, without one as they are declared. ``aws``
    are the variables of an embedded AWS with nothing in it, for Secrets Manager; ``tell`` says what is installed; logs
    stay in ``folder``. ``of`` of a record says which. Raises UsageError where the lab has not what is asked for.
    """
    planes = declared(intent) if source is None else recorded(intent, estate_in(intent, source))
    of = f"recorded in {source.name}" if source else "declared"
    return [{**one, "of": of} for one in data_planes.show(planes, folder, aws, tell)]


def with_stores(intent: Intent, source: Path, tell: Callable[[str], None]) -> Path | None:
    """Return a run's folder where it has recorded the stores; else None, after telling why they stand as declared."""
    try:
        recorded(intent, estate_in(intent, source))
    except (MissingPredecessor, Unreadable, UsageError) as error:
        tell(f"the stores stand as declared: {error.what}")
        return None
    return source


def declared(intent: Intent) -> Planes:
    """Return what the step ``data`` declares of database, cache and the functions' work, as the lab takes it."""
    return _planes(intent, {key: held for one in DECLARATIONS for key, held in fields_of(intent, one).items()})


def recorded(intent: Intent, estate: Estate) -> Planes:
    """Return the same as an estate has recorded it; raises where a store is not there or could not be read."""
    nothing = Estate((), _never, account=intent.account, region=intent.region, taken_at="")
    desired = [one for declare in DECLARATIONS for one in declare(intent, nothing)]
    held: dict[str, Mapping[str, Any]] = {one.key: one.fields for one in desired}
    mine = {kind.name: kind.reading for kind in KINDS}
    found = survey(intent.environment, mine, [one for one in desired if one.kind in mine], estate)
    for cause in found.unreadable.values():
        raise Unreadable(f"The stores were not read: {cause}", "anything", "run the step data again")
    for key in [one.key for one in desired if one.kind in mine]:
        if key not in found.lives:
            raise MissingPredecessor(f"{key} is not in the record", "anything", "airgap apply, or name another record")
        live = _known(key, found.lives[key].fields)
        held[key] = {**held[key], **live, **{name: found.logical(live[name]) for name in REFERRING if name in live}}
    return _planes(intent, held)


def _known(key: str, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    for name, value in fields.items():
        if isinstance(value, Unknown):
            raise Unreadable(f"{key}: {name} was not read: {value.cause}", "anything", "run the step data again")
    return fields


def estate_in(intent: Intent, source: Path) -> Estate:
    """Return the estate of a run's folder, of its attestation where it has one, or of a snapshot."""
    index = next((one for pattern in INDEXES for one in sorted(source.glob(pattern))), None)
    if index is None:
        raise UsageError(f"{source} is neither a run nor a snapshot", "anything", "name the folder of one")
    pages = next(one for one in (source / "observations", source) if one.is_dir())
    rows = [Observation.from_data({"place": "", **row}) for row in json.loads(index.read_text(encoding="utf-8"))]
    load = PageFolder(pages).load
    return Estate(rows, load, account=intent.account, region=intent.region, taken_at=max(one.time for one in rows))


def _planes(intent: Intent, held: Fields) -> Planes:
    instance, group = held["db-instance:postgres"], held["db-parameter-group:postgres"]
    if str(instance["version"]).partition(".")[0] != MAJOR:
        raise UsageError(f"The lab has PostgreSQL {MAJOR}, and the database is of {instance['version']}", "anything",
                         f"there is nothing to see of another version; data.postgres_version: {MAJOR}")  # fmt: skip
    asked = held.get("vector-table:embeddings")
    return Planes(
        database=Declared(str(instance["database"]), str(instance["master"]), dict(group["parameters"])),
        cache=_cache(held),
        vectors={name: asked[name] for name in ("table", "dimensions", "lists", "asked")} if asked else {},
        secret=intent.secrets.database if "secret-rotation" in intent.components else "",
        package=packages.content,
    )


def _cache(held: Fields) -> DeclaredCache:
    group = held["replication-group:cache"]
    strange = [one for one in group["user_groups"] if not references(one)]
    if strange:
        raise Unreadable(f"Who the users of {', '.join(strange)} are is not in the record", "anything", "take it back")
    keys = [key for name in sorted(references(group["user_groups"])) for key in sorted(references(held[name]["users"]))]
    users = tuple(User(*(str(held[key][name]) for name in ("name", "access", "authentication"))) for key in keys)
    return DeclaredCache(group["engine"], bool(group["tls"]), str(group["tls_mode"]), users)


def fields_of(intent: Intent, declare: Declaration) -> dict[str, Mapping[str, Any]]:
    """Return what a declaration yields before anything exists, by key."""
    nothing = Estate((), _never, account=intent.account, region=intent.region, taken_at="")
    found: list[Desired] = list(declare(intent, nothing))
    return {one.key: one.fields for one in found}


def _never(page: str) -> Mapping[str, Any]:
    raise KeyError(page)
