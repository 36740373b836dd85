"""The style sheet of the HTML report: light and dark by the reader's system, nothing said by colour alone."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #57606a; --rule: #d0d7de;
  --mark: #0b5cad; --band: #0b5cad33; --cell: 11 92 173; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9aa5b1; --rule: #3d444d;
  --mark: #6cb6ff; --band: #6cb6ff33; --cell: 108 182 255; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 70rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.about, .note { color: var(--soft); margin: .3rem 0; }
.scroll { overflow-x: auto; } .scroll:focus-visible, a:focus-visible { outline: 2px solid var(--mark); }
table { border-collapse: collapse; font-size: .85rem; margin: .4rem 0; }
caption { text-align: left; color: var(--soft); padding-bottom: .3rem; }
th, td { padding: .2rem .6rem; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.matrix td.number { background: rgb(var(--cell) / calc(var(--share, 0%) * .45)); }
svg { max-width: 100%; height: auto; display: block; } svg text { fill: var(--ink); font-size: 12px; }
.axis { stroke: var(--soft); } .guide { stroke: var(--rule); stroke-dasharray: 3 3; }
.interval { stroke: var(--mark); stroke-width: 2; } .line { fill: none; stroke: var(--mark); stroke-width: 2; }
.band { fill: var(--band); } .dot { fill: var(--mark); } .count { fill: var(--rule); }
.hollow { fill: var(--paper); stroke: var(--mark); stroke-width: 2; }
.skip { position: absolute; left: -99rem; } .skip:focus { position: static; }
@media print { .scroll { overflow: visible; } section { break-inside: avoid-page; } }
"""
