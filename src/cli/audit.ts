/** `sallyport audit`: reads the audit log from its files, beside a running gateway or without one, and verifies it offline. */
import type { Command } from 'commander';
import { InvalidArgumentError, Option } from 'commander';
import { LogDamaged } from '../audit/damage.ts';
import { newestCheckpoint } from '../audit/verifying/read-log.ts';
import { systemClock } from '../lib/clock.ts';
import { cosign } from './audit-cosign.ts';
import { EXPORT_FORMATS, type ExportFlags, exportRecords } from './audit-export.ts';
import { keyText, type PlaceFlags, placeOf, requireLog, withPlace } from './audit-place.ts';
import { type LogReceiptFlags, printLogReceipt } from './audit-receipt.ts';
import { countArgument, eventArgument, pathArgument, timeArgument } from './audit-records.ts';
import { type ShowFlags, show } from './audit-show.ts';
import { type ConsistencyFlags, compareCheckpoints, type VerifyFlags, verify } from './audit-verify.ts';
import { CommandFailure } from './command-failure.ts';
import { CONFIG_FILE } from './configuration.ts';
import { gathered } from './log-keys.ts';
import type { Terminal } from './terminal.ts';

/** The number that RFC 5612 sets apart for examples: the name is ours, and no number was given to us. */
const ENTERPRISE_DEFAULT = 32_473;

/** Adds `audit` to the program. */
export function addAuditCommand(program: Command, terminal: Terminal): void {
  const audit = program.command('audit').summary('verify, show and export the audit log');
  addVerify(audit, terminal);
  addShow(audit, terminal);
  addConsistency(audit, terminal);
  addExport(audit, terminal);
  addKey(audit, terminal);
  addCheckpoints(audit, terminal);
  addReceipt(audit, terminal);
}

function addVerify(audit: Command, terminal: Terminal): void {
  withPlace(audit.command('verify'))
    .summary('is the log what was signed, record by record?')
    .description(
      'Verifies the whole log offline: every record against its hash, every hash against the signed checkpoints, every signature, ' +
        'and the order of times. Names the first record that is wrong.',
    )
    .option('-k, --key <key>', 'the key of the log, or a file with it, or one in PEM; may be repeated', gathered)
    .option('-w, --witness <key>', 'a witness that must have vouched for the log; may be repeated', gathered)
    .option('-s, --since <file>', 'a checkpoint that was kept elsewhere: the log must begin with what it names')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', VERIFY_HELP)
    .action((flags: VerifyFlags) => verify(flags, terminal));
}

function addShow(audit: Command, terminal: Terminal): void {
  const time = timeArgument(() => systemClock.now());
  withPlace(audit.command('show'))
    .summary('show records')
    .description('Shows records, the oldest first. They are read as they are; `sallyport audit verify` verifies them.')
    .option('-u, --user <name>', 'of this account or operator')
    .option('-e, --event <name>', "of this event, or of a family as 'upload.*'; may be repeated", eventArgument)
    .option('-s, --since <time>', "not before: RFC 3339, a date (UTC), or how long ago as '2h', '7d'", time)
    .option('--until <time>', 'before that, in the same forms', time)
    .option('-p, --path <pattern>', "whose path, old or new, matches: '/in/**', '*.csv'", pathArgument)
    .option('--session <id>', 'of this session')
    .addOption(new Option('--result <result>', 'that ended so').choices(['success', 'failure']))
    .option('-n, --limit <count>', 'the last ones of those alone', countArgument(1))
    .option('--json', 'as JSON lines, whole: each record with its index')
    .addHelpText('after', SHOW_HELP)
    .action((flags: ShowFlags) => show(flags, terminal));
}

