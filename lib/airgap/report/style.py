"""The style sheet of the reports, on screen and on A4; its colours and its tables are those of the views."""

from __future__ import annotations

from airgap.views.style import CSS, GROUND, INK, QUIET, RULE, TONES

_TONES = "\n".join(
    f".verdict.{name} .headline, .pair.{name} .sign {{ color: {ink}; }} .bar .{name} {{ background: {ink}; }}"
    for name, (ink, _) in TONES.items()
)

SCREEN = f"""\
html {{ background: {GROUND}; -webkit-text-size-adjust: 100%; }}
body.airgap {{ max-width: 62rem; margin: 0 auto; padding: 0 1.5rem 4rem; font-size: 15px; line-height: 1.55;
  background: none; font-family: "Segoe UI", -apple-system, "Helvetica Neue", "Liberation Sans", Arial, sans-serif; }}
.report a {{ color: {TONES["change"][0]}; text-decoration-thickness: 1px; text-underline-offset: 2px; }}
.report h1 {{ font-size: 2.1rem; line-height: 1.15; font-weight: 650; letter-spacing: -0.015em; margin: 0.1rem 0 0.7rem;
  max-width: 26em; text-wrap: balance; }}
.report h2 {{ font-size: 1.3rem; line-height: 1.25; font-weight: 650; margin: 0 0 0.7rem; }}
.report h3 {{ font-size: 1rem; font-weight: 650; margin: 1.6rem 0 0.2rem; }}
.report p {{ margin: 0 0 0.7rem; max-width: 46em; }}
.report code {{ font-size: 0.82em; }}
.report .kicker {{ color: {QUIET}; font-size: 0.86rem; letter-spacing: 0.02em; margin: 2.6rem 0 0; }}
.report .lead {{ font-size: 1.08rem; }}
.report main > section {{ margin-top: 3rem; padding-top: 1.1rem; border-top: 1px solid {RULE}; }}
.report main > section.first {{ margin-top: 1.8rem; }}
.report nav ol {{ list-style: none; margin: 1.2rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.15rem 1.1rem;
  font-size: 0.92rem; }}
.report .banner {{ position: sticky; top: 0; z-index: 2; margin: 0 -1.5rem; padding: 0.45rem 1.5rem;
  color: {TONES["bad"][0]}; background: {TONES["bad"][1]}; font-size: 0.92rem; }}
.report .watermark {{ position: fixed; z-index: -1; left: 0; right: 0; top: 42%; text-align: center;
  transform: rotate(-28deg); font-weight: 700; font-size: min(15vw, 9.5rem); letter-spacing: 0.08em; line-height: 1;
  color: #f6eef0; pointer-events: none; user-select: none; }}
.report .watermark::before {{ content: attr(data-world); }}
.report section[id], .report tr[id] {{ scroll-margin-top: 3rem; }}
.report tr:target {{ background: {TONES["change"][1]}; }}
.report table {{ width: 100%; font-variant-numeric: tabular-nums; }}
.report table.judged, .report table.record {{ font-size: 12.5px; }}
.report caption {{ font-weight: 400; font-size: 0.88rem; color: {QUIET}; }}
.report caption.aside {{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }}
.report tbody th {{ font-weight: 500; }}
.report table.record td, .report td code, .report .note, .report .lead, .report .scope {{ overflow-wrap: anywhere; }}
.report .top {{ float: right; font-size: 0.86rem; margin-left: 1rem; }}
.report .n {{ text-align: right; white-space: nowrap; }}
.report th.n, .report thead th {{ vertical-align: bottom; }}
.report thead th {{ overflow-wrap: normal; }}
.report .time {{ white-space: nowrap; font-weight: 400; }}
.report .quiet, .report .note, .report .statement {{ color: {QUIET}; }}
.report .from {{ max-width: 11em; }}
.report .pair {{ white-space: nowrap; margin-right: 0.9em; }}
.report .of {{ white-space: nowrap; }}
.report .onpaper {{ display: none; }}
.report .whole {{ break-inside: avoid; }}
.report .bears {{ margin: 0 0 0.25rem; padding-left: 1.4em; text-indent: -1.4em; max-width: none; }}
.report .operations {{ width: 60%; }}
.report .id {{ white-space: nowrap; }}
.report thead .id {{ white-space: normal; }}
.report dl {{ gap: 0.3rem 1.8rem; }}
.report dl.words dt {{ color: {INK}; font-weight: 600; }}
.report dl.words dd {{ max-width: 44em; }}
.report details {{ margin: 0.5rem 0; }}
.report summary {{ cursor: pointer; padding: 0.15rem 0; }}
.report summary b {{ font-weight: 550; }}
.report .verdict .headline {{ font-size: 1.7rem; line-height: 1.2; font-weight: 650; margin: 0 0 0.3rem; }}
.report .verdict .bar {{ display: flex; gap: 2px; height: 7px; margin: 1rem 0 0.4rem; max-width: 46rem; }}
.report .bar i {{ min-width: 5px; border-radius: 1px; }}
.report .bar .not_applicable {{ background: {RULE}; }}
.report .counts span {{ display: inline-block; margin-right: 1.4em; white-space: nowrap; }}
.report .counts b {{ font-size: 1.15rem; font-weight: 650; }}
.report .broke {{ border-left: 4px solid {TONES["bad"][0]}; padding: 0.2rem 0 0.2rem 1rem; margin: 1rem 0;
  overflow-wrap: anywhere; }}
.report .broke p {{ margin: 0 0 0.25rem; }}
.report .check {{ margin-bottom: 2rem; }}
.report .ledger {{ font: 7pt/1.5 ui-monospace, "Liberation Mono", "DejaVu Sans Mono", monospace; white-space: pre-wrap;
  margin: 0 0 1rem; }}
.report .notebook h1 {{ font-size: 1.5rem; }}
.report .notebook h2 {{ margin: 2.4rem 0 0.7rem; }}
.report .notebook pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.8rem; line-height: 1.5; }}
.report .source {{ border-left: 3px solid {RULE}; padding-left: 0.9rem; margin: 1rem 0; }}
.report .source code {{ font-size: inherit; }}
.report .view svg {{ display: block; }}
.report footer {{ margin-top: 4rem; padding-top: 1rem; border-top: 1px solid {RULE}; color: {QUIET}; font-size: 0.88rem; }}
@media screen {{ .report main > section {{ overflow-x: auto; }} }}
{_TONES}
"""

