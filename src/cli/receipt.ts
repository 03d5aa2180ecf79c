/** `sallyport receipt`: what a receipt says, and whether it is true, with nothing but the public key of the log. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Command } from 'commander';
import { parseCheckpoint } from '../audit/notes/checkpoint.ts';
import { NoteRefused, parseNote, parseVkey } from '../audit/notes/signed-note.ts';
import { parseProof } from '../audit/tree/proof.ts';
import { ReceiptRefused, type VerifiedReceipt, verifyReceipt } from '../audit/verifying/receipt.ts';
import { CommandFailure } from './command-failure.ts';
import { gathered, keysFrom, reading, textOf } from './log-keys.ts';
import { line, memberOf, type ReceiptRecord, recordText } from './receipt-text.ts';
import type { Terminal } from './terminal.ts';

/** Adds `receipt` to the program. */
export function addReceiptCommand(program: Command, terminal: Terminal): void {
  const receipt = program.command('receipt').summary('verify the receipt of an upload, or show what it says');
  receipt
    .command('verify')
    .summary('is this file the one that the receipt is for, and is the receipt true?')
    .description(
      'Verifies, without the gateway and without a network, that the log whose key is given holds the record of an upload, ' +
        'and that the file has the size and the SHA-256 of that record.',
    )
    .argument('<file>', 'the file, as it was sent')
    .argument('<receipt>', 'its receipt')
    .requiredOption('-k, --key <key>', 'a verifier key, or a file with one, or one in PEM; may be repeated', gathered)
    .option('-w, --witness <key>', 'a witness that must have vouched for the log; may be repeated', gathered)
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', VERIFY_HELP)
    .action((file: string, path: string, flags: VerifyFlags) => verify({ file, receipt: path }, flags, terminal));
  receipt
    .command('show')
    .summary('what a receipt says; nothing is verified')
    .description('Prints what a receipt says, whoever may have written it. Nothing is verified.')
    .argument('<receipt>', 'the receipt')
    .option('--json', 'as JSON, for programs')
    .action((path: string, flags: { readonly json?: true }) => show(path, flags, terminal));
}

interface VerifyFlags {
  readonly key: readonly string[];
  readonly witness?: readonly string[];
  readonly json?: true;
}

interface Paths {
  readonly file: string;
  readonly receipt: string;
}

async function verify(paths: Paths, { key, witness = [], json }: VerifyFlags, terminal: Terminal): Promise<void> {
  const keys = (await Promise.all(key.map(keysFrom))).flat();
  const witnesses = (await Promise.all(witness.map(keysFrom))).flat();
  const text = await textOf(paths.receipt);
  const found = await contentOf(paths.file);
  try {
    const proven = provenUpload(text, { keys, witnesses, found });
    if (json) terminal.stdout.write(`${JSON.stringify(asJson(proven), null, 2)}\n`);
    else terminal.stdout.write(`${paths.receipt}: verified\n${recordText(proven.record)}${logText(proven)}`);
  } catch (error) {
    if (!(error instanceof ReceiptRefused)) throw error;
    if (json) terminal.stdout.write(`${JSON.stringify({ verified: false, reason: error.message }, null, 2)}\n`);
    throw new CommandFailure('failure', `${paths.receipt} does NOT verify: ${error.message}`, { cause: error });
  }
}

interface Content {
  readonly bytes: number;
  readonly sha256: string;
}

/** @throws ReceiptRefused saying what is not as the receipt says. */
function provenUpload(
  text: string,
  { keys, witnesses, found }: { keys: readonly string[]; witnesses: readonly string[]; found: Content },
): VerifiedReceipt {
  const proven = verifyReceipt(text, keys, witnesses);
  for (const wanted of witnesses) {
    const { name } = parseVkey(wanted);
    if (!proven.cosigners.some((cosigner) => cosigner.name === name)) {
      throw new ReceiptRefused(`the witness ${name} has not vouched for it`);
    }
  }
  const { record } = proven;
  const event = memberOf(record, 'event');
  if (event !== 'upload.published') throw new ReceiptRefused(`its record is not of an upload but of ${String(event)}`);
  const object = memberOf(record, 'object');
  const [bytes, sha256] = [memberOf(object, 'bytes'), memberOf(object, 'sha256')];
  if (bytes !== found.bytes) throw new ReceiptRefused(`the file has ${found.bytes} bytes and the upload had ${bytes}`);
  if (sha256 !== found.sha256)
    throw new ReceiptRefused(`the file has the SHA-256 ${found.sha256}, the upload ${sha256}`);
  return proven;
}

async function show(path: string, { json }: { readonly json?: true }, terminal: Terminal): Promise<void> {
  const text = await textOf(path);
  try {
    const { record, index, origin, size } = takenApart(text);
    if (json) {
      terminal.stdout.write(`${JSON.stringify({ verified: null, origin, index, size, record }, null, 2)}\n`);
      return;
    }
    const log = line('log', `${origin}, record ${index} of ${size}`);
    terminal.stdout.write(`${path}: NOT VERIFIED, this is what it says\n${recordText(record)}${log}`);
  } catch (error) {
    if (!(error instanceof NoteRefused || error instanceof SyntaxError)) throw error;
    throw new CommandFailure('failure', `${path} is no receipt: ${error.message}`, { cause: error });
  }
}

interface Claims {
  readonly record: ReceiptRecord;
  readonly index: number;
  readonly origin: string;
  readonly size: number;
}

/** @throws SyntaxError, NoteRefused. */
function takenApart(text: string): Claims {
  const end = text.indexOf('\n\n');
  if (end < 0) throw new NoteRefused('there is no proof behind its first line');
  const record: unknown = JSON.parse(text.slice(0, end));
  if (typeof record !== 'object' || record === null) throw new NoteRefused('its first line is no record');
  const { index, checkpoint } = parseProof(text.slice(end + 2));
  const { origin, size } = parseCheckpoint(parseNote(checkpoint).text);
  return { record: { ...record }, index, origin, size };
}

function asJson({ origin, index, size, record, cosigners }: VerifiedReceipt): object {
  const witnesses = cosigners.map(({ name, seconds }) => ({ name, time: timeOf(seconds) }));
  return { verified: true, origin, index, size, witnesses, record };
}

function logText({ origin, index, size, cosigners }: VerifiedReceipt): string {
  const log = line('log', `${origin}, record ${index} of ${size}`);
  return `${log}${cosigners.map(({ name, seconds }) => line('witness', `${name} ${timeOf(seconds) ?? ''}`.trimEnd())).join('')}`;
}

function timeOf(seconds: bigint | undefined): string | undefined {
  return seconds === undefined ? undefined : new Date(Number(seconds) * 1_000).toISOString();
}

async function contentOf(path: string): Promise<Content> {
  return reading(path, async () => {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of createReadStream(path, { highWaterMark: 1_048_576 })) {
      hash.update(piece);
      bytes += piece.length;
    }
    return { bytes, sha256: hash.digest('hex') };
  });
}

const VERIFY_HELP = `
The operator of the gateway tells the key with 'sallyport audit key'; get it once, on a way that you trust, and keep it.

Examples:
  sallyport receipt verify invoice.edi invoice.edi.17.receipt --key acme-gateway.vkey
  sallyport receipt verify invoice.edi invoice.edi.17.receipt --key ftps.example.com/audit+0a1b2c3d+AZ...

Exit codes:
  0  it is verified
  1  it is not: the receipt is not true, or not for this file
  2  wrong use, or something could not be read`;
