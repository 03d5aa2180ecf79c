/** `sallyport tls`: with what TLS the partners' clients really come, and whom a stricter policy would break. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { errorCode } from '../lib/error-code.ts';
import type { TlsRecordData } from '../modules/tls-record.ts';
import { readRecord } from '../modules/tls-record-file.ts';
import type { OptionOutcome, TriedOption, TriedPolicy } from '../modules/tls-verdict.ts';
import { tryPolicy, VERDICTS, worstVerdicts } from '../modules/tls-verdict.ts';
import { opensslSuite, TLS_PROFILE_NAMES, TLS_PROFILES, type TlsProfileName } from '../transport/tls-profiles.ts';
import { hasHybridGroups } from '../transport/tls-terms.ts';
import { CommandFailure } from './command-failure.ts';
import type { Configuration } from './configuration.ts';
import { CONFIG_FILE, requireConfiguration } from './configuration.ts';
import { toIsoTimes } from './iso-times.ts';
import type { Terminal } from './terminal.ts';
import { inventoryText, optionKey, simulationText, whyUnknown } from './tls-tables.ts';

const DAY_MS = 86_400_000;
const WIDTH_MIN = 72;
const WIDTH_MAX = 100;

/** Adds `tls` to the program. */
export function addTlsCommand(program: Command, terminal: Terminal): void {
  const tls = program.command('tls').summary('what TLS the clients come with, and whom a stricter policy would break');
  tls
    .command('inventory')
    .summary('show what was seen of each account')
    .description('Shows with what TLS the clients of each account were really seen, and whom the policy refused.')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .option('-u, --user <name>', 'this account alone')
    .option('--json', 'as JSON, times in ISO 8601')
    .addHelpText('after', INVENTORY_HELP)
    .action((flags: InventoryFlags) => showInventory(flags, terminal));
  const requirement = ['required', 'preferred', 'off'];
  tls
    .command('simulate')
    .summary('say who would break if the policy were tightened')
    .description('Tries a policy on what was seen. Nothing is changed; the policy is taken to hold for every account.')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .addOption(new Option('--min-version <version>', 'tls.min_version').choices(['TLSv1.2', 'TLSv1.3']))
    .addOption(new Option('--profile <name>', 'tls.profile: its version, suites and groups').choices(TLS_PROFILE_NAMES))
    .option('--suites <names>', 'the cipher suites that are left, with commas', suiteList)
    .option('--groups <names>', 'the groups that are left, with commas', groupList)
    .addOption(new Option('--post-quantum <how>', 'post_quantum').choices(requirement))
    .addOption(
      new Option('--client-certificate <how>', 'tls.client_certificate').choices(['required', 'optional', 'off']),
    )
    .option('--tls-control-required', 'tls_control_required: true')
    .option('--tls-data-required', 'tls_data_required: true')
    .addOption(new Option('--session-reuse <how>', 'session_reuse').choices(requirement))
    .addOption(new Option('--close-notify <how>', 'close_notify').choices(requirement))
    .option('--days <number>', 'what was last seen longer ago says nothing', dayCount, 90)
    .option('--strict', 'exit with 1 unless every account is known to be fine')
    .option('--json', 'as JSON, times in ISO 8601')
    .addHelpText('after', SIMULATE_HELP)
    .action((flags: SimulateFlags, command: Command) => simulate(flags, command, terminal));
}

interface InventoryFlags {
  readonly config: string;
  readonly user?: string;
  readonly json?: true;
}

interface SimulateFlags extends TriedPolicy {
  readonly config: string;
  readonly profile?: TlsProfileName;
  readonly days: number;
  readonly strict?: true;
  readonly json?: true;
}

