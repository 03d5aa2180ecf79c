/** The key that signs the log's checkpoints: an Ed25519 key in a file of its own. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { closeSync, fstatSync, fsyncSync, openSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { hasCode } from '../../lib/error-code.ts';
import { publicBytesOf } from './ed25519.ts';
import { formatNote, formatVkey, isKeyName, keyId, parseVkey, signatureLine, TYPE_ED25519 } from './signed-note.ts';

/** Who signs for a log. The key itself stays with it. */
export interface LogSigner {
  /** The log's name, its origin. */
  readonly name: string;
  /** What verifies its signatures. */
  readonly vkey: string;
  /** The Ed25519 signature of a text. */
  sign(text: string): Buffer;
}

/**
 * Reads the log's key, or makes one with mode 0600 when the file is missing.
 *
 * @throws TypeError for a name that no log can have, or a file that is not a private Ed25519 key in PEM; an Error for one
 *   that others can read; whatever the file system throws.
 */
export function readOrMakeLogKey(file: string, origin: string): LogSigner {
  if (!isKeyName(origin)) throw new TypeError(`a log cannot be named '${origin}': no spaces, no plus signs, not empty`);
  return signerOf(readKey(file) ?? makeKey(file), origin);
}

/** Signs with a key at hand. @throws TypeError when it is not one of Ed25519. */
export function signerOf(key: KeyObject, name: string): LogSigner {
  const vkey = formatVkey(name, TYPE_ED25519, publicBytesOf(key));
  return { name, vkey, sign: (text) => sign(null, Buffer.from(text), key) };
}

/** A note with the log's signature. */
export function signNote(text: string, signer: LogSigner): string {
  const { name, type, key } = parseVkey(signer.vkey);
  return formatNote(text, [signatureLine(name, keyId(name, type, key), signer.sign(text))]);
}

function readKey(file: string): KeyObject | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
  try {
    const mode = fstatSync(descriptor).mode & 0o777;
    if ((mode & 0o077) !== 0) {
      throw new Error(`others than its owner may use ${file} (mode ${mode.toString(8)}): chmod 600 it`);
    }
    return parsedKey(readFileSync(descriptor, 'utf8'), file);
  } finally {
    closeSync(descriptor);
  }
}

function parsedKey(pem: string, file: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    publicBytesOf(key);
    return key;
  } catch (error) {
    throw new TypeError(`${file} is not a private Ed25519 key in PEM`, { cause: error });
  }
}

/** Synced before anything is signed with it: a log whose key is gone can never be continued. */
function makeKey(file: string): KeyObject {
  const { privateKey } = generateKeyPairSync('ed25519');
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeFileSync(descriptor, privateKey.export({ format: 'pem', type: 'pkcs8' }));
    fsyncSync(descriptor);
  } catch (error) {
    unlinkSync(file);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  const directory = openSync(dirname(file), 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
  return privateKey;
}
