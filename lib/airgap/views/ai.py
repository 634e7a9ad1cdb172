"""Models, the guardrail before them, and the test calls: what of each is declared, and what was found."""

from __future__ import annotations

from airgap.checks.inference import AVAILABLE, GUARDRAIL, GUARDRAILS, LISTED, MODEL, PROFILES, TAGS
from airgap.checks.transcription import EMBEDDING, INFERENCE, TRANSCRIPTION
from airgap.model.canonical import dig
from airgap.model.inference import hindrance, leads_to, models, personal, profiles_of, strengths, uses_models
from airgap.views.look import Look, attempt
from airgap.views.table import LATER, Code, Mark, Table, not_read

MODEL_READS = (LISTED, PROFILES, MODEL, AVAILABLE)
GUARDRAIL_READS = (GUARDRAILS, TAGS, GUARDRAIL)
TRIALS = (INFERENCE, EMBEDDING, TRANSCRIPTION)


def offered(look: Look) -> Table:
    """Return the declared models: life cycle, how each is invoked, where prompts may go, what this account may."""
    columns = ("model", "for", "life cycle", "ends", "invoked", "Regions of its profiles", "this account")
    if not uses_models(look.intent):
        return Table("Models", columns, [], note="No component uses foundation models.")
    listed, reason = attempt(lambda: look.estate.items(LISTED, "modelSummaries"), [])
    found = {one["modelId"]: one for one in listed}
    pages, _ = attempt(lambda: look.estate.pages(PROFILES), [])
    profiles = [one for _, page in pages for one in page.get("inferenceProfileSummaries", [])]
    rows = []
    for name in models(look.intent):
        one = found.get(name)
        cycle = dig(one or {}, "modelLifecycle") or {}
        types = (one or {}).get("inferenceTypesSupported", [])
        why = hindrance(look.intent, name, types, profiles) if one else ""
        rows.append(
            (
                Code(name),
                "embeddings" if name == look.intent.ai.embedding_model else "inference",
                not_read(reason) if reason else _cycle(cycle.get("status", "")),
                str(cycle.get("endOfLifeTime", ""))[:10],
                Mark(why, "✗", "bad") if why else ", ".join(types),
                tuple(
                    f"{each['inferenceProfileId']}: {', '.join(leads_to(each))}" for each in profiles_of(name, profiles)
                ),
                _availability(look, name),
            )
        )
    own = ", ".join((look.intent.region, *look.intent.ai.inference_regions))
    return Table("Models", columns, rows, note=f"Prompts may go to {own}, and nowhere else.")


def _cycle(status: str) -> Mark:
    if status == "ACTIVE":
        return Mark("active", "✓", "good")
    return Mark(status.lower() or "not offered here", "✗", "bad")


def _availability(look: Look, model: str) -> Mark:
    page, reason = attempt(lambda: look.estate.page(AVAILABLE, modelId=model), None)
    if reason:
        return not_read(reason)
    told = page or {}
    said = (
        dig(told, "agreementAvailability.status"),
        told.get("authorizationStatus"),
        told.get("entitlementAvailability"),
        told.get("regionAvailability"),
    )
    good = said == ("AVAILABLE", "AUTHORIZED", "AVAILABLE", "AVAILABLE")
    return Mark("may invoke it", "✓", "good") if good else Mark(", ".join(map(str, said)), "✗", "bad")


def guardrail(look: Look) -> Table:
    """Return what the guardrail is declared to stop and mask, and what the live draft and its newest version do."""
    columns = ("what", "declared", "draft", "newest version")
    if not uses_models(look.intent):
        return Table("Guardrail", columns, [], note="No component uses foundation models.")
    pages, reason = attempt(lambda: look.estate.pages(GUARDRAIL), [])
    told = {body["version"]: body for _, body in pages if _is_ours(look, body)}
    newest = str(max((int(one) for one in told if one.isdigit()), default=0))
    sides = [told.get(one) for one in ("DRAFT", newest)]
    prompts, answers = strengths(look.intent)
    rows: list[tuple[object, ...]] = []
    for name, strength in prompts.items():
        shown = [_filter(side, name) for side in sides]
        rows.append((name, f"{strength}, {answers[name]}", *(one or LATER for one in shown)))
    for name, action in sorted(personal(look.intent).items()):
        held = [_actions(side) for side in sides]
        rows.append((name, action, *(one.get(name) or LATER for one in held)))
    note = f"What is there was not read: {reason}" if reason else f"Newest version: {newest}." if told else ""
    return Table("Guardrail", columns, rows, note=note)


def _is_ours(look: Look, body: dict[str, object]) -> bool:
    found, _ = attempt(lambda: look.estate.items(TAGS, "tags", resourceARN=body["guardrailArn"]), [])
    return any(one["key"] == "airgap:key" and one["value"] == "guardrail:app" for one in found)


def _actions(side: object) -> dict[str, str]:
    return {one["type"]: one["action"] for one in dig(side or {}, "sensitiveInformationPolicy.piiEntities") or []}


def _filter(side: object, name: str) -> str:
    found = {one["type"]: one for one in dig(side or {}, "contentPolicy.filters") or []}.get(name)
    return f"{found['inputStrength']}, {found['outputStrength']}" if found else ""


def trials(look: Look) -> Table:
    """Return the test calls as they were recorded: without content, by sizes, digests and how long they took."""
    columns = ("test call", "of", "made from", "took", "sent", "received", "SHA-256 of the answer", "request")
    rows: list[tuple[object, ...]] = []
    for call in TRIALS:
        name = call.partition(":")[2].lower()
        pages, reason = attempt(lambda call=call: look.estate.pages(call), [])  # type: ignore[misc]
        if not pages:
            told = not_read(reason) if look.estate.observed(call) and reason else LATER
            rows.append((name, told, *[""] * 6))
            continue
        page = pages[0][1]
        took = sum(one["milliseconds"] for one in page["requests"])
        received = page.get("received") or {}
        rows.append(
            (
                name,
                Code(page.get("model") or page.get("job", "")),
                page.get("by", ""),
                f"{took} ms",
                f"{page['sent']['bytes']} B",
                f"{received.get('bytes', 0)} B",
                Code(received.get("sha256", "")),
                Code(page["requests"][-1]["request_id"]),
            )
        )
    return Table(
        "Test calls", columns, rows, note="Made by mode apply, at its verification; what was said is not kept."
    )
