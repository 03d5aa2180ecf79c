/** C2SP tlog-checkpoint: the size and the root of a log, in a signed note. */
import { createPublicKey } from 'node:crypto';
import { HASH_BYTES, type TreeHead } from '../tree/merkle.ts';
import { publicBytesOf } from './ed25519.ts';
import {
  ed25519NoteKey,
  fromBase64,
  type Note,
  type NoteKey,
  NoteRefused,
  parseNote,
  parseVkey,
  TYPE_ED25519,
  verifyNote,
} from './signed-note.ts';

/** What a checkpoint says. */
export interface Checkpoint extends TreeHead {
  readonly origin: string;
  /** Lines behind the root; Sallyport writes none. */
  readonly extensions: readonly string[];
}

/** A checkpoint whose signature was verified, with its note. */
export interface SignedCheckpoint extends Checkpoint {
  /** The whole note, as it was given. */
  readonly note: string;
  readonly parsed: Note;
}

/** The text of a checkpoint, which is to be signed. */
export function formatCheckpoint({ origin, size, root }: TreeHead & { readonly origin: string }): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`;
}

/** Takes the text of a checkpoint apart. @throws NoteRefused when it is none. */
export function parseCheckpoint(text: string): Checkpoint {
  if (!text.endsWith('\n')) throw new NoteRefused('the checkpoint does not end with a line');
  const [origin = '', sizeText = '', rootText = '', ...extensions] = text.slice(0, -1).split('\n');
  const size = decimalOf(sizeText);
  const root = fromBase64(rootText);
  if (origin === '' || extensions.includes('')) throw new NoteRefused('the checkpoint has an empty line');
  if (size === undefined) throw new NoteRefused('the size of the checkpoint is not a number');
  if (root?.length !== HASH_BYTES) throw new NoteRefused('the root of the checkpoint is not a SHA-256 hash');
  return { origin, size, root, extensions };
}

/**
 * Reads a checkpoint that one of the keys, by the name of the log, has signed. A key is a vkey, or a public key as PEM,
 * which stands for any log. @throws NoteRefused when it is malformed or signed by none.
 */
export function openCheckpoint(note: string, keys: readonly string[]): SignedCheckpoint {
  const parsed = parseNote(note);
  const checkpoint = parseCheckpoint(parsed.text);
  verifyNote(parsed, logKeys(keys, checkpoint.origin));
  return { ...checkpoint, note, parsed };
}

/** The number that decimal digits without leading zeroes name; undefined for anything else, and above 2^53. */
export function decimalOf(text: string): number | undefined {
  if (!/^(?:0|[1-9][0-9]{0,15})$/.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Those of the keys that may sign for this log. @throws NoteRefused for text that is no key, or one of another kind. */
function logKeys(keys: readonly string[], origin: string): NoteKey[] {
  return keys.flatMap((text) => {
    if (text.includes('-----BEGIN')) return [ed25519NoteKey(origin, pemBytes(text))];
    const { name, type, key } = parseVkey(text.trim());
    if (type !== TYPE_ED25519) throw new NoteRefused(`the key ${name} is not one of Ed25519 signatures`);
    return name === origin ? [ed25519NoteKey(name, key)] : [];
  });
}

function pemBytes(pem: string): Buffer {
  try {
    return publicBytesOf(createPublicKey(pem));
  } catch (error) {
    throw new NoteRefused('the key is not an Ed25519 public key in PEM', { cause: error });
  }
}