async function showInventory({ config, user, json }: InventoryFlags, terminal: Terminal): Promise<void> {
  const { configuration, record } = await recordOf(config, terminal);
  const found = record.accounts.filter(({ name }) => user === undefined || name === user);
  if (user !== undefined && found.length === 0) {
    const known = configuration.accounts.some(({ name }) => name === user);
    throw new CommandFailure(
      'wrongUse',
      `${user} ${known ? 'was not seen yet' : 'is no account, and was never seen'}.`,
    );
  }
  const shown = user === undefined ? record : { ...record, accounts: found, strangers: [] };
  const text = json
    ? asJson(shown)
    : inventoryText(record, { accounts: user === undefined ? 'all' : found, widthMax: widthOf(terminal) });
  terminal.stdout.write(text);
}

async function simulate(flags: SimulateFlags, command: Command, terminal: Terminal): Promise<void> {
  const { config, days, strict, json, ...tried } = flags;
  const policy = withProfile(tried);
  if (Object.keys(policy).length === 0)
    command.error('error: name at least one setting to try, as --min-version TLSv1.3');
  const { configuration, record } = await recordOf(config, terminal);
  const accounts = configuration.accounts.filter(({ enabled }) => enabled).map(({ name }) => name);
  const sinceMs = systemClock.now() - days * DAY_MS;
  const hybridsOffered =
    configuration.options.postQuantum !== 'off' && hasHybridGroups(configuration.options.tls.profile);
  const outcomes = tryPolicy(record, policy, { accounts, sinceMs, hybridsOffered });
  terminal.stdout.write(
    json
      ? asJson(simulationData(outcomes, { policy, record, sinceMs }))
      : simulationText(outcomes, {
          wanted: (option) => wantedText(policy[option]),
          widthMax: widthOf(terminal),
          preface: preface(record, sinceMs),
          sinceMs,
        }),
  );
  const worst = [...worstVerdicts(outcomes).values()];
  const count = (verdict: string) => worst.filter((one) => one === verdict).length;
  const harmed = count('breaks') + count('might') + (strict ? count('unknown') : 0);
  if (harmed === 0) return;
  const unknown = strict ? `, ${count('unknown')} not known` : '';
  throw new CommandFailure(
    'failure',
    `accounts that would break: ${count('breaks')}, that might: ${count('might')}${unknown}.`,
  );
}

function preface({ savedMs }: TlsRecordData, sinceMs: number): string {
  const [since, saved] = [sinceMs, savedMs].map((ms) => new Date(ms).toISOString().slice(0, 16).replace('T', ' '));
  return `If this held for every account, by what was seen from ${since} to ${saved} UTC:`;
}

/** The record that a configuration names. @throws CommandFailure (wrong use) when there is none that can be read. */
async function recordOf(
  config: string,
  terminal: Terminal,
): Promise<{ readonly configuration: Configuration; readonly record: TlsRecordData }> {
  const configuration = await requireConfiguration(config, terminal);
  const { inventoryFile: file } = configuration.options.tls;
  const refuse = (why: string) => new CommandFailure('wrongUse', why);
  if (file === undefined) {
    throw refuse(`${config} keeps no inventory: set inventory_file under tls, and let the gateway run for a while.`);
  }
  const read = await readRecord(file).catch((error: unknown) => {
    throw refuse(`${file} cannot be read (${errorCode(error) ?? String(error)}).`);
  });
  if (read.kind === 'absent')
    throw refuse(`There is no ${file} yet: the gateway writes it within 30 s of the first login.`);
  if (read.kind === 'broken') throw refuse(`${file} is no inventory: ${read.why}.`);
  return { configuration, record: read.data };
}

function simulationData(
  outcomes: readonly OptionOutcome[],
  { policy, record, sinceMs }: { policy: TriedPolicy; record: TlsRecordData; sinceMs: number },
) {
  return {
    savedMs: record.savedMs,
    seenSinceMs: sinceMs,
    accounts: [...worstVerdicts(outcomes)].map(([account, verdict]) => ({ account, verdict })),
    options: outcomes.map(({ option, findings }) => ({
      option: optionKey(option),
      wanted: policy[option],
      ...Object.fromEntries(
        VERDICTS.toReversed().map((verdict) => [
          verdict,
          findings
            .filter((finding) => finding.verdict === verdict)
            .map((finding) => ({
              account: finding.account,
              ...(finding.lastMs !== undefined && { lastMs: finding.lastMs }),
              ...(verdict === 'unknown' && { why: whyUnknown(option, finding, sinceMs) }),
              evidence: finding.evidence,
              dropped: finding.dropped,
            })),
        ]),
      ),
    })),
  };
}

