/**
 * The report: every item of the chosen frameworks with its verdict and what was seen, recorded compensating controls in their
 * place, and what was not looked at. It counts, and draws no conclusion.
 */

import { COMPLIANCE_ITEM_IDS } from '../config/compliance-items.ts';
import type { CompensatingControl } from '../config/compliance-options.ts';
import type { Evidence, Framework, FrameworkId, Item, Undecided } from './check.ts';
import type { Facts } from './facts.ts';
import { type Note, notesOn } from './notes.ts';

/** What can be said of an item. */
export const VERDICTS = ['pass', 'fail', 'compensating', 'not_applicable', 'not_decided'] as const;

/** One of them. */
export type Verdict = (typeof VERDICTS)[number];

/** How often each was said. */
export type Counts = Readonly<Record<Verdict, number>>;

/** A compensating control as it stands beside its item. */
export interface RecordedControl {
  readonly control: string;
  readonly author: string;
  readonly date: string;
  readonly expires: string | null;
  /** Why it does not count; null when it does. */
  readonly refused: string | null;
}

/** An item that was decided. */
export interface DecidedItem {
  readonly id: string;
  readonly paragraph: string;
  readonly title: string;
  readonly verdict: Exclude<Verdict, 'not_decided'>;
  /** The options that decide it. */
  readonly options: readonly string[];
  readonly evidence: readonly Evidence[];
  readonly control: RecordedControl | null;
}

/** An item that was not, and who has to decide it. */
export interface UndecidedItem extends Undecided {
  readonly evidence: readonly Evidence[];
}

/** One framework's part. */
export interface FrameworkReport {
  readonly id: FrameworkId;
  readonly name: string;
  readonly caution: string;
  readonly counts: Counts;
  readonly items: readonly DecidedItem[];
  readonly undecided: readonly UndecidedItem[];
}

/** A file of the configuration. */
export interface FileRead {
  readonly file: string;
  /** SHA-256 of its bytes, in small hexadecimal digits: what the digest leaves out, as accounts of the users file, is in it. */
  readonly sha256: string;
}

/** What is known of the configuration that came into force last. */
export interface Running {
  /** Whether a gateway answers at the control socket; `not_asked` where that could not be asked. */
  readonly gateway: 'runs' | 'none' | 'not_asked';
  /** What the last `config.loaded` of the audit log says of this configuration. */
  readonly loaded: 'same' | 'differs' | 'not_found';
  /** When that was, RFC 3339. */
  readonly loadedAt: string | null;
  readonly digest: string | null;
}

/** All of it: the document that `docs/compliance.md` describes. */
export interface Report {
  readonly schema: 1;
  /** RFC 3339, UTC. */
  readonly createdAt: string;
  readonly version: string;
  readonly configuration: {
    readonly file: string;
    /** As `config.loaded` of the audit log has it. */
    readonly digest: string;
    readonly files: readonly FileRead[];
    readonly running: Running;
  };
  readonly scope: readonly string[];
  readonly notLookedAt: readonly string[];
  readonly counts: Counts;
  readonly frameworks: readonly FrameworkReport[];
  readonly notes: readonly Note[];
  readonly warnings: readonly string[];
}

/** What the report is about. */
export interface ReportParts {
  readonly facts: Facts;
  readonly frameworks: readonly Framework[];
  readonly version: string;
  readonly configuration: Report['configuration'];
}

/** Makes it. Pure: the same parts make the same report. */
export function complianceReport({ facts, frameworks, version, configuration }: ReportParts): Report {
  const controls = new Map(facts.options.compliance.map((control) => [control.item, control]));
  const parts = frameworks.map((framework) => frameworkReport(framework, { facts, controls }));
  return {
    schema: 1,
    createdAt: new Date(facts.nowMs).toISOString(),
    version,
    configuration,
    scope: [SCOPE, ...seenBeside(facts)],
    notLookedAt: NOT_LOOKED_AT,
    counts: sum(parts.map(({ counts }) => counts)),
    frameworks: parts,
    notes: notesOn(facts),
    warnings: [...warningsOf(parts, controls), ...strays(facts.options.compliance)],
  };
}

/** Whether what was evaluated is what runs, in a sentence. */
export function runningText({ gateway, loaded, loadedAt, digest }: Running): string {
  const who = GATEWAYS[gateway];
  switch (loaded) {
    case 'same':
      return `${who}; the configuration that its audit log has loaded last (${loadedAt}) is this one`;
    case 'differs':
      return `${who}; its audit log has ANOTHER configuration loaded last (${loadedAt}, ${digest}): it is not what is evaluated here`;
    default:
      return `${who}; no audit log says which configuration was loaded last`;
  }
}

const GATEWAYS: Readonly<Record<Running['gateway'], string>> = {
  runs: 'a gateway runs',
  none: 'no gateway runs here',
  not_asked: 'whether a gateway runs could not be asked',
};

