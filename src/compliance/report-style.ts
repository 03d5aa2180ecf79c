/** How the HTML report looks: on screens wide and narrow, and on paper. Colours have a contrast of at least 4.5 to 1. */

/** The style sheet. Verdicts are told by words; colours only repeat them. */
export const STYLE = `
:root { --ink: #1b1f24; --soft: #4c5560; --line: #d4d9df; --page: #ffffff; --band: #f5f7f9;
  --pass: #14602f; --pass-back: #e3f4e8; --fail: #9b1118; --fail-back: #fde8e8;
  --comp: #6b4300; --comp-back: #fdf0d5; --none: #4c5560; --none-back: #eceff2; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 70rem; color: var(--ink); background: var(--page);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
h1 { margin: 0 0 1rem; font-size: 2rem; line-height: 1.2; }
h2 { margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 2px solid var(--ink); font-size: 1.4rem; line-height: 1.3; }
h3 { margin: 1.25rem 0 .25rem; font-size: 1rem; }
p { margin: .25rem 0 .75rem; max-width: 46rem; }
a { color: #0b4f9c; }
a:focus-visible { outline: 3px solid #0b4f9c; outline-offset: 2px; }
code { font: .875em/1.4 ui-monospace, "SFMono-Regular", Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
main > section > ul { padding-left: 1.25rem; max-width: 52rem; overflow-wrap: anywhere; }
.maker { margin: 0; color: var(--soft); font-size: .875rem; letter-spacing: .04em; text-transform: uppercase; }
.about { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0 0 1.25rem; }
.about dt { color: var(--soft); }
.about dd { margin: 0; overflow-wrap: anywhere; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0 0; padding: 0; list-style: none; }
.tiles { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1rem; padding: 0; list-style: none; }
.tiles li { padding: .35rem .75rem; border: 1px solid currentcolor; border-radius: .4rem; font-size: .9rem; }
.tiles b { font-size: 1.1rem; font-variant-numeric: tabular-nums; }
.pass { --tone: var(--pass); --back: var(--pass-back); }
.fail { --tone: var(--fail); --back: var(--fail-back); }
.compensating { --tone: var(--comp); --back: var(--comp-back); }
.not_applicable, .not_decided { --tone: var(--none); --back: var(--none-back); }
.tiles li, .badge { color: var(--tone); background: var(--back); }
.badge { display: inline-block; padding: .1rem .5rem; border: 1px solid currentcolor; border-radius: .3rem;
  font-size: .8125rem; font-weight: 600; white-space: nowrap; }
.caution { padding: .5rem .75rem; border-left: 4px solid var(--comp); background: var(--comp-back); color: var(--comp); }
.warnings { padding: 0 .75rem; border-left: 4px solid var(--fail); }
.warnings h2 { border-top: 0; }
table { width: 100%; margin: 0 0 1.5rem; table-layout: fixed; border-collapse: collapse; font-size: .9375rem; }
caption { padding: .5rem 0; text-align: left; font-weight: 600; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
thead th { color: var(--soft); font-size: .8125rem; border-bottom: 2px solid var(--line); }
th.verdict { width: 9rem; }
th.paragraph { width: 10.5rem; }
th.item { width: 28%; }
tbody th { font-weight: 500; }
td[data-name] { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
tr.fail td:first-child { box-shadow: inset 4px 0 0 var(--fail); padding-left: .75rem; }
.id { color: var(--soft); font-size: .75rem; font-weight: 400; }
.evidence { margin: 0; padding: 0; list-style: none; font-weight: 400; color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }
.evidence code { color: var(--ink); }
.control { margin-top: .5rem; padding: .5rem .75rem; background: var(--comp-back); color: var(--comp); border-radius: .3rem; overflow-wrap: anywhere; }
.control p { margin: 0 0 .25rem; }
.refused { color: var(--fail); font-weight: 600; }
@media screen and (max-width: 56rem) {
  caption { display: block; }
  body { padding: 1.25rem 1rem 3rem; }
  .about { grid-template-columns: 1fr; gap: 0; }
  .about dd { margin-bottom: .5rem; }
  table, tbody, tr, td, tbody th { display: block; width: auto; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: .75rem 0; border-bottom: 1px solid var(--line); }
  th, td { padding: .15rem 0; border-bottom: 0; }
  td[data-name]::before { content: attr(data-name) ": "; color: var(--soft); font-size: .8125rem; }
  tr.fail { box-shadow: inset 4px 0 0 var(--fail); padding-left: .75rem; }
  tr.fail td:first-child { box-shadow: none; padding-left: 0; }
}
@media print {
  @page { margin: 18mm 15mm; }
  html { font-size: 9.5pt; }
  body { padding: 0; max-width: none; }
  nav { display: none; }
  h2, h3, caption { break-after: avoid; }
  tr, .control, .caution { break-inside: avoid; }
  thead { display: table-header-group; }
  .badge, .tiles li, .caution, .control { -webkit-print-color-adjust: exact; print-color-adjust: exact; }
}
`;
