/**
 * Verifying a receipt with nothing but the log's public key: the record on the first line, an empty line, and the proof
 * that the record is in the log. Pure, so that a partner can do the same years later without the gateway.
 */
import { openCheckpoint } from '../notes/checkpoint.ts';
import { cosignedSeconds, TYPE_COSIGNATURE, witnessKey } from '../notes/cosignature.ts';
import { type Note, type NoteKey, NoteRefused, signaturesBy } from '../notes/signed-note.ts';
import { leafHash, rootOfInclusion } from '../tree/merkle.ts';
import { formatProof, parseProof, type TlogProof } from '../tree/proof.ts';

/** The receipt does not prove what it says; the message says why. */
export class ReceiptRefused extends Error {
  override readonly name = 'ReceiptRefused';
}

/** A witness that vouched for a checkpoint. */
export interface Cosigner {
  readonly name: string;
  /** When it did, in seconds since 1970; undefined for a plain signature, which has no time. */
  readonly seconds: bigint | undefined;
}

/** What a receipt proves. */
export interface VerifiedReceipt {
  /** The log's name. */
  readonly origin: string;
  /** The record's place in the log, and how many records the log had when the checkpoint was signed. */
  readonly index: number;
  readonly size: number;
  /** The record: its exact text, and what it says. */
  readonly entry: string;
  readonly record: Readonly<Record<string, unknown>>;
  /** The witnesses, of those that were asked for, that cosigned the checkpoint. */
  readonly cosigners: readonly Cosigner[];
}

/** Writes a receipt. */
export function formatReceipt(entry: Buffer, proof: TlogProof): string {
  return `${entry.toString('utf8')}\n\n${formatProof(proof)}`;
}

/**
 * Verifies a receipt. Keys are vkeys, or public keys as PEM; witnesses are vkeys.
 *
 * @throws ReceiptRefused saying why, for anything that is not exactly a receipt under one of the keys.
 */
export function verifyReceipt(
  text: string,
  keys: readonly string[],
  witnesses: readonly string[] = [],
): VerifiedReceipt {
  try {
    return verified(text, keys, witnesses);
  } catch (error) {
    if (error instanceof NoteRefused) throw new ReceiptRefused(error.message, { cause: error });
    throw error;
  }
}

/** The witnesses that cosigned a note. @throws NoteRefused when one of their cosignatures is wrong. */
export function cosignersOf(note: Note, keys: readonly NoteKey[]): Cosigner[] {
  return signaturesBy(note, keys).map(({ name, id, signature }) => {
    const key = keys.find((one) => one.name === name && one.id === id);
    return { name, seconds: key?.type === TYPE_COSIGNATURE ? cosignedSeconds(signature) : undefined };
  });
}

function verified(text: string, keys: readonly string[], witnesses: readonly string[]): VerifiedReceipt {
  const end = text.indexOf('\n');
  if (end <= 0 || text[end + 1] !== '\n')
    throw new ReceiptRefused('this is not a receipt: the second line is not empty');
  const entry = text.slice(0, end);
  const { index, hashes, checkpoint, extra } = parseProof(text.slice(end + 2));
  if (extra !== undefined) throw new ReceiptRefused('the receipt holds extra data, which nothing proves');
  const { origin, size, root, parsed } = openCheckpoint(checkpoint, keys);
  const proven = rootOfInclusion(leafHash(Buffer.from(entry)), { index, size }, hashes);
  if (proven === undefined) throw new ReceiptRefused(`the proof is not one of record ${index} in a log of ${size}`);
  if (!proven.equals(root)) throw new ReceiptRefused('the record is not the one that is in the log');
  const cosigners = cosignersOf(parsed, witnesses.map(witnessKey));
  return { origin, index, size, entry, record: recordOf(entry), cosigners };
}

function recordOf(entry: string): Readonly<Record<string, unknown>> {
  const record = parsedJson(entry);
  if (typeof record !== 'object' || record === null || Array.isArray(record)) {
    throw new ReceiptRefused('the first line is not a record');
  }
  return { ...record };
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ReceiptRefused('the first line is not JSON', { cause: error });
  }
}
