/** How the inventory of TLS, and what would become of whom, are shown to people. */
import { toSnakeCase } from '../config/key-names.ts';
import { printable } from '../lib/printable.ts';
import type { AccountSeen, Behaviour, StrangerRefusal, Times, TlsRecordData } from '../modules/tls-record.ts';
import type { Evidence, Finding, OptionOutcome, TriedOption, Verdict } from '../modules/tls-verdict.ts';
import { VERDICTS, worstVerdicts } from '../modules/tls-verdict.ts';

/** The inventory of these accounts, and with all of them also of those who were refused before they logged in. */
export function inventoryText(
  record: TlsRecordData,
  { accounts, widthMax }: { readonly accounts: readonly AccountSeen[] | 'all'; readonly widthMax: number },
): string {
  const shown = accounts === 'all' ? record.accounts.toSorted((a, b) => (a.name < b.name ? -1 : 1)) : accounts;
  const lines = [
    ...wrapped([], `TLS as it was seen since ${day(record.sinceMs)}; saved ${minute(record.savedMs)} UTC.`, widthMax),
    ...shown.flatMap((account) => accountLines(account, widthMax)),
    ...(accounts === 'all' ? strangerLines(record, widthMax) : []),
    ...(record.dropped.accounts > 0 ? ['', `${record.dropped.accounts} accounts were dropped to make room.`] : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is shown besides the outcomes. */
export interface SimulationShown {
  /** What was tried for an option. */
  readonly wanted: (option: TriedOption) => string;
  readonly preface: string;
  /** What was last seen before then was not looked at. */
  readonly sinceMs: number;
  readonly widthMax: number;
}

/** What a policy would do, option by option, with the evidence for each verdict. */
export function simulationText(
  outcomes: readonly OptionOutcome[],
  { wanted, widthMax, preface, sinceMs }: SimulationShown,
): string {
  const counts = Map.groupBy(worstVerdicts(outcomes).values(), (verdict) => verdict);
  const total = VERDICTS.toReversed().map((verdict) => `${TOTALS[verdict]} ${counts.get(verdict)?.length ?? 0}`);
  return [
    ...wrapped([], preface, widthMax),
    ...outcomes.flatMap(({ option, findings }) => [
      '',
      ...wrapped([], `${optionKey(option)}: ${wanted(option)}`, widthMax),
      ...findingLines(option, findings, { widthMax, sinceMs }),
    ]),
    '',
    ...wrapped([], `All together, of ${sum(counts)} accounts: ${total.join(', ')}.`, widthMax),
    '',
  ].join('\n');
}

/** The key of the configuration that an option stands for. */
export function optionKey(option: TriedOption): string {
  const key = toSnakeCase(option);
  return IN_TLS.has(option) ? `tls.${key}` : key;
}

/** Suites and groups are those of a profile; no key names them one by one. */
const IN_TLS: ReadonlySet<TriedOption> = new Set(['minVersion', 'clientCertificate']);

/** Why nothing is known of an account, in words. */
export function whyUnknown(option: TriedOption, { lastMs }: Finding, sinceMs: number): string {
  if (lastMs === undefined) return 'never seen';
  return lastMs < sinceMs ? `not seen since ${day(lastMs)}` : `seen, but ${NOTHING_TELLS[option]}`;
}

const NOTHING_TELLS: Readonly<Record<TriedOption, string>> = {
  minVersion: 'no login was',
  suites: 'no login was',
  groups: 'the group of its key exchange is not known',
  tlsControlRequired: 'no login was',
  tlsDataRequired: 'no transfer was',
  sessionReuse: 'no transfer was',
  closeNotify: 'no upload was',
  postQuantum: 'the group of its key exchange is not known',
  clientCertificate: 'it was never asked for a certificate: set tls.client_certificate to optional first',
};

const TOTALS: Readonly<Record<Verdict, string>> = {
  breaks: 'would break',
  might: 'might',
  unknown: 'not known',
  fine: 'fine',
};

function sum(groups: ReadonlyMap<unknown, readonly unknown[]>): number {
  return [...groups.values()].reduce((count, group) => count + group.length, 0);
}

const NAME_WIDTH_MAX = 24;

function findingLines(
  option: TriedOption,
  findings: readonly Finding[],
  { widthMax, sinceMs }: Pick<SimulationShown, 'widthMax' | 'sinceMs'>,
): string[] {
  const nameWidth = Math.min(NAME_WIDTH_MAX, Math.max(0, ...findings.map(({ account }) => printable(account).length)));
  const sorted = findings.toSorted((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict));
  return sorted.flatMap((finding) => {
    const { verdict, account, evidence, dropped } = finding;
    const why = evidence.length === 0 ? whyUnknown(option, finding, sinceMs) : evidence.map(evidenceText).join('; ');
    const gap = dropped > 0 ? `; ${dropped} older behaviours were dropped from the record` : '';
    const head = [`  ${(verdict === 'breaks' ? 'BREAKS' : verdict).padEnd(7)}`, printable(account).padEnd(nameWidth)];
    return wrapped(head, `${why}${gap}`, widthMax);
  });
}

function evidenceText({ count, unit, what, lastMs, fate, client }: Evidence): string {
  const doubt = fate === 'in_doubt' ? ', others may be known to it' : '';
  const by = client === undefined ? '' : `, client "${printable(client)}"`;
  return `${count} ${unit}${count === 1 ? '' : 's'}: ${what}${doubt}, last ${day(lastMs)}${by}`;
}

const HEADING = `${'SEEN'.padStart(8)}  ${'FIRST'.padEnd(10)}  ${'LAST'.padEnd(10)}`;

function accountLines({ name, networks, behaviours, dropped }: AccountSeen, widthMax: number): string[] {
  const from = networks.toReversed().map(({ network }) => network);
  const rows = behaviours
    .toSorted((a, b) => rank(a.behaviour) - rank(b.behaviour) || b.lastMs - a.lastMs)
    .flatMap(({ behaviour, ...times }) => {
      const tls = behaviour.version?.replace('TLSv', '').replace('none', '-') ?? '?';
      return wrapped([timesText(times), whatText(behaviour).padEnd(8), tls.padEnd(3)], howText(behaviour), widthMax);
    });
  return [
    '',
    ...wrapped([printable(name)], from.length === 0 ? '' : `from ${from.join(', ')}`, widthMax),
    `${HEADING}  ${'WHAT'.padEnd(8)}  TLS  HOW`,
    ...rows,
    ...(dropped > 0 ? [`  ${dropped} older behaviours were dropped to make room.`] : []),
  ];
}

/** Logins first. */
function rank({ channel }: Behaviour): number {
  return channel === 'control' ? 0 : 1;
}

function timesText({ count, firstMs, lastMs }: Times): string {
  return `${String(count).padStart(8)}  ${day(firstMs)}  ${day(lastMs)}`;
}

function whatText(behaviour: Behaviour): string {
  return behaviour.channel === 'control' ? 'login' : (behaviour.use ?? 'attempt');
}

function howText(behaviour: Behaviour): string[] {
  const { suite, version, client } = behaviour;
  const facts = [
    version === 'none' ? 'in clear' : undefined,
    suite === undefined ? undefined : shortSuite(suite),
    ...(behaviour.channel === 'control' ? controlFacts(behaviour) : dataFacts(behaviour)),
    client === undefined ? undefined : `client "${printable(client)}"`,
  ];
  return facts.filter((fact) => fact !== undefined);
}

function controlFacts({ version, group, serverName, certificate, refused }: Behaviour & { channel: 'control' }) {
  const refusal = refused === undefined ? undefined : LOGIN_REFUSED[refused];
  if (version === 'none') return [refusal];
  return [group, serverName ? 'SNI' : 'no SNI', CERTIFICATES[certificate], refusal];
}

const LOGIN_REFUSED = {
  post_quantum: 'REFUSED 530: no post-quantum keys',
  certificate: 'REFUSED 530: not the certificate of the account',
} as const;

const CERTIFICATES = { trusted: 'certificate', none: 'no certificate', not_asked: undefined } as const;

function dataFacts({ resumed, closeNotify, refused }: Behaviour & { channel: 'data' }) {
  return [
    resumed === undefined ? undefined : resumed ? 'resumed' : 'not resumed',
    closeNotify === undefined ? undefined : closeNotify ? 'close_notify' : 'no close_notify',
    refused === undefined ? undefined : REFUSED[refused],
  ];
}

const REFUSED = {
  protection: 'REFUSED 521: without PROT P',
  session_reuse: 'REFUSED 522: not resumed',
  close_notify: 'REFUSED 426: cut off',
  certificate: 'REFUSED 522: not the certificate of the login',
  post_quantum: 'REFUSED 522: no post-quantum keys',
  handshake: 'REFUSED 522: handshake failed',
} as const;

/** The names of suites without what is the same in all of them; `--json` has them whole. */
function shortSuite(suite: string): string {
  return printable(suite)
    .replace(/^TLS_/, '')
    .replace('_WITH_', ' ')
    .replace(/_SHA\d+$/, '');
}

function strangerLines({ strangers, dropped, accounts }: TlsRecordData, widthMax: number): string[] {
  if (strangers.length === 0) return [];
  const known = (network: string) => {
    const names = accounts.filter(({ networks }) => networks.some((seen) => seen.network === network));
    const shown = names.slice(0, NEIGHBOURS_MAX).map(({ name }) => printable(name));
    const more = names.length > NEIGHBOURS_MAX ? ` and ${names.length - NEIGHBOURS_MAX} more` : '';
    return names.length === 0 ? '' : `; from there came ${shown.join(', ')}${more}`;
  };
  const width = Math.max(...strangers.map(({ network }) => network.length));
  return [
    '',
    'Refused before anybody had logged in',
    `${HEADING}  ${'FROM'.padEnd(width)}  WHY`,
    ...strangers
      .toReversed()
      .flatMap(({ network, why, ...times }) =>
        wrapped([timesText(times), network.padEnd(width)], `${STRANGERS[why]}${known(network)}`, widthMax),
      ),
    ...(dropped.strangers > 0 ? [`  ${dropped.strangers} more were dropped to make room.`] : []),
  ];
}

/** Accounts that are named beside a stranger who came from where they did. */
const NEIGHBOURS_MAX = 8;

const STRANGERS: Readonly<Record<StrangerRefusal, string>> = {
  clear_login: 'login in clear, answered 530',
  certificate: 'no client certificate that counts, answered 530',
  post_quantum: 'no post-quantum keys, answered 530',
  version: 'no version of TLS in common',
  suite: 'no cipher suite in common',
  group: 'no key exchange group in common',
  our_certificate: 'the client did not trust our certificate',
  other: 'the TLS handshake failed',
};

/** Columns, and behind them words that go on below themselves where the line is full. Pieces are kept whole where they fit. */
function wrapped(columns: readonly string[], text: string | readonly string[], widthMax: number): string[] {
  const head = columns.map((column) => `${column}  `).join('');
  const roomMax = Math.max(widthMax - head.length, ROOM_MIN);
  const pieces =
    typeof text === 'string' ? [text] : text.map((piece, index) => (index < text.length - 1 ? `${piece},` : piece));
  const words = pieces.flatMap((piece) => (piece.length <= roomMax ? [piece] : brokenUp(piece, roomMax)));
  const lines = [''];
  for (const word of words) {
    const last = lines.at(-1) ?? '';
    if (last === '') lines.splice(-1, 1, word);
    else if (last.length + 1 + word.length > roomMax) lines.push(word);
    else lines.splice(-1, 1, `${last} ${word}`);
  }
  return lines.map((line, index) => `${index === 0 ? head : ' '.repeat(head.length)}${line}`.trimEnd());
}

/** The least that is left for words, however wide the columns are. */
const ROOM_MIN = 20;

function brokenUp(text: string, roomMax: number): string[] {
  return text.split(' ').flatMap((word) => word.match(new RegExp(`.{1,${roomMax}}`, 'gsu')) ?? []);
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace('T', ' ');
}