function addConsistency(audit: Command, terminal: Terminal): void {
  withPlace(audit.command('consistency'))
    .summary('does a newer checkpoint continue an older one?')
    .description(
      'Proves from the hashes of the log that the records of the older checkpoint begin those of the newer one.',
    )
    .argument('<old>', 'a file with the older checkpoint')
    .argument('<new>', 'a file with the newer checkpoint')
    .option('-k, --key <key>', 'the key of the log, or a file with it, or one in PEM; may be repeated', gathered)
    .option('--json', 'as JSON, with the proof')
    .addHelpText('after', CONSISTENCY_HELP)
    .action((older: string, newer: string, flags: ConsistencyFlags) =>
      compareCheckpoints({ older, newer }, flags, terminal),
    );
}

function addExport(audit: Command, terminal: Terminal): void {
  const time = timeArgument(() => systemClock.now());
  withPlace(audit.command('export'))
    .summary('write records for other programs')
    .description('Writes records, the oldest first, one a line, each with its index.')
    .addOption(new Option('-f, --format <form>', 'the form').choices(EXPORT_FORMATS).makeOptionMandatory())
    .option('-s, --since <time>', "not before: RFC 3339, a date (UTC), or how long ago as '2h', '7d'", time)
    .option('--until <time>', 'before that, in the same forms', time)
    .option('--from <index>', 'from this record on', countArgument(0))
    .option('--enterprise <number>', 'with syslog: your private enterprise number', enterprise, ENTERPRISE_DEFAULT)
    .option('-o, --output <file>', 'into this file, mode 0600, whole or not at all')
    .addHelpText('after', EXPORT_HELP)
    .action((flags: ExportFlags) => exportRecords(flags, terminal));
}

function enterprise(text: string): number {
  const number = /^[1-9][0-9]{0,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number < 2 ** 32)) throw new InvalidArgumentError('It must be 1 to 4294967295.');
  return number;
}

function addKey(audit: Command, terminal: Terminal): void {
  withPlace(audit.command('key'))
    .summary('print the public key, for partners and auditors')
    .description('Prints the key that verifies the log and its receipts: a C2SP verifier key on one line.')
    .option('--pem', 'as PEM, for openssl')
    .addHelpText('after', KEY_HELP)
    .action(async (flags: PlaceFlags & { readonly pem?: true }) => {
      const place = await placeOf(flags, terminal);
      terminal.stdout.write(await keyText(place, { pem: flags.pem === true }));
    });
}

function addCheckpoints(audit: Command, terminal: Terminal): void {
  withPlace(audit.command('checkpoint'))
    .summary('print the newest checkpoint, to be kept elsewhere')
    .description('Prints the newest checkpoint as it was signed, with the cosignatures that it has.')
    .addHelpText('after', CHECKPOINT_HELP)
    .action((flags: PlaceFlags) => printCheckpoint(flags, terminal));
  audit
    .command('cosign')
    .summary("add a witness's cosignature")
    .description(
      'Adds the cosignatures of a checkpoint that a witness gave back: through the gateway while it runs, else directly. That is recorded.',
    )
    .argument('<file>', 'the checkpoint with cosignatures')
    .option('-c, --config <file>', 'the configuration', CONFIG_FILE)
    .addHelpText('after', COSIGN_HELP)
    .action((file: string, flags: { readonly config: string }) => cosign(file, flags, terminal));
}

function addReceipt(audit: Command, terminal: Terminal): void {
  withPlace(audit.command('receipt'))
    .summary('print the receipt of a record, with the cosignatures that came since')
    .description(
      'Makes the receipt of a record from the log: over the checkpoint that witnesses have cosigned where that has the record, ' +
        'else over the newest.',
    )
    .argument('<index>', 'the place of the record in the log', countArgument(0))
    .option('-k, --key <key>', 'the key of the log, or a file with it, or one in PEM; may be repeated', gathered)
    .addHelpText('after', RECEIPT_HELP)
    .action((index: number, flags: LogReceiptFlags) => printLogReceipt(index, flags, terminal));
}

async function printCheckpoint(flags: PlaceFlags, terminal: Terminal): Promise<void> {
  const { directory } = await requireLog(flags, terminal);
  try {
    const note = await newestCheckpoint(directory);
    if (note === undefined) throw new CommandFailure('failure', `The log in ${directory} has no checkpoint.`);
    terminal.stdout.write(note);
  } catch (error) {
    if (!(error instanceof LogDamaged)) throw error;
    throw new CommandFailure('failure', `${error.message}.`, { cause: error });
  }
}