function asJson(value: unknown): string {
  return `${JSON.stringify(toIsoTimes(value), null, 2)}\n`;
}

function wantedText(wanted: TriedPolicy[TriedOption]): string {
  return Array.isArray(wanted) ? wanted.join(', ') : String(wanted);
}

function widthOf({ stdout }: Terminal): number {
  const columns = 'columns' in stdout && typeof stdout.columns === 'number' ? stdout.columns : WIDTH_MAX;
  return Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, columns));
}

function dayCount(text: string): number {
  const days = /^[0-9]{1,4}$/.test(text) ? Number(text) : 0;
  if (days < 1) throw new InvalidArgumentError('It must be 1 to 9999.');
  return days;
}

/** Names as IANA or as OpenSSL writes them; the record has the former. */
function suiteList(text: string): readonly string[] {
  return knownNames(text, {
    known: every('suites'),
    isNamed: (known, name) => [known, opensslSuite(known)].includes(name),
  });
}

function groupList(text: string): readonly string[] {
  const isNamed = (known: string, name: string) => known.toLowerCase() === name.toLowerCase();
  return knownNames(text, { known: [...every('groups'), ...every('hybridGroups')], isNamed });
}

function every(what: 'suites' | 'groups' | 'hybridGroups'): readonly string[] {
  return [...new Set(TLS_PROFILE_NAMES.flatMap((name) => TLS_PROFILES[name][what]))];
}

function knownNames(
  text: string,
  { known, isNamed }: { known: readonly string[]; isNamed: (known: string, name: string) => boolean },
): readonly string[] {
  return text.split(/[,:\s]+/).map((name) => {
    const found = known.find((one) => isNamed(one, name));
    if (found === undefined)
      throw new InvalidArgumentError(`'${name}' is none that the gateway offers: ${known.join(', ')}.`);
    return found;
  });
}

/** What a profile leaves of each; what is named besides it leaves less. */
function withProfile({ profile, ...policy }: TriedPolicy & { readonly profile?: TlsProfileName }): TriedPolicy {
  if (profile === undefined) return policy;
  const { minVersion, suites, groups, hybridGroups } = TLS_PROFILES[profile];
  const both = (left: readonly string[], named = left) => left.filter((name) => named.includes(name));
  return {
    ...policy,
    minVersion: [minVersion, policy.minVersion].includes('TLSv1.3') ? 'TLSv1.3' : 'TLSv1.2',
    suites: both(suites, policy.suites),
    groups: both([...hybridGroups, ...groups], policy.groups),
  };
}

const INVENTORY_HELP = `
The record is kept while the gateway runs with inventory_file under tls in its configuration; it is at most 30 seconds behind.
An account has a line for each way in which its clients behaved. What was refused before anybody had logged in is told
by network, for the name that was given need not be the client's own.

Examples:
  sallyport tls inventory
  sallyport tls inventory --user acme
  sallyport tls inventory --json | jq '.accounts[] | select(any(.behaviours[]; .behaviour.version == "TLSv1.2")) | .name'

Exit codes:
  0  it was shown
  2  there is no record, or no such account in it`;

const SIMULATE_HELP = `
BREAKS: every login that was seen of the account, or everything on its data connections, would be refused. might: some of
it would, or one cannot know. unknown: nothing was seen that tells. fine: all that was seen would be let in; what the
partner did not do yet, nobody knows.

Examples:
  sallyport tls simulate --min-version TLSv1.3 --close-notify required
  sallyport tls simulate --session-reuse required --days 30
  sallyport tls simulate --min-version TLSv1.3 --json | jq -r '.options[].breaks[].account'

Exit codes:
  0  nobody would break; with --strict: everybody is known to be fine
  1  somebody would, or might
  2  wrong use, or there is no record`;
