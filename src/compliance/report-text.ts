/** A report as a person reads it on a terminal, and as a program does. */
import { styleText } from 'node:util';
import { printable } from '../lib/printable.ts';
import type { Evidence } from './check.ts';
import {
  type Counts,
  type DecidedItem,
  type FrameworkReport,
  type RecordedControl,
  type Report,
  runningText,
  type UndecidedItem,
  VERDICTS,
  type Verdict,
} from './report.ts';

/** How a report is laid out. */
export interface TextStyle {
  readonly columns: number;
  readonly colour: boolean;
}

/** The document that `docs/compliance.md` describes. */
export function complianceJson(report: Report): string {
  // What others chose, such as the subject of a certificate, cannot move the cursor of whoever looks at it.
  return `${JSON.stringify(report, (_key, value: unknown) => (typeof value === 'string' ? printable(value) : value), 2)}\n`;
}

/** The text of the report: what it is about, the items of each framework, notes, and what nobody has looked at. */
export function complianceText(report: Report, style: TextStyle): string {
  const { configuration, createdAt, version, frameworks, notes, notLookedAt, scope, warnings, counts } = report;
  const lines = [
    strong('Compliance report', style),
    ...entry('configuration', configuration.file, style),
    ...entry('SHA-256', configuration.digest, style),
    ...entry('running', runningText(configuration.running), style),
    ...configuration.files.flatMap(({ file, sha256 }) => entry('file read', `${file} (SHA-256 ${sha256})`, style)),
    ...entry('made', `${createdAt} by Sallyport ${version}`, style),
    ...scope.flatMap((text) => bullet(text, style)),
    '',
    ...frameworks.flatMap((framework) => [...frameworkLines(framework, style), '']),
    strong('Notes', style),
    ...notes.flatMap(({ title, evidence }) => [...bullet(title, style), ...evidenceLines(evidence, 6, style)]),
    '',
    strong('Not looked at', style),
    ...notLookedAt.flatMap((text) => bullet(text, style)),
    '',
    ...warnings.flatMap((text) => wrapped(`warning: ${text}`, '', '  ', style)),
    ...wrapped(countsText(counts), '', '  ', style),
  ];
  return `${lines.join('\n')}\n`;
}

/** How many of each: all that a report comes to. */
export function countsText(counts: Counts): string {
  return VERDICTS.map((verdict) => `${counts[verdict]} ${WORDS[verdict]}`).join(', ');
}

/** The verdicts as people read them. */
export const WORDS: Readonly<Record<Verdict, string>> = {
  pass: 'pass',
  fail: 'fail',
  compensating: 'compensating',
  not_applicable: 'not applicable',
  not_decided: 'not decided here',
};

/** What a recorded control amounts to, in one sentence. */
export function controlText({ control, author, date, expires, refused }: RecordedControl): string {
  const end = expires === null ? '' : `, until ${expires}`;
  const doubt = refused === null ? '' : ` (does not count: ${refused})`;
  return `${control.replaceAll('\n', ' ')} -- ${author}, ${date}${end}${doubt}`;
}

const NAME_COLUMNS = 14;
const LABEL_COLUMNS = 14;

const LABELS: Readonly<Record<DecidedItem['verdict'], string>> = {
  pass: 'pass',
  fail: 'FAIL',
  compensating: 'COMPENSATING',
  not_applicable: 'n/a',
};

const COLOURS = { pass: 'green', fail: 'red', compensating: 'yellow', not_applicable: 'gray' } as const;

function frameworkLines({ name, caution, counts, items, undecided }: FrameworkReport, style: TextStyle): string[] {
  const paragraphColumns = Math.max(...items.map(({ paragraph }) => paragraph.length)) + 2;
  return [
    strong(name, style),
    ...wrapped(caution, '  ', '  ', style),
    '',
    ...items.flatMap((one) => itemLines(one, paragraphColumns, style)),
    '',
    strong('  Not decided here', style),
    ...undecided.flatMap((one) => undecidedLines(one, style)),
    '',
    ...wrapped(`${name}: ${countsText(counts)}`, '  ', '    ', style),
  ];
}

function itemLines(
  { id, paragraph, title, verdict, evidence, control }: DecidedItem,
  paragraphColumns: number,
  style: TextStyle,
): string[] {
  const label = LABELS[verdict].padEnd(LABEL_COLUMNS);
  const indent = LABEL_COLUMNS + paragraphColumns;
  const [first = '', ...more] = wrapped(title, '', ' '.repeat(indent), style, indent);
  const painted = style.colour ? styleText(['bold', COLOURS[verdict]], label, { validateStream: false }) : label;
  return [
    `${painted}${paragraph.padEnd(paragraphColumns)}${first}`,
    ...more,
    ...dim(wrapped(id, ' '.repeat(LABEL_COLUMNS), ' '.repeat(LABEL_COLUMNS), style), style),
    ...evidenceLines(evidence, LABEL_COLUMNS, style),
    ...(control === null ? [] : wrapped(`control: ${controlText(control)}`, ' '.repeat(14), ' '.repeat(16), style)),
  ];
}

function undecidedLines({ paragraph, title, who, evidence }: UndecidedItem, style: TextStyle): string[] {
  return [...wrapped(`${paragraph}: ${title} -> ${who}`, '  - ', '    ', style), ...evidenceLines(evidence, 6, style)];
}

function evidenceLines(evidence: readonly Evidence[], indent: number, style: TextStyle): string[] {
  const [first, rest] = [' '.repeat(indent), ' '.repeat(indent + 2)];
  return dim(
    evidence.flatMap(({ option, value }) => wrapped(`${option}: ${value}`, first, rest, style)),
    style,
  );
}

function entry(name: string, text: string, style: TextStyle): string[] {
  return wrapped(text, ` ${name.padEnd(NAME_COLUMNS)}`, ' '.repeat(NAME_COLUMNS + 1), style);
}

function bullet(text: string, style: TextStyle): string[] {
  return wrapped(text, '  - ', '    ', style);
}

/** Breaks a text at spaces so that no line is longer than the terminal, and within words that are longer than a line. */
function wrapped(
  text: string,
  first: string,
  rest: string,
  { columns }: TextStyle,
  /** Columns that stand in front of the first line already. */
  taken = 0,
): string[] {
  const room = Math.max(8, columns - Math.max(rest.length, first.length + taken));
  const lines: string[] = [];
  let line = '';
  for (const word of printable(text)
    .split(' ')
    .flatMap((one) => pieces(one, room))) {
    if (line !== '' && line.length + 1 + word.length > room) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line].map((one, index) => `${index === 0 ? first : rest}${one}`);
}

function pieces(word: string, columns: number): string[] {
  return word.length <= columns ? [word] : [word.slice(0, columns), ...pieces(word.slice(columns), columns)];
}

function strong(text: string, { colour }: TextStyle): string {
  return colour ? styleText('bold', text, { validateStream: false }) : text;
}

function dim(lines: readonly string[], { colour }: TextStyle): string[] {
  return lines.map((line) => (colour ? styleText('dim', line, { validateStream: false }) : line));
}