const VERIFY_HELP = `
Give the key that you got from the operator earlier, on another way. Without --key the one beside the log is taken, which
says nothing when whoever altered the log had that key too. What was not checked is said at the end.

Examples:
  sallyport audit verify                                   the log of ./${CONFIG_FILE}, by the key beside it
  sallyport audit verify -d /mnt/copy/audit --key acme.vkey --since 2026-01-01.checkpoint

Exit codes:
  0  it is sound
  1  it is not: the first thing that is wrong is named, or a witness has not vouched for it
  2  wrong use, or there is no log, or no key to be read`;

const SHOW_HELP = `
Each line has the index, the time in UTC, the event, the result, who, from where (address:port/session), and what; lists and
what is known of TLS are in --json. Control characters are shown as \\uXXXX.

Examples:
  sallyport audit show --since 2h --result failure
  sallyport audit show --user acme --path '/in/**' --event 'upload.*' --since 2026-03-01 --until 2026-04-01
  sallyport audit show --event login.failed --json | jq -r .origin.address | sort | uniq -c

Exit codes:
  0  they were shown, however few
  1  a file of the log is missing or damaged; what stands before it was shown
  2  wrong use, or there is no log`;

const CONSISTENCY_HELP = `
Examples:
  sallyport audit checkpoint > monday                      and a week later:
  sallyport audit checkpoint > next-monday
  sallyport audit consistency monday next-monday --key acme.vkey

Exit codes:
  0  the newer one continues the older one
  1  it does not, or one of them is not signed by the key
  2  wrong use, or something could not be read`;

const EXPORT_HELP = `
jsonl   the record byte by byte, with "index" in front of its first member
csv     RFC 4180, every cell in quotes; a cell that a spreadsheet would take for a formula has an apostrophe in front
syslog  RFC 5424, facility 13 (log audit), the record as JSON in ASCII behind the structured data [sallyport@32473 ...]; the
        number is the one for examples (RFC 5612), and --enterprise puts yours in its place

Examples:
  sallyport audit export --format csv --since 7d --output week.csv
  sallyport audit export --format jsonl --from 120000 >> collected.jsonl
  sallyport audit export --format syslog --since 1h | nc -N logs.example.com 514

Exit codes:
  0  everything was written
  1  a file of the log is missing or damaged (with --output nothing is written), or the output could not be written
  2  wrong use, or there is no log`;

const KEY_HELP = `
Hand it to partners and auditors on a way that they trust, before they need it: it is public, and a key that comes with
what it is to verify proves nothing.

Examples:
  sallyport audit key > acme.vkey
  sallyport audit key --pem > acme.pem

Exit codes:
  0  it was printed
  2  there is no key yet: the gateway makes it at its first start`;

const RECEIPT_HELP = `
Examples:
  sallyport audit receipt 17 > invoice.edi.17.receipt
  sallyport receipt verify invoice.edi invoice.edi.17.receipt --key acme.vkey --witness witness.vkey

Exit codes:
  0  it was printed
  1  there is no such record any more, or the log is damaged
  2  wrong use, or there is no log, or no key to be read`;

const CHECKPOINT_HELP = `
Keep checkpoints where nobody who can alter the log can reach them: with one, 'sallyport audit verify --since' finds a log
that was cut or written anew.

Examples:
  sallyport audit checkpoint | ssh vault 'cat > "checkpoints/$(date -I)"'

Exit codes:
  0  it was printed
  1  the log is damaged
  2  wrong use, or there is no log`;

const COSIGN_HELP = `
The witness has to be one of audit.witnesses in the configuration.

Examples:
  sallyport audit checkpoint > newest; witness-client newest > cosigned; sallyport audit cosign cosigned

Exit codes:
  0  it was added, or known already
  1  it was refused: no checkpoint of this log, or no cosignature by a configured witness that is right
  2  wrong use, or no witness is configured`;