PAPER = f"""\
@page {{ size: A4; margin: 21mm 17mm 20mm; font: 8pt "Liberation Sans", Arial, "DejaVu Sans", sans-serif; color: {QUIET};
  @bottom-right {{ content: "Page " counter(page) " of " counter(pages); }} }}
@page record {{ size: A4 landscape; }}
@media print {{
  body.airgap {{ max-width: none; padding: 0; font-size: 9.5pt; line-height: 1.45;
    font-family: "Liberation Sans", Arial, "DejaVu Sans", sans-serif; }}
  .report h1 {{ font-size: 22pt; }}
  .report h2 {{ font-size: 14pt; }}
  .report h3 {{ font-size: 10.5pt; }}
  .report .kicker {{ margin-top: 0; }}
  .report .banner {{ position: static; margin: 0 0 6mm; padding: 2mm 3mm; }}
  .report .watermark {{ font-size: 72pt; }}
  .report .top {{ display: none; }}
  .report table {{ font-size: 8.5pt; }}
  .report table.judged, .report table.record {{ font-size: 7.5pt; }}
  .report a {{ color: inherit; text-decoration: none; }}
  .report nav ol {{ display: block; columns: 2; column-gap: 12mm; }}
  .report nav a::after {{ content: leader(dotted) target-counter(attr(href), page); }}
  .report main > section {{ margin-top: 9mm; padding-top: 3.5mm; }}
  .report main > section.wide {{ page: record; }}
  .report thead {{ display: table-header-group; }}
  .report tr, .report dt, .report dd, .report .verdict, .report .broke, .report figure {{ break-inside: avoid; }}
  .report h2, .report h3, .report summary, .report caption, .report .note, .report .remedy, .report .group,
  .report .statement {{ break-after: avoid; }}
  .report summary {{ list-style: none; }}
  .report .onpaper {{ display: block; }}
  .report .rows, .report main > section.rows {{ display: none; }}
  .report .counted .mark {{ white-space: normal; }}
  .report details::details-content {{ content-visibility: visible; block-size: auto; }}
  .report svg {{ max-height: 165mm; }}
  .report main > section > table, .report details > table, .report .check table, .report .property table,
  .report .view table {{ table-layout: fixed; }}
  .report th, .report td, .report dd {{ overflow-wrap: break-word; }}
  .report .view td br::before {{ content: " · "; white-space: normal; }}
  .report footer {{ display: none; }}
  .report th.what {{ width: 30%; }}
  .report th.result {{ width: 14%; }}
  .report th.from {{ width: 14%; }}
  .report th.id {{ width: 10%; }}
  .report table.untested th.id {{ width: 16%; }}
  .report th.of {{ width: 11%; }}
  .report th.mapping {{ width: 24%; }}
  .report th.counted {{ width: 15%; }}
  .report table.requirements th.counted {{ width: 20%; }}
  .report table.requirements th.id {{ width: 13%; }}
  .report th.n {{ width: 10%; }}
}}
"""

STYLE = CSS + SCREEN + PAPER
