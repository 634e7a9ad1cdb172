"""One style sheet for every view, in notebook and report alike.

Light, print-friendly, everything scoped under the class ``airgap``, nothing fetched. Every text colour has a contrast
of at least 4.5 to its ground (WCAG 2.2, 1.4.3), held by a test; a colour is never the only sign of a status.
"""

from __future__ import annotations

INK, QUIET, GROUND, RULE = "#1c2430", "#5a6472", "#ffffff", "#d5dae1"

# Tone -> (text colour, ground colour).
TONES: dict[str, tuple[str, str]] = {
    "good": ("#14663a", "#e9f6ee"),
    "bad": ("#a3182a", "#fdecee"),
    "unknown": ("#7a4a00", "#fff4dc"),
    "quiet": ("#56606e", "#f2f4f7"),
    "change": ("#1b4f99", "#e8f0fc"),
}

_TONE_RULES = "\n".join(
    f".airgap .mark.{name} {{ color: {ink}; background: {ground}; }}" for name, (ink, ground) in TONES.items()
)

CSS = f"""\
.airgap {{ color: {INK}; background: {GROUND}; font: 14px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif;
  color-scheme: light; padding: 0.2em 0.4em; }}
.airgap table {{ border-collapse: collapse; margin: 0.4em 0 1em; font-size: 13px; max-width: 100%; }}
.airgap caption {{ caption-side: top; text-align: left; font-weight: 600; font-size: 15px; padding: 0.2em 0 0.4em;
  color: {INK}; }}
.airgap th, .airgap td {{ text-align: left; vertical-align: top; padding: 0.32em 0.9em 0.32em 0;
  border-bottom: 1px solid {RULE}; font-weight: normal; white-space: normal; overflow-wrap: break-word;
  min-width: 4.5em; }}
.airgap td code {{ overflow-wrap: anywhere; }}
.airgap thead th {{ border-bottom: 2px solid {INK}; font-weight: 600; overflow-wrap: normal; }}
.airgap tbody th {{ font-weight: 500; }}
.airgap tr.group th {{ padding-top: 0.9em; font-weight: 600; }}
.airgap code {{ font: 12px/1.4 ui-monospace, "DejaVu Sans Mono", monospace; background: none; color: {INK};
  padding: 0; }}
.airgap .mark {{ white-space: nowrap; border-radius: 3px; padding: 0.05em 0.45em; font-weight: 500; }}
{_TONE_RULES}
.airgap dl {{ display: grid; grid-template-columns: max-content auto; gap: 0.25em 1.4em; margin: 0.4em 0 1em; }}
.airgap dt {{ color: {QUIET}; }}
.airgap dd {{ margin: 0; overflow-wrap: anywhere; }}
.airgap .title {{ font-weight: 600; font-size: 15px; margin: 0.2em 0; }}
.airgap .note {{ color: {QUIET}; margin: 0 0 1em; max-width: 72em; }}
.airgap figure {{ margin: 0.4em 0 1em; }}
.airgap svg {{ max-width: 100%; height: auto; }}
@media print {{ .airgap {{ font-size: 10pt; }} .airgap table {{ font-size: 9pt; }}
  .airgap tr, .airgap figure {{ break-inside: avoid; }} }}
"""

# JupyterLab has rules of its own for tables in outputs (right-aligned, striped, in the colours of its theme), which are
# more specific than a class and an element; these are more specific still.
_LAB = ".jp-OutputArea .jp-RenderedHTMLCommon .airgap"
IN_NOTEBOOK = f"""\
{CSS}{_LAB} th, {_LAB} td {{ text-align: left; vertical-align: top; max-width: none; }}
{_LAB} table, {_LAB} code {{ color: {INK}; background: none; }}
{_LAB} tbody tr {{ background: none; }}
{_LAB} dl {{ display: grid; }}
{_LAB} dt {{ float: none; width: auto; font-weight: normal; }}
{_LAB} dd {{ float: none; width: auto; }}
"""


def scoped(fragment: str) -> str:
    """Return an HTML fragment with the style sheet beside it, as a notebook's output needs."""
    return f'<div class="airgap"><style>{IN_NOTEBOOK}</style>{fragment}</div>'
