/** Where the receipt of a file is: the same place below `/.receipts`, under a name that every file system takes. */
import { createHash } from 'node:crypto';
import { assert } from '../../lib/assert.ts';
import { baseName, parentOf, pathParts, ROOT, resolvePath, type VirtualPath } from '../../protocol/virtual-path.ts';

/** The virtual directory in which an account finds its receipts. */
export const RECEIPTS_PATH = '/.receipts' as VirtualPath;

/** How the names of receipts end. */
export const RECEIPT_ENDING = '.receipt';

/** Where the receipts of one path are. */
export interface ReceiptPlace {
  /** Names of directories below `/.receipts`. */
  readonly directories: readonly string[];
  /** The name of the file; in front of `.<index>.receipt`. */
  readonly stem: string;
}

/** The place of a path's receipts. Two paths that are too long may share one: the record in a receipt says whose it is. */
export function receiptPlace(path: VirtualPath): ReceiptPlace {
  const directories = pathParts(parentOf(path)).map(directoryName);
  const stem = shortened(escaped(baseName(path)), baseName(path), STEM_BYTES_MAX);
  if (Buffer.byteLength(directories.join('/')) <= DIRECTORIES_BYTES_MAX) return { directories, stem };
  return { directories: [`~${digestOf(parentOf(path))}`], stem };
}

/** The name of the receipt of a record. */
export function receiptName(stem: string, index: number): string {
  return `${stem}.${index}${RECEIPT_ENDING}`;
}

/** The index in the name of one of this stem's receipts; undefined for every other name. */
export function receiptIndex(stem: string, name: string): number | undefined {
  if (!name.startsWith(`${stem}.`) || !name.endsWith(RECEIPT_ENDING)) return undefined;
  const digits = name.slice(stem.length + 1, -RECEIPT_ENDING.length);
  return /^(?:0|[1-9][0-9]{0,15})$/.test(digits) ? Number(digits) : undefined;
}

/** Where the account finds it. */
export function receiptPath({ directories, stem }: ReceiptPlace, index: number): VirtualPath {
  const path = resolvePath(ROOT, [RECEIPTS_PATH, ...directories, receiptName(stem, index)].join('/'));
  assert(path !== undefined, 'the path of a receipt is within the bounds of paths');
  return path;
}

/** The directory on the disk of an account, whose name may be anything. None begins with a dot: that is for the gateway. */
export function accountDirectory(account: string): string {
  return shortened(escaped(account).replace(/^\./, '%2E') || '%', account, NAME_BYTES_MAX);
}

/** The longest name that file systems take. */
const NAME_BYTES_MAX = 255;
/** What is left of it beside the index and the ending. */
const STEM_BYTES_MAX = 220;
/** Beyond it a directory is named by its digest: the path on the disk has to stay below 4,096 bytes. */
const DIRECTORIES_BYTES_MAX = 2_048;

/** No directory is called as a receipt is. */
function directoryName(name: string): string {
  const safe = escaped(name);
  const distinct = safe.endsWith(RECEIPT_ENDING) ? `${safe.slice(0, -RECEIPT_ENDING.length)}%2Ereceipt` : safe;
  return shortened(distinct, name, NAME_BYTES_MAX);
}

/** Without what ends a path or a line, or upsets a terminal. */
function escaped(name: string): string {
  return name.replace(/[%/\p{Cc}\p{Zl}\p{Zp}]/gu, (character) => encodeURIComponent(character));
}

/** A name that is too long begins as it did, and ends with its digest. */
function shortened(safe: string, name: string, bytesMax: number): string {
  if (Buffer.byteLength(safe) <= bytesMax) return safe;
  const ending = `~${digestOf(name).slice(0, 32)}`;
  let start = safe;
  while (Buffer.byteLength(start) + ending.length > bytesMax) start = [...start].slice(0, -1).join('');
  return `${start}${ending}`;
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
