/**
 * A report as one HTML file that needs nothing else: no scripts, nothing from elsewhere, made for paper as much as for a
 * screen. Every text goes through `escaped`, whoever wrote it.
 */
import { printable } from '../lib/printable.ts';
import type { Evidence } from './check.ts';
import {
  type Counts,
  type DecidedItem,
  type FrameworkReport,
  type RecordedControl,
  type Report,
  runningText,
  VERDICTS,
} from './report.ts';
import { STYLE } from './report-style.ts';
import { WORDS } from './report-text.ts';

/** The whole file. */
export function complianceHtml(report: Report): string {
  const { configuration, createdAt, version, scope, warnings, frameworks, notes, notLookedAt, counts } = report;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Compliance report of ${escaped(configuration.file)}</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<p class="maker">Sallyport ${escaped(version)}</p>
<h1>Compliance report</h1>
<dl class="about">
${about('Configuration', code(configuration.file))}
${about('Digest (SHA-256)', code(configuration.digest))}
${about('Running', escaped(runningText(configuration.running)))}
${about('Files read', configuration.files.map(({ file, sha256 }) => `${code(file)}<br>SHA-256 of its bytes: ${code(sha256)}`).join('<br>'))}
${about('Made', `<time datetime="${escaped(createdAt)}">${escaped(createdAt.replace('T', ' ').replace(/\..*/, ' UTC'))}</time>`)}
</dl>
${tiles(counts)}
<nav aria-label="Frameworks"><ul>${frameworks.map(({ id, name }) => `<li><a href="#${id}">${escaped(name)}</a></li>`).join('')}</ul></nav>
</header>
<main>
<section aria-labelledby="scope"><h2 id="scope">Scope</h2>
${list(scope)}
</section>
${warnings.length === 0 ? '' : `<section class="warnings" aria-labelledby="warnings"><h2 id="warnings">Warnings</h2>${list(warnings)}</section>`}
${frameworks.map(frameworkHtml).join('\n')}
<section aria-labelledby="notes"><h2 id="notes">Notes</h2>
<p>Nothing here passes or fails.</p>
${notes.map(({ title, evidence }) => `<h3>${escaped(title)}</h3>${evidenceHtml(evidence)}`).join('\n')}
</section>
<section aria-labelledby="not-looked-at"><h2 id="not-looked-at">Not looked at</h2>
${list(notLookedAt)}
</section>
</main>
</body>
</html>
`;
}

/** Text that is nothing but text, in elements and in quoted attributes. */
export function escaped(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function frameworkHtml({ id, name, caution, counts, items, undecided }: FrameworkReport): string {
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escaped(name)}</h2>
<p class="caution">${escaped(caution)}</p>
${tiles(counts)}
<table>
<caption>What the configuration decides</caption>
<thead><tr><th scope="col" class="verdict">Verdict</th><th scope="col" class="paragraph">Paragraph</th><th scope="col" class="item">Item</th><th scope="col">What was seen</th></tr></thead>
<tbody>
${items.map(itemHtml).join('\n')}
</tbody>
</table>
<table>
<caption>Not decided here</caption>
<thead><tr><th scope="col" class="paragraph">Paragraph</th><th scope="col">Item</th><th scope="col">Who has to decide it</th></tr></thead>
<tbody>
${undecided
  .map(
    ({ paragraph, title, who, evidence }) =>
      `<tr><td data-name="Paragraph">${escaped(paragraph)}</td><th scope="row">${escaped(title)}${evidenceHtml(evidence)}</th><td data-name="Who">${escaped(who)}</td></tr>`,
  )
  .join('\n')}
</tbody>
</table>
</section>`;
}

function itemHtml({ id, paragraph, title, verdict, evidence, control }: DecidedItem): string {
  return `<tr class="${verdict}">
<td data-name="Verdict"><span class="badge ${verdict}">${WORDS[verdict]}</span></td>
<td data-name="Paragraph">${escaped(paragraph)}</td>
<th scope="row">${escaped(title)}<br><code class="id">${escaped(id)}</code></th>
<td data-name="What was seen">${evidenceHtml(evidence)}${control === null ? '' : controlHtml(control)}</td>
</tr>`;
}

function controlHtml({ control, author, date, expires, refused }: RecordedControl): string {
  const end = expires === null ? '' : `, until ${escaped(expires)}`;
  const doubt = refused === null ? '' : `<p class="refused">Does not count: ${escaped(refused)}.</p>`;
  // Lines of the text stay lines.
  const text = control.split('\n').map(escaped).join('<br>');
  return `<div class="control"><p><strong>Compensating control</strong></p><p>${text}</p><p>${escaped(author)}, ${escaped(date)}${end}</p>${doubt}</div>`;
}

function evidenceHtml(evidence: readonly Evidence[]): string {
  if (evidence.length === 0) return '';
  const rows = evidence.map(({ option, value }) => `<li>${code(option)}: ${escaped(String(value))}</li>`);
  return `<ul class="evidence">${rows.join('')}</ul>`;
}

function tiles(counts: Counts): string {
  const rows = VERDICTS.map((verdict) => `<li class="${verdict}"><b>${counts[verdict]}</b> ${WORDS[verdict]}</li>`);
  return `<ul class="tiles" aria-label="Counts">${rows.join('')}</ul>`;
}

function list(texts: readonly string[]): string {
  return `<ul>${texts.map((text) => `<li>${escaped(text)}</li>`).join('')}</ul>`;
}

function about(name: string, html: string): string {
  return `<dt>${escaped(name)}</dt><dd>${html}</dd>`;
}

function code(text: string): string {
  return `<code>${escaped(text)}</code>`;
}
