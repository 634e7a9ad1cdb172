"""What live probes showed, each part by a check of its own (NET-13, NET-09, EKS-09, DAT-03, WEB-01, SUP-01).

A probe that must be refused shows nothing without its positive control; what was not probed is said, and is no pass.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from airgap.checks.check import Check, NotApplicable, Over, Population, Undecided, check
from airgap.checks.scope import Item, every
from airgap.model import probes
from airgap.model.estate import Estate
from airgap.model.intent import Intent

VPCS = "ec2:DescribeVpcs"
Probed = tuple[Item, Mapping[str, Item], str]


class Subject(NamedTuple):
    """What probes may be about: the words of a probe, a noun for people, and how it is probed."""

    about: tuple[str, ...]
    noun: str
    how: str


NETWORK = Subject((probes.NETWORK,), "network", "airgap probe")
BUCKET = Subject((probes.BUCKET,), "foreign bucket", "airgap probe from an instance")
METADATA = Subject((probes.METADATA,), "metadata service", "airgap probe from an instance and a pod")
DATA = Subject((probes.DATABASE, probes.CACHE), "database or cache", "airgap probe from a node, or airgap lab show")
ENTRY = Subject((probes.ENTRY,), "entry", "airgap probe --host local://client, or airgap lab show")
REGISTRY = Subject((probes.REGISTRY,), "registry", "airgap probe from a node, or airgap lab show")
LIVES = Subject((probes.VECTORS, probes.RESTORE), "restored backup", "airgap lab show")
ROTATED = Subject((probes.ROTATION,), "rotation of a password", "airgap lab show")
RIGHTS = Subject((probes.RIGHTS,), "rights of the database's user", "airgap lab show")
PODS = Subject((probes.WORKLOAD,), "running pod", "airgap lab show")


def _over(subject: Subject) -> Over:
    """Return the population of a subject: each of its probes, with the others of its host and why they are open."""

    def population(intent: Intent, estate: Estate) -> Population:
        told = estate.page(probes.CALL) or {}
        if not told.get("Hosts"):
            raise _unprobed(intent, "no live probe was made: run airgap probe")
        found = [(host, one) for host in told["Hosts"] for one in host["Answers"] if probes.about(one) in subject.about]
        if not found:
            raise _unprobed(intent, f"no live probe tried the {subject.noun}: {subject.how}")
        known = {one["VpcId"] for one in every(estate, VPCS, "Vpcs")}
        why = [_says_nothing(told, host, intent) for host, _ in found]
        if all(why):
            raise NotApplicable(why[0])
        return [
            (f"{host['Host']} {one['name']}",
             (one, {each["name"]: each for each in host["Answers"]}, _open(told, host, known, estate)))
            for (host, one), silent in zip(found, why) if not silent
        ]  # fmt: skip

    return population


def _unprobed(intent: Intent, why: str) -> Exception:
    """Return why nothing is judged: a lab is there for its probes, so that without them it is open."""
    if intent.world == "rehearsal":
        return NotApplicable(f"a rehearsal has no packets, and a lab of it sends some; {why}")
    return Undecided(why) if intent.world == "lab" else NotApplicable(why)


def _says_nothing(told: Item, host: Item, intent: Intent) -> str:
    """Return why a host says nothing of this world, empty where it does."""
    return probes.shows(str(probes.of_host(told, host, "Place")), intent.world) or ""


def _open(told: Item, host: Item, known: set[str], estate: Estate) -> str:
    """Return why what a host says decides nothing: it is of another network, or too old; empty where it does."""
    vpcs = probes.of_host(told, host, "Vpcs") or []
    others = sorted(set(vpcs) - known)
    in_twin = probes.of_host(told, host, "Place") == "lab" and not str(host["Host"]).startswith(probes.COMPONENT)
    if others or (in_twin and not vpcs):
        which = ", ".join(others) or "an unnamed network"
        return f"the probes were made in a lab of {which}, which is not here: bring the lab up again, and probe"
    taken = str(probes.of_host(told, host, "TakenAt"))
    if _seconds(estate.taken_at) - _seconds(taken) > probes.FRESH:
        return f"the probes are of {taken}: probe again"
    return ""


def _seconds(time: str) -> float:
    """Return a time of RFC 3339 in seconds since the epoch."""
    return dt.datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp()


def _judge(probed: Probed, intent: Intent, estate: Estate) -> Iterator[str]:
    """Yield a probe that came to something else than it must; one without its positive control shows nothing."""
    answer, others, why = probed
    if why:
        raise Undecided(why)
    status, said = probes.told(answer, others)
    if status == "unknown":
        raise Undecided(said)
    if status == "fail":
        yield said


def _check(id_: str, title: str, properties: tuple[str, ...], subject: Subject, remedy: str) -> Check:
    made = check(id_, title, severity="high", properties=properties, reads=(probes.CALL, VPCS),
                 remedy=f"{remedy}, and probe again", over=_over(subject))  # fmt: skip
    return made(_judge)


CHECKS = (
    _check("probes-fail-outward", "Live probes to the outside fail, and probes to every endpoint succeed", ("NET-13",),
           NETWORK, "close the way that the probe took, or mend the endpoint"),
    _check("probes-foreign-bucket", "Through the endpoint a bucket of strangers is refused, and an admitted one is not",
           ("NET-09", "NET-13"), BUCKET, "narrow the endpoint's policy to what the environment needs"),
    _check("probes-metadata", "Instances answer for credentials by IMDSv2 alone, and pods do not reach them",
           ("EKS-09", "NET-13"), METADATA, "demand tokens and a hop limit of 1 in the metadata options"),
    _check("probes-data-tls", "Database and cache speak TLS under their own names, and nothing else",
           ("DAT-03",), DATA, "demand TLS of the store, and give it a certificate of its name"),
    _check("probes-entry", "The entry speaks TLS 1.2 or newer, turns plain text away and blocks attacks",
           ("WEB-01", "DAT-03"), ENTRY, "mend the listener's TLS policy or the web ACL's rules"),
    _check("probes-registry", "An image is pulled by digest from the private registry, with a token alone",
           ("SUP-01",), REGISTRY, "mend the registry, its policy or the node's way to it"),
    _check("probes-pods", "Pods run the pinned image, as the user and with the limits that are declared",
           ("SUP-01", "EKS-06"), PODS, "mend the rendered manifests, or the image"),
    _check("probes-rotation", "Clients sign in throughout a rotation, and a password before the last one is refused",
           ("KEY-02",), ROTATED, "mend the function that rotates"),
    _check("probes-rights", "The application's user of the database does its work, and nothing of its master's",
           ("IAM-01",), RIGHTS, "take from the user what it does not need"),
    _check("probes-restore", "Vectors are found by their index, and a backup restores the same rows",
           ("DAT-04",), LIVES, "mend the backup, or what prepares the database"),
)  # fmt: skip
