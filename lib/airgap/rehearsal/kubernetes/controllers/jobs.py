"""Jobs: pods that end. Schedules of CronJobs are kept and never run."""

from __future__ import annotations

from airgap.rehearsal.kubernetes import deleting
from airgap.rehearsal.kubernetes.controllers import pods
from airgap.rehearsal.kubernetes.controllers.loop import Loop, condition
from airgap.rehearsal.kubernetes.kinds import core
from airgap.rehearsal.kubernetes.selecting import at
from airgap.rehearsal.kubernetes.store import Object, stamp

KIND = core("Job", "batch")


def act(loop: Loop) -> None:
    """Start pods until enough of them have ended well, or too many have not."""
    for job in loop.store.all(KIND):
        if job["metadata"].get("deletionTimestamp"):
            continue
        if _ended(job):
            _expire(loop, job)
        else:
            _act(loop, job)


def _ended(job: Object) -> bool:
    conditions = at(job, "status.conditions") or ()
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def _expire(loop: Loop, job: Object) -> None:
    seconds = job["spec"].get("ttlSecondsAfterFinished")
    if seconds is not None and not loop.within(job, "expired", seconds):
        deleting.delete(loop.cluster, KIND, job, {"propagationPolicy": "Background"})


def _act(loop: Loop, job: Object) -> None:
    spec = job["spec"]
    held = loop.owned(pods.POD, job)
    phases = [at(pod, "status.phase") for pod in held]
    good, bad = phases.count("Succeeded"), phases.count("Failed")
    active = len(held) - good - bad
    wanted = spec.get("completions", 1)
    limit = spec.get("backoffLimit", 6)
    if good < wanted and bad <= limit and not spec.get("suspend"):
        for _ in range(min(spec.get("parallelism", 1), wanted - good) - active):
            active += not pods.make(loop, KIND, job)
    status: Object = {"startTime": at(job, "status.startTime") or stamp(), "ready": sum(map(pods.ready, held))}
    status |= {name: count for name, count in (("active", active), ("succeeded", good), ("failed", bad)) if count}
    seconds = spec.get("activeDeadlineSeconds")
    if good >= wanted:
        status["completionTime"] = stamp()
        reason, message = "CompletionsReached", "Reached expected number of succeeded pods"
        sorts = ("SuccessCriteriaMet", "Complete")
    elif bad > limit:
        reason, message = "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        sorts = ("FailureTarget", "Failed")
    elif seconds is not None and not loop.within(job, "deadline", seconds):
        reason, message = "DeadlineExceeded", "Job was active longer than specified deadline"
        sorts = ("FailureTarget", "Failed")
    else:
        loop.cluster.status(KIND, job, status)
        return
    for pod in held:
        if at(pod, "status.phase") not in ("Succeeded", "Failed"):
            pods.end(loop, pod)
    status.pop("active", None)
    status["conditions"] = [condition(sort, True, reason, message) for sort in sorts]
    loop.cluster.status(KIND, job, status)
