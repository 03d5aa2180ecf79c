/** C2SP tlog-proof: that an entry is in a log, to be verified without the log. */
import { decimalOf } from '../notes/checkpoint.ts';
import { fromBase64, NoteRefused } from '../notes/signed-note.ts';
import { HASH_BYTES } from './merkle.ts';

/** The first line of a proof. */
const HEADER = 'c2sp.org/tlog-proof@v1';

/** A tree of 2^53 leaves has no longer path. */
const HASHES_MAX = 64;

/** A proof, taken apart. Nothing is verified. */
export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up to the root's child. */
  readonly hashes: readonly Buffer[];
  /** The note of the checkpoint, as it is. */
  readonly checkpoint: string;
  /** Not covered by anything. Sallyport writes none. */
  readonly extra?: Buffer | undefined;
}

/** Writes a proof. */
export function formatProof({ index, hashes, checkpoint, extra }: TlogProof): string {
  const lines = [HEADER];
  if (extra !== undefined) lines.push(`extra ${extra.toString('base64')}`);
  lines.push(`index ${index}`, ...hashes.map((hash) => hash.toString('base64')));
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/** Takes a proof apart. @throws NoteRefused when it is none. */
export function parseProof(text: string): TlogProof {
  const end = text.indexOf('\n\n');
  if (end < 0) throw new NoteRefused('the proof has no checkpoint');
  const lines = text.slice(0, end).split('\n');
  if (lines.shift() !== HEADER) throw new NoteRefused(`the proof does not begin with ${HEADER}`);
  const extra = lines[0]?.startsWith('extra ') ? extraOf(lines.shift() ?? '') : undefined;
  const index = decimalOf(/^index (.+)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  if (index === undefined) throw new NoteRefused('the proof names no index');
  if (lines.length > HASHES_MAX) throw new NoteRefused('the proof has too many hashes');
  return { index, hashes: lines.map(hashOf), checkpoint: text.slice(end + 2), extra };
}

function extraOf(line: string): Buffer {
  const extra = fromBase64(line.slice('extra '.length));
  if (extra === undefined) throw new NoteRefused('the extra data of the proof is not base64');
  return extra;
}

function hashOf(line: string): Buffer {
  const hash = fromBase64(line);
  if (hash?.length !== HASH_BYTES) throw new NoteRefused('a line of the proof is not a SHA-256 hash');
  return hash;
}