const SCOPE =
  'This is what the configuration on the disk says, and what could be seen beside it. Counts are all that it comes to: ' +
  'whether an organisation meets a standard is for people to decide, on more than this.';

const NOT_LOOKED_AT: readonly string[] = [
  'what a gateway that is running does: only whether one answers, and which configuration its audit log has loaded last',
  'whether the gateway has read the users file again since it was changed: only the file, as it is on the disk',
  'what reaches the uploads of others by a link within a home, or from a home that depends on who comes ({user}, {home})',
  'options that a program sets when it embeds the gateway, and what modules of others do',
  'accounts that directories, hooks or the system know: only those in the configuration and the users file',
  'access rules (rules), access files in directories, and the rights of the file system',
  'the network, firewalls, the system, backups, and whoever can log in to this machine',
  'the programs, scanners and servers that are asked: only how they are asked',
  'whether the text of a compensating control is true',
];

function seenBeside({ accounts, certificates, auditLog, inventory }: Facts): string[] {
  const log = auditLog.state === 'off' ? 'there is none' : `${auditLog.state}, in ${auditLog.directory}`;
  return [
    `accounts of the configuration and the users file: ${accounts.length}`,
    `certificates read: ${certificates.length}`,
    `audit log: ${log}`,
    `inventory of TLS: ${inventory.state === 'off' ? 'none is kept' : `${inventory.state}, ${inventory.file}`}`,
  ];
}

interface Judging {
  readonly facts: Facts;
  readonly controls: ReadonlyMap<string, CompensatingControl>;
}

function frameworkReport({ id, name, caution, items, undecided }: Framework, judging: Judging): FrameworkReport {
  const judged = items.map((one) => judge(one, judging));
  const decided = judged.flatMap((one) => ('verdict' in one ? [one] : []));
  const open = [
    ...judged.flatMap((one) => ('verdict' in one ? [] : [one])),
    ...undecided.map((one) => ({ ...one, evidence: [] })),
  ];
  const counts = { ...NONE, not_decided: open.length };
  for (const { verdict } of decided) counts[verdict] += 1;
  return { id, name, caution, counts, items: decided, undecided: open };
}

function judge({ id, paragraph, title, check }: Item, { facts, controls }: Judging): DecidedItem | UndecidedItem {
  const outcome = check.decide(facts);
  const { evidence } = outcome;
  if (outcome.verdict === 'not_decided') return { id, paragraph, title, who: outcome.who, evidence };
  const recorded = controls.get(id);
  const control = recorded === undefined ? null : recordedControl(recorded, facts.nowMs);
  const counts = outcome.verdict === 'fail' && control !== null && control.refused === null;
  const verdict = counts ? 'compensating' : outcome.verdict;
  return { id, paragraph, title, verdict, options: check.options, evidence, control };
}

/** Days are compared as texts, which are in the order of the calendar. */
function recordedControl({ control, author, date, expires }: CompensatingControl, nowMs: number): RecordedControl {
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const told = { control, author, date, expires: expires ?? null };
  if (date > today) return { ...told, refused: `its date is in the future (today is ${today}, UTC)` };
  if (expires !== undefined && expires < today) return { ...told, refused: `it expired on ${expires}` };
  return { ...told, refused: null };
}

/** Controls that change nothing: somebody may believe that they do. */
function warningsOf(parts: readonly FrameworkReport[], controls: Judging['controls']): string[] {
  return parts.flatMap(({ items, undecided }) => [
    ...items.flatMap(({ id, verdict, control }) => {
      if (control === null || verdict === 'compensating') return [];
      if (verdict === 'fail') return [`the compensating control for ${id} does not count: ${control.refused}`];
      return [`the compensating control for ${id} is of no use: ${USELESS[verdict]}`];
    }),
    ...undecided.flatMap(({ id }) =>
      controls.has(id) ? [`the compensating control for ${id} is of no use: the item was not decided here`] : [],
    ),
  ]);
}

const USELESS = { pass: 'the item passes', not_applicable: 'the item is not applicable' } as const;

/** Controls for items that there are not. */
function strays(controls: readonly CompensatingControl[]): string[] {
  const known: ReadonlySet<string> = new Set(COMPLIANCE_ITEM_IDS);
  return controls.flatMap(({ item }) =>
    known.has(item) ? [] : [`there is no item ${item}, for which there is a compensating control`],
  );
}

const NONE: Counts = { pass: 0, fail: 0, compensating: 0, not_applicable: 0, not_decided: 0 };

function sum(all: readonly Counts[]): Counts {
  const total = { ...NONE };
  for (const counts of all) for (const verdict of VERDICTS) total[verdict] += counts[verdict];
  return total;
}
