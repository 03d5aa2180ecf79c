/** A probe's report as a person reads it, and as a program does. */
import { styleText } from 'node:util';
import { printable } from '../lib/printable.ts';
import type { CertificateFacts, ProbeFacts, VersionFacts } from '../probe/facts.ts';
import { type Finding, reaches, SEVERITIES, type Severity } from '../probe/finding.ts';
import type { ProbeReport } from '../probe/run-probe.ts';

/** What a probe amounts to: `findings` are those at the threshold or above, and weigh more than what was not asked. */
export type ProbeResult = 'ok' | 'findings' | 'incomplete';

/** How a text report is laid out. */
export interface ReportStyle {
  readonly columns: number;
  readonly colour: boolean;
}

/** What the report amounts to, with this threshold. */
export function resultOf({ findings, complete }: ProbeReport, failOn: Severity): ProbeResult {
  if (findings.some(({ severity }) => reaches(severity, failOn))) return 'findings';
  return complete ? 'ok' : 'incomplete';
}

/** The document that `docs/probe.md` describes. */
export function jsonReport(report: ProbeReport, failOn: Severity): string {
  const { target, startedMs, durationMs, findings, skipped, facts } = report;
  const document = {
    schema: 1,
    result: resultOf(report, failOn),
    failOn,
    target,
    startedAt: new Date(startedMs).toISOString(),
    durationMs,
    findings,
    skipped,
    facts,
  };
  return `${JSON.stringify(document, safeValue, 2)}\n`;
}

/** The same for a server that could not be probed at all. */
export function jsonFailure(target: Omit<ProbeReport['target'], 'address'>, failOn: Severity, error: string): string {
  return `${JSON.stringify({ schema: 1, result: 'unreachable', failOn, target, error }, safeValue, 2)}\n`;
}

/** What a server wrote cannot move the cursor of whoever looks at it; and a key that has no value is null, not absent. */
function safeValue(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? printable(value) : (value ?? null);
}

/** The text of the report: what was seen, then the findings, the worst first, then what was not asked. */
export function textReport(report: ProbeReport, style: ReportStyle): string {
  const { target, facts, findings, skipped, durationMs } = report;
  const place = target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
  const address = target.address === target.host ? '' : `, ${target.address}`;
  const lines = [
    strong(`${place} (${target.mode} TLS${address})`, style),
    '',
    ...factLines(facts).flatMap(([name, text]) => entry(name, text, style)),
    '',
  ];
  for (const severity of [...SEVERITIES].reverse()) {
    const found = findings.filter((finding) => finding.severity === severity);
    if (found.length > 0) lines.push(...found.flatMap((finding) => findingLines(finding, style)), '');
  }
  if (skipped.length > 0) {
    lines.push(strong('Not asked', style));
    lines.push(...groupedByReason(skipped).flatMap((text) => wrapped(text, '  ', '    ', style)), '');
  }
  const counts = [...SEVERITIES]
    .reverse()
    .map((severity) => `${findings.filter((finding) => finding.severity === severity).length} ${severity}`);
  lines.push(`${counts.join(', ')}; ${(durationMs / 1_000).toFixed(1)} s`);
  return `${lines.join('\n')}\n`;
}

function factLines(facts: ProbeFacts): readonly (readonly [string, string])[] {
  const lines: (readonly [string, string])[] = [];
  if (facts.greeting !== undefined) lines.push(['greeting', facts.greeting]);
  for (const version of facts.versions ?? []) lines.push([version.version, versionText(version)]);
  for (const certificate of facts.certificates ?? []) lines.push(['certificate', certificateText(certificate)]);
  if (facts.features !== undefined && facts.features.length > 0) lines.push(['features', facts.features.join(', ')]);
  return lines;
}

function versionText({ accepted, suites, suiteOrder, groups }: VersionFacts): string {
  if (!accepted) return 'refused';
  const order = suiteOrder === undefined ? '' : ` (the ${suiteOrder} orders them)`;
  const agreed = groups.length === 0 ? '' : `; groups ${groups.join(', ')}`;
  return `${suites.map((name) => name.replace(/^TLS_/, '')).join(', ')}${order}${agreed}`;
}

function certificateText({ subject, key, notAfter, issuer, names, trusted }: CertificateFacts): string {
  const whom = names.length === 0 ? subject : names.map((name) => name.replace(/^(?:DNS|IP Address):/, '')).join(', ');
  return `${key} for ${whom}, until ${notAfter.slice(0, 10)}, by ${issuer}${trusted ? '' : ' (not trusted here)'}`;
}

function findingLines({ id, severity, meaning, advice }: Finding, style: ReportStyle): readonly string[] {
  const label = coloured(severity.toUpperCase().padEnd(LABEL_COLUMNS), severity, style);
  const [first = '', ...more] = wrapped(`${id}: ${meaning}`, '', INDENT, style, LABEL_COLUMNS);
  const tail = severity === 'ok' || advice === NOTHING ? [] : wrapped(`-> ${advice}`, INDENT, `${INDENT}   `, style);
  return [`${label}${first}`, ...more, ...tail];
}

/** What a finding advises that asks for nothing: not worth a line. */
const NOTHING = 'Nothing to do.';
const LABEL_COLUMNS = 8;
const INDENT = ' '.repeat(LABEL_COLUMNS);
const NAME_COLUMNS = 13;

function entry(name: string, text: string, style: ReportStyle): readonly string[] {
  return wrapped(`${name.padEnd(NAME_COLUMNS)}${printable(text)}`, '', ' '.repeat(NAME_COLUMNS), style);
}

function groupedByReason(skipped: ProbeReport['skipped']): readonly string[] {
  const reasons = new Map<string, string[]>();
  for (const { id, reason } of skipped) reasons.set(reason, [...(reasons.get(reason) ?? []), id]);
  return [...reasons].map(([reason, ids]) => `${ids.join(', ')}: ${reason}`);
}

/** Breaks a text so that no line is longer than the terminal: at spaces, and within a word that is longer than a line. */
function wrapped(
  text: string,
  first: string,
  rest: string,
  { columns }: ReportStyle,
  /** Columns that stand in front of the first line already. */
  taken = 0,
): readonly string[] {
  const wordColumnsMax = columns - Math.max(rest.length, first.length + taken);
  const words = text.split(/(?<=\S) (?=\S)/).flatMap((word) => pieces(word, wordColumnsMax));
  const lines: string[] = [];
  let line = first;
  let empty = true;
  for (const word of words) {
    const room = columns - (lines.length === 0 ? taken : 0);
    if (!empty && line.length + 1 + word.length > room) {
      lines.push(line);
      line = rest;
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  return [...lines, line];
}

function pieces(word: string, columnsMax: number): readonly string[] {
  if (word.length <= columnsMax) return [word];
  return [word.slice(0, columnsMax), ...pieces(word.slice(columnsMax), columnsMax)];
}

const COLOURS = {
  ok: 'green',
  info: 'cyan',
  low: 'yellow',
  medium: 'magenta',
  high: 'red',
} as const satisfies Record<Severity, string>;

function coloured(text: string, severity: Severity, { colour }: ReportStyle): string {
  return colour ? styleText(['bold', COLOURS[severity]], text, { validateStream: false }) : text;
}

function strong(text: string, { colour }: ReportStyle): string {
  return colour ? styleText('bold', text, { validateStream: false }) : text;
}
