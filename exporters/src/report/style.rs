//! The page's style sheet: one constant, no font, no image, no address.
//!
//! Print opens every fold and leaves out the navigation. Absent: colour as the only sign of anything.

/// Everything inside `<style>`.
pub(crate) const STYLE: &str = "
:root { --ink: #1b2733; --soft: #566373; --line: #dbe1e8; --panel: #f5f7f9; --accent: #1f5673;
  --pass: #23704a; --warn: #8a5a00; --fail: #a82c22; --error: #6f2b63; --none: #566373; }
* { box-sizing: border-box; }
html { scroll-padding-top: 3.6rem; -webkit-text-size-adjust: 100%; }
body { margin: 0; color: var(--ink); background: #fff; font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto,
  'Helvetica Neue', 'Noto Sans', Arial, sans-serif; }
main, header > div, nav > div { max-width: 1120px; margin: 0 auto; padding: 0 24px; }
header { border-top: 6px solid var(--accent); padding: 28px 0 18px; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 4px; letter-spacing: -.01em; }
h2 { font-size: 1.4rem; margin: 44px 0 12px; padding-bottom: 6px; border-bottom: 2px solid var(--ink); }
h3 { font-size: 1.1rem; margin: 28px 0 8px; }
h4 { font-size: .95rem; margin: 18px 0 6px; }
p { margin: 6px 0 10px; max-width: 78ch; }
a { color: var(--accent); text-underline-offset: 2px; }
.soft { color: var(--soft); }
.small { font-size: .86rem; }
.kicker { color: var(--soft); text-transform: uppercase; letter-spacing: .08em; font-size: .78rem; margin: 0 0 6px; }
.review { display: inline-block; border: 1px solid var(--warn); color: var(--warn); border-radius: 3px; padding: 0 8px;
  font-size: .85rem; font-weight: 600; }
code, pre, .id, .hash { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace;
  font-size: .87em; overflow-wrap: anywhere; }
.id { white-space: nowrap; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 4px; padding: 10px 12px; overflow-x: auto;
  white-space: pre-wrap; margin: 6px 0 12px; line-height: 1.45; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 14px 0 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
nav { position: sticky; top: 0; z-index: 1; background: rgba(255,255,255,.96); border-top: 1px solid var(--line);
  border-bottom: 1px solid var(--line); font-size: .9rem; }
nav > div { display: flex; flex-wrap: wrap; gap: 4px 22px; padding-top: 9px; padding-bottom: 9px; }
nav a { text-decoration: none; } nav a:hover { text-decoration: underline; }
.scroll { overflow-x: auto; margin: 8px 0 14px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--soft); font-size: .86rem; padding: 0 0 4px; }
th, td { text-align: left; vertical-align: top; padding: 6px 10px; border-bottom: 1px solid var(--line); }
th { font-weight: 600; font-size: .82rem; color: var(--soft); border-bottom: 1.5px solid var(--soft); vertical-align: bottom; }
tbody th { font-size: inherit; color: inherit; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:hover { background: var(--panel); }
td.num, th.num { text-align: right; } td.num { white-space: nowrap; }
td.value { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 9em; } td.what { min-width: 23em; overflow-wrap: anywhere; }
td.what b { white-space: pre-wrap; } td.what .hash { font-size: .92em; }
td.when, span.when { white-space: nowrap; } td.decision { min-width: 15em; overflow-wrap: anywhere; }
.expired { border-left: 3px solid var(--warn); padding-left: 8px; margin-top: 4px; }
 td.key { font-size: .78rem; min-width: 13.5em; }
.hash { overflow-wrap: anywhere; color: var(--soft); }
table.wide { font-size: .82rem; } table.narrow { width: auto; min-width: 46%; }
.null { color: var(--soft); font-style: italic; }
.badge { display: inline-block; white-space: nowrap; border: 1px solid currentColor; border-radius: 3px; padding: 0 7px;
  font-size: .82rem; font-weight: 600; line-height: 1.45; }
.badge.pass { color: var(--pass); background: #e9f4ee; } .badge.warn { color: var(--warn); background: #fdf3dc; }
.badge.fail { color: #fff; background: var(--fail); border-color: var(--fail); }
.badge.error { color: #fff; background: var(--error); border-color: var(--error); }
.badge.not_evaluated { color: var(--none); background: #eef1f4; border-style: dashed; }
.badge.not_applicable { color: var(--none); background: #fff; }
.severity { white-space: nowrap; } .dots { letter-spacing: -.05em; font-size: .78em; color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(235px, 1fr)); gap: 14px; margin: 14px 0; padding: 0; list-style: none; }
.tile { border: 1px solid var(--line); border-top: 4px solid var(--accent); border-radius: 4px; padding: 12px 14px 14px; }
.tile h3 { margin: 0; font-size: .95rem; } .tile .edition { color: var(--soft); font-size: .78rem; display: block; }
.tile .score { margin: 10px 0 8px; } .tile .score b { display: block; font-size: 1.75rem; line-height: 1.15; white-space: nowrap; }
.tile .score span { color: var(--soft); font-size: .86rem; }
.tile.partial { border-top-color: #9aa5b1; background: var(--panel); } .tile.partial .score b { color: #6b7784; }
.partial-label { border: 1px dashed var(--none); border-radius: 3px; color: var(--none); font-size: .76rem; padding: 0 6px;
  font-weight: 600; display: inline-block; }
.note { border-left: 4px solid var(--accent); background: var(--panel); padding: 10px 14px; margin: 14px 0; max-width: none; }
.note.warn { border-left-color: var(--warn); }
article { border: 1px solid var(--line); border-radius: 5px; padding: 4px 20px 16px; margin: 18px 0; }
article > h3 { margin: 14px 0 4px; font-size: 1.12rem; }
.meta { display: flex; flex-wrap: wrap; gap: 4px 16px; align-items: center; margin: 4px 0 10px; font-size: .86rem; color: var(--soft); }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--accent); font-size: .92rem; }
svg { display: block; max-width: 100%; } .bar { width: 100%; height: auto; margin: 10px 0 4px; }
.f-pass { fill: #2f8a5d; } .f-warn { fill: #e0a526; } .f-fail { fill: var(--fail); } .f-error { fill: var(--error); }
.f-not_evaluated { fill: #93a0ad; } .f-not_applicable { fill: #dfe4ea; }
.on-dark { fill: #fff; } .on-light { fill: #1b2733; } svg text { font: 600 13px system-ui, sans-serif; }
.track { fill: #e4e9ee; } .reach { fill: var(--accent); } .partial .reach { fill: #9aa5b1; }
.trend { width: 130px; height: 35px; max-width: none; } .trend .line { fill: none; stroke: var(--accent); stroke-width: 1.6; }
.trend .dot { fill: var(--accent); } .trend .last { fill: var(--ink); } .trend .base { stroke: var(--line); }
.trend .turn { stroke: var(--soft); stroke-dasharray: 2 2; } .trend .hole { stroke: var(--soft); stroke-width: 1.4; }
.strip { height: auto; margin: 4px 0 6px; } .strip text.day { font: 400 11px system-ui, sans-serif; fill: var(--soft); } .strip text.sign { font-size: 10px; }
.strip text.figure { font-size: 12px; fill: var(--ink); } .strip .turn { stroke: var(--ink); stroke-width: 1.6; stroke-dasharray: 4 3; }
.strip .gap { fill: none; stroke: var(--soft); stroke-dasharray: 3 3; } .strip .partial { fill: #9aa5b1; }
.strip .f-pass, .strip .f-warn, .strip .f-fail, .strip .f-error, .strip .f-not_evaluated, .strip .f-not_applicable { stroke: rgba(27,39,51,.35); stroke-width: 1; }
footer { margin: 48px 0 32px; padding-top: 12px; border-top: 1px solid var(--line); color: var(--soft); font-size: .86rem; }
@page { size: A4; margin: 15mm 13mm 16mm; }
@media print {
  body { font-size: 10pt; } nav { display: none; } main, header > div { max-width: none; padding: 0; }
  header { padding-top: 10px; } h2 { margin-top: 26px; } section.page { break-before: page; } .page h2 { margin-top: 0; }
  h2, h3, h4, caption, .meta, summary { break-after: avoid; } pre { break-inside: avoid; } tr, .tile, .note, svg { break-inside: avoid; }
  thead { display: table-header-group; } table { font-size: 8.5pt; } table.wide { font-size: 7pt; }
  th, td { padding: 3px 6px; } td.key { min-width: 10em; } td.value { min-width: 4em; } td.what, td.decision { min-width: 12em; } .scroll { overflow: visible; } table.wide td, table.wide .id { white-space: normal; overflow-wrap: anywhere; }
  article { border: 0; border-top: 1.5px solid var(--ink); border-radius: 0; padding: 0; } a { color: inherit; text-decoration: none; }
  .tiles { grid-template-columns: repeat(3, 1fr); } details::details-content { content-visibility: visible; block-size: auto; }
  summary { list-style: none; color: var(--ink); font-weight: 600; } summary::-webkit-details-marker { display: none; }
  * { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
";
