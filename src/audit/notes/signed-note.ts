/** C2SP signed notes: text with signatures below it, and the keys that verify them. */
import { hash } from 'node:crypto';
import { isSigned, KEY_BYTES, publicKeyOf } from './ed25519.ts';

/** A note is not what it should be; the message says why. */
export class NoteRefused extends Error {
  override readonly name = 'NoteRefused';
}

/** A signature line, taken apart. Nothing is verified yet. */
export interface NoteSignature {
  readonly name: string;
  readonly id: number;
  /** What stands behind the key's id. */
  readonly signature: Buffer;
  /** The line as it stands in the note, with its newline. */
  readonly line: string;
}

/** A note, taken apart. */
export interface Note {
  /** What is signed, with its last newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** A key that verifies signatures of notes. */
export interface NoteKey {
  readonly name: string;
  readonly id: number;
  readonly type: number;
  verifies(text: string, signature: Buffer): boolean;
}

/** The type of plain Ed25519 signatures. */
export const TYPE_ED25519 = 0x01;

/** Protects memory from a note that is handed in. A checkpoint with 16 post-quantum signatures has some 80 kB. */
const NOTE_CHARACTERS_MAX = 1_000_000;
const SIGNATURES_MAX = 256;

/** Takes a note apart. @throws NoteRefused when it is none. */
export function parseNote(note: string): Note {
  if (note.length > NOTE_CHARACTERS_MAX) throw new NoteRefused('the note is too long');
  if (/[\x00-\x09\x0b-\x1f]/.test(note)) throw new NoteRefused('the note holds control characters');
  if (!note.isWellFormed()) throw new NoteRefused('the note is not valid Unicode');
  const end = note.lastIndexOf('\n\n');
  if (end < 0 || !note.endsWith('\n')) throw new NoteRefused('the note has no signatures');
  const lines = note.slice(end + 2, -1).split('\n');
  if (lines.length > SIGNATURES_MAX) throw new NoteRefused('the note has too many signatures');
  return { text: note.slice(0, end + 1), signatures: lines.map(parseSignature) };
}

/**
 * The signatures by these keys. @throws NoteRefused when there is none, or one of them does not verify. Those by other
 * keys are passed over.
 */
export function verifyNote(note: Note, keys: readonly NoteKey[]): readonly NoteSignature[] {
  const known = signaturesBy(note, keys);
  if (known.length === 0) throw new NoteRefused('the note is signed by none of the keys');
  return known;
}

/** The same, where none is as good as some. @throws NoteRefused when one does not verify. */
export function signaturesBy(note: Note, keys: readonly NoteKey[]): readonly NoteSignature[] {
  return note.signatures.filter(({ name, id, signature }) => {
    const key = keys.find((one) => one.name === name && one.id === id);
    if (key === undefined) return false;
    if (!key.verifies(note.text, signature)) throw new NoteRefused(`the signature of ${name} is wrong`);
    return true;
  });
}

/** Writes a signature line. */
export function signatureLine(name: string, id: number, signature: Buffer): string {
  const bytes = Buffer.alloc(4 + signature.length);
  bytes.writeUInt32BE(id);
  signature.copy(bytes, 4);
  return `\u2014 ${name} ${bytes.toString('base64')}\n`;
}

/** Puts a note together. */
export function formatNote(text: string, lines: readonly string[]): string {
  return `${text}\n${lines.join('')}`;
}

/** The id of a key: the first bytes of a hash over its name, its type and itself. */
export function keyId(name: string, type: number, key: Buffer): number {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(type), key]), 'buffer').readUInt32BE();
}

/** A verifier key as text: `<name>+<id>+<base64>`. */
export function formatVkey(name: string, type: number, key: Buffer): string {
  const id = keyId(name, type, key).toString(16).padStart(8, '0');
  return `${name}+${id}+${Buffer.concat([Buffer.of(type), key]).toString('base64')}`;
}

/** Takes a verifier key apart. @throws NoteRefused when it is none, or its id is not that of its key. */
export function parseVkey(vkey: string): { readonly name: string; readonly type: number; readonly key: Buffer } {
  const [, name = '', id = '', base64 = ''] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey) ?? [];
  const bytes = fromBase64(base64);
  const type = bytes?.[0];
  if (!isKeyName(name) || bytes === undefined || type === undefined)
    throw new NoteRefused('this is not a verifier key');
  const key = bytes.subarray(1);
  if (keyId(name, type, key) !== Number.parseInt(id, 16)) {
    throw new NoteRefused(`the verifier key of ${name} has another id than it says`);
  }
  return { name, type, key };
}

/** The key of plain Ed25519 signatures. */
export function ed25519NoteKey(name: string, key: Buffer): NoteKey {
  if (key.length !== KEY_BYTES) throw new NoteRefused(`the verifier key of ${name} has not ${KEY_BYTES} bytes`);
  const publicKey = publicKeyOf(key);
  return {
    name,
    id: keyId(name, TYPE_ED25519, key),
    type: TYPE_ED25519,
    verifies: (text, signature) => isSigned(publicKey, Buffer.from(text), signature),
  };
}

/** Whether a key may have this name: something, without spaces and plus signs. */
export function isKeyName(name: string): boolean {
  return name !== '' && !/[\p{White_Space}\p{Cc}+]/u.test(name) && name.isWellFormed();
}

/** The bytes of base64 in its one proper form (RFC 4648 section 4); undefined for anything else. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function parseSignature(line: string): NoteSignature {
  const [, name = '', base64 = ''] = /^\u2014 ([^ ]+) ([^ ]+)$/.exec(line) ?? [];
  const bytes = fromBase64(base64);
  if (!isKeyName(name) || bytes === undefined || bytes.length < 5)
    throw new NoteRefused('a signature line is malformed');
  return { name, id: bytes.readUInt32BE(), signature: bytes.subarray(4), line: `${line}\n` };
}
