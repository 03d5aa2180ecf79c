/** `sallyport quarantine`: the files that are held back, and what the operator decides of them. */
import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Intent } from '../intake/doors/upload.ts';
import { printable } from '../lib/printable.ts';
import { CommandFailure } from './command-failure.ts';
import { askGateway, NoGateway, operatorName } from './control.ts';
import {
  asJson,
  confirmed,
  type GatewayFlags,
  type OrderFlags,
  stateDirectoryOf,
  table,
  timeText,
  withGateway,
  withOrder,
} from './operated.ts';
import { heldInFiles } from './quarantine-files.ts';
import { line, recordText } from './receipt-text.ts';
import type { Terminal } from './terminal.ts';

/** Adds `quarantine` to the program. */
export function addQuarantineCommand(program: Command, terminal: Terminal): void {
  const quarantine = program.command('quarantine').summary('list, show, release or destroy files that are held back');
  withGateway(quarantine.command('list'))
    .summary('list the files that are held back')
    .description('Lists the uploads that are held back, the oldest first.')
    .addHelpText('after', LIST_HELP)
    .action((flags: GatewayFlags) => list(flags, terminal));
  withGateway(quarantine.command('show'))
    .summary('show what is known of one of them')
    .description(
      'Shows what is known of an upload that is held back: whose it is, where it came from, what the gates said.',
    )
    .argument('<id>', 'the upload, by its id', uploadId)
    .addHelpText('after', SHOW_HELP)
    .action((id: string, flags: GatewayFlags) => show(id, flags, terminal));
  withOrder(quarantine.command('release'))
    .summary('publish one of them')
    .description(
      'Publishes a file that is held back, under the name that it was sent as, with its receipt. That is recorded.',
    )
    .argument('<id>', 'the upload, by its id', uploadId)
    .addHelpText('after', RELEASE_HELP)
    .action((id: string, flags: OrderFlags) => release(id, flags, terminal));
  withOrder(quarantine.command('destroy'))
    .summary('remove one of them for good')
    .description('Removes a file that is held back. Nothing of it is kept but its records.')
    .argument('<id>', 'the upload, by its id', uploadId)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', DESTROY_HELP)
    .action((id: string, flags: OrderFlags & { readonly yes?: true }) => destroy(id, flags, terminal));
}

async function list(flags: GatewayFlags, terminal: Terminal): Promise<void> {
  const uploads = await held(flags, terminal);
  if (flags.json) terminal.stdout.write(asJson(uploads.map(heldJson)));
  else if (uploads.length === 0) terminal.stdout.write('Nothing is held back.\n');
  else {
    const rows = uploads.map(({ upload, sinceMs, reason = '' }) => [
      ...[upload.id, timeText(sinceMs), upload.account, String(upload.bytes), upload.path, reason],
    ]);
    terminal.stdout.write(table(['ID', 'SINCE', 'ACCOUNT', 'BYTES', 'PATH', 'WHY'], rows));
  }
}

async function show(id: string, flags: GatewayFlags, terminal: Terminal): Promise<void> {
  const found = (await held(flags, terminal)).find(({ upload }) => upload.id === id);
  if (found === undefined) throw new CommandFailure('failure', `No upload ${id} is held back.`);
  terminal.stdout.write(flags.json ? asJson(heldJson(found)) : heldText(found));
}

async function release(id: string, flags: OrderFlags, terminal: Terminal): Promise<void> {
  const directory = await stateDirectoryOf(flags, terminal);
  const order = { upload: id, operator: operatorName(), reason: flags.reason };
  const { path } = await askGateway(directory, 'quarantine.release', order);
  terminal.stdout.write(flags.json ? asJson({ upload: id, path }) : `Published ${id} as ${printable(path)}.\n`);
}

async function destroy(id: string, flags: OrderFlags & { readonly yes?: true }, terminal: Terminal): Promise<void> {
  const directory = await stateDirectoryOf(flags, terminal);
  if (flags.yes !== true) await confirmed(`Destroy upload ${id} for good?`, terminal);
  await askGateway(directory, 'quarantine.destroy', { upload: id, operator: operatorName(), reason: flags.reason });
  terminal.stdout.write(flags.json ? asJson({ upload: id }) : `Destroyed ${id}.\n`);
}

/** By the gateway's word while it runs, and by what is on the disk while none does. */
async function held(flags: GatewayFlags, terminal: Terminal): Promise<readonly Intent[]> {
  const directory = await stateDirectoryOf(flags, terminal);
  try {
    return (await askGateway(directory, 'quarantine.list', {})).uploads;
  } catch (error) {
    if (!(error instanceof NoGateway)) throw error;
    const uploads = await heldInFiles(directory);
    terminal.stderr.write('No gateway runs: this is what the last one left.\n');
    return uploads;
  }
}

function heldText({ upload, sinceMs, reason, outcomes }: Intent): string {
  const { id, path, bytes, sha256, startedMs, arrivedMs, verb, channels, encryptedTo, who, origin } = upload;
  const record = {
    ...{ who, origin },
    object: {
      ...{ path, bytes, sha256, verb, upload: id, started: timeText(startedMs), arrived: timeText(arrivedMs) },
      ...channels,
      ...(outcomes.length > 0 && { gates: outcomes }),
      ...(encryptedTo.length > 0 && { encrypted_to: encryptedTo }),
    },
  };
  return `${id}\n${line('held back', timeText(sinceMs))}${line('why', reason ?? '')}${recordText(record)}`;
}

function heldJson({ upload, sinceMs, reason, outcomes }: Intent): object {
  const { startedMs, arrivedMs, encryptedTo, storedBytes, onRefused: _, root: __, collision, ...rest } = upload;
  const times = { since: iso(sinceMs), started: iso(startedMs), arrived: iso(arrivedMs) };
  return { ...rest, collision, ...times, encryptedTo, storedBytes, reason, outcomes };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

function uploadId(text: string): string {
  if (!/^[0-9a-f]{24}$/.test(text))
    throw new InvalidArgumentError('It must be the 24 digits of a to f and 0 to 9 that `list` shows.');
  return text;
}

const LIST_HELP = `
Examples:
  sallyport quarantine list
  sallyport quarantine list --json | jq -r '.[] | select(.account == "acme") | .id'

Exit codes:
  0  they were listed, however few
  1  the gateway could not be asked
  2  wrong use, or a wrong configuration`;

const SHOW_HELP = `
Examples:
  sallyport quarantine show 5d41402abc4b2a76b9719d91

Exit codes:
  0  it was shown
  1  no such upload is held back, or the gateway could not be asked
  2  wrong use, or a wrong configuration`;

const RELEASE_HELP = `
The gateway has to run: it publishes the file, with what the directory says of names that are taken, and records who gave
the order and why.

Examples:
  sallyport quarantine release 5d41402abc4b2a76b9719d91 --reason 'false alarm, ticket 4711'

Exit codes:
  0  it is published
  1  it is not, and stays as it is: the reason is said. Also when no gateway runs
  2  wrong use, or a wrong configuration`;

const DESTROY_HELP = `
The gateway has to run: it removes the file, and records who gave the order and why.

Examples:
  sallyport quarantine destroy 5d41402abc4b2a76b9719d91 --reason 'malware, ticket 4712' --yes

Exit codes:
  0  it is gone
  1  it is not, and stays as it is: the reason is said. Also when no gateway runs
  2  wrong use, or nobody confirmed it`;
