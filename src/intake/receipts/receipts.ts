/**
 * Receipts as files: one for each published upload, in a directory that mirrors what its account sees. They are copies of what
 * the audit log can always say again, so that they are written without waiting for the disk; what a power loss takes of
 * them is made again from the log when the gateway starts. The number below which all of them last is kept in `.lasting`.
 */
import { mkdir, opendir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { assert } from '../../lib/assert.ts';
import { hasCode, ifThere } from '../../lib/error-code.ts';
import { syncPath } from '../../lib/sync-path.ts';
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { AuditLog, LoggedRecord } from '../../spi/audit.ts';
import type { FileSystem } from '../../spi/file-system.ts';
import type { Log } from '../../spi/log.ts';
import { type Spoken, spokenOf, TAKEN_BACK } from '../doors/log-reading.ts';
import { receiptMount } from './receipt-mount.ts';
import { accountDirectory, receiptIndex, receiptName, receiptPath, receiptPlace } from './receipt-names.ts';

/** The receipts of all accounts. */
export interface ReceiptFiles {
  /**
   * Writes the receipt of a record; one that is there already is replaced. It may be lost with the machine's power until
   * `restore` has seen to it. @returns where its account finds it; undefined when it is for the operator alone.
   * @throws the system's error.
   */
  write(
    account: string,
    path: VirtualPath,
    index: number,
    text: string,
    readers?: Readers,
  ): Promise<VirtualPath | undefined>;
  /**
   * Has a receipt both taken from the log and written by whoever keeps receipts, where that is another process; absent where it
   * is this one.
   */
  readonly issue?: ReceiptIssuer | undefined;
  /** The newest receipt of a file that the account has stored under the path; undefined when there is none. */
  newest(account: string, path: VirtualPath): Promise<string | undefined>;
  /**
   * The account's files with its receipts in front of them: `/.receipts`, which can be listed and read, whatever the files
   * behind it allow, and never changed. A real directory of that name is out of reach.
   */
  mount(files: FileSystem, account: string): FileSystem;
  /**
   * Makes the receipts again that are missing or broken, of all records that did not certainly last when the gateway was
   * last at work. To be called before uploads are taken, and behind the recovery of those that a crash cut short: what
   * was recorded as published and taken back has none. @returns how many were made.
   */
  restore(audit: AuditLog): Promise<number>;
  /** Waits until all that were written last. */
  close(): Promise<void>;
}

/** Of which record a receipt is to be, and whose. */
export interface ReceiptOrder {
  readonly account: string;
  readonly path: VirtualPath;
  /** The record's place in the log. */
  readonly index: number;
  readonly readers: Readers;
}

/** A receipt that is written, with where its account finds it; no place when it is for the operator alone. */
export interface IssuedReceipt {
  readonly place: VirtualPath | undefined;
  readonly text: string;
}

/** Takes a receipt from the log and writes it; undefined when retention has dropped the record. @throws the system's error. */
export type ReceiptIssuer = (order: ReceiptOrder) => Promise<IssuedReceipt | undefined>;

/** Who may fetch a receipt: the account by its own means, or the operator alone, on the disk. */
export type Readers = 'account' | 'operator';

/** What receipts need. */
export interface ReceiptParts {
  /** The directory, which is made when it is missing; nobody else writes there. */
  readonly directory: string;
  readonly log: Log;
  /** What a receipt is compared with when it is read: without it files are taken as they are. */
  readonly audit?: AuditLog;
  /** Who takes receipts from the log and writes them in place of this process, where another one keeps the receipts: which of them last is known to one alone. */
  readonly issue?: ReceiptIssuer | undefined;
}

/** Receipts that may be lost at any moment: as many are made again at the next start at most. */
const UNSETTLED_MAX = 1_024;

/** The largest receipt that is read: a record, 64 hashes and some signatures are far below. */
const RECEIPT_BYTES_MAX = 1_048_576;

/** Opens the receipts of a directory. */
export function receiptFiles(parts: ReceiptParts): ReceiptFiles {
  return new StoredReceipts(parts);
}

class StoredReceipts implements ReceiptFiles {
  readonly #directory: string;
  readonly #log: Log;
  readonly #audit: AuditLog | undefined;
  readonly issue: ReceiptIssuer | undefined;
  /** Files that were written and not synced since. */
  #unsettled: string[] = [];
  /** Places in the log of what is being written. */
  readonly #writing = new Set<number>();
  /** Behind the highest place of the log that was written. */
  #nextIndex = 0;
  /** All receipts of lower places last, or are about to. */
  #lasting = 0;
  /** All receipts of lower places are there, as far as an earlier process may have left gaps. */
  #restoredTo = 0;
  #settling: Promise<void> | undefined;
  /** Files that were begun, which names them. */
  #written = 0;

  constructor({ directory, log, audit, issue }: ReceiptParts) {
    this.#directory = directory;
    this.#log = log;
    this.#audit = audit;
    this.issue = issue;
  }

  async write(
    account: string,
    path: VirtualPath,
    index: number,
    text: string,
    readers: Readers = 'account',
  ): Promise<VirtualPath | undefined> {
    if (this.issue !== undefined) return (await this.issue({ account, path, index, readers }))?.place;
    const place = receiptPlace(path);
    const target = this.#at(account, [...place.directories, receiptName(place.stem, index)], readers);
    this.#writing.add(index);
    try {
      await this.#put(target, `${index}`, text);
      // Behind `#lasting` nobody will look again, so this one has to be seen to at once.
      if (index < this.#lasting) await syncAll([target], this.#directory);
      else this.#unsettled.push(target);
    } finally {
      this.#writing.delete(index);
    }
    this.#nextIndex = Math.max(this.#nextIndex, index + 1);
    if (this.#unsettled.length >= UNSETTLED_MAX) this.#settleAside();
    return readers === 'account' ? receiptPath(place, index) : undefined;
  }

  async newest(account: string, path: VirtualPath): Promise<string | undefined> {
    const { directories, stem } = receiptPlace(path);
    const indices: number[] = [];
    for await (const { name } of (await ifThere(opendir(this.#at(account, directories)))) ?? []) {
      const index = receiptIndex(stem, name);
      if (index !== undefined) indices.push(index);
    }
    for (const index of indices.sort((a, b) => b - a)) {
      const target = this.#at(account, [...directories, receiptName(stem, index)]);
      const found = await ifThere(readFile(target, 'utf8'));
      const text = found === undefined ? undefined : await this.#compared(account, target, found);
      if (text === undefined) continue;
      const upload = uploadIn(text, index);
      if (upload?.account === account && upload.path === path) return text;
    }
    return undefined;
  }

  mount(files: FileSystem, account: string): FileSystem {
    return receiptMount(files, {
      ...{ directory: this.#at(account, []), bytesMax: RECEIPT_BYTES_MAX },
      compared: (target, text) => this.#compared(account, target, text),
    });
  }

  async restore(audit: AuditLog): Promise<number> {
    const end = audit.size;
    // A marker from beyond the log is not this log's.
    const from = Number((await ifThere(readFile(this.#marker, 'utf8')))?.trim() ?? 0);
    this.#lasting = Number.isSafeInteger(from) && from >= 0 && from <= end ? from : 0;
    this.#restoredTo = this.#lasting;
    const undone = await undoneFrom(audit, this.#lasting);
    let made = 0;
    for await (const record of audit.read(this.#lasting)) {
      const upload = uploadOf(record);
      const isPublished = upload !== undefined && !((undone.get(upload.upload) ?? -1) > record.index);
      if (isPublished && (await this.#restoreOne(audit, record, upload))) made += 1;
      this.#restoredTo = record.index + 1;
      this.#nextIndex = Math.max(this.#nextIndex, this.#restoredTo);
      if (this.#unsettled.length >= UNSETTLED_MAX) await this.#settle();
    }
    this.#nextIndex = Math.max(this.#nextIndex, end);
    this.#restoredTo = Number.POSITIVE_INFINITY;
    await this.close();
    return made;
  }

  async close(): Promise<void> {
    await this.#settling;
    await this.#settle();
  }

  get #marker(): string {
    return join(this.#directory, '.lasting');
  }

  #at(account: string, names: readonly string[], readers: Readers = 'account'): string {
    const shelf = readers === 'account' ? this.#directory : join(this.#directory, '.operator');
    return join(shelf, accountDirectory(account), ...names);
  }

  /**
   * The text of a receipt, or what the log says in its place when it was cut off or has another record: then the file is
   * written again. Undefined when the log has no such upload of the account.
   */
  async #compared(account: string, target: string, text: string): Promise<string | undefined> {
    const index = Number(/\.(\d{1,16})\.receipt$/.exec(target)?.[1] ?? Number.NaN);
    const record = Number.isNaN(index) ? undefined : await this.#recordAt(index);
    if (record === undefined || isWhole(text, record.entry)) return text;
    const upload = uploadOf(record);
    if (upload?.account !== account || upload.receipts !== 'account') return undefined;
    const { directories, stem } = receiptPlace(upload.path);
    if (this.#at(account, [...directories, receiptName(stem, index)]) !== target) return undefined;
    const again = await this.#audit?.receipt(index);
    this.#log.warn('receipts.altered', { account, path: upload.path, index });
    if (again !== undefined) await this.write(account, upload.path, index, again);
    return again;
  }

  /** A record of the log; undefined when it is not there any more, or cannot be read: receipts are for that case too. */
  async #recordAt(index: number): Promise<LoggedRecord | undefined> {
    if (this.#audit === undefined || index >= this.#audit.size) return undefined;
    try {
      for await (const record of this.#audit.read(index)) return record.index === index ? record : undefined;
    } catch (error) {
      this.#log.warn('receipts.not_compared', { index, error });
    }
    return undefined;
  }

  async #restoreOne(audit: AuditLog, { index, entry }: LoggedRecord, upload: PublishedUpload): Promise<boolean> {
    const { directories, stem } = receiptPlace(upload.path);
    const target = this.#at(upload.account, [...directories, receiptName(stem, index)], upload.receipts);
    const text = await ifThere(readFile(target, 'utf8'));
    if (text !== undefined && isWhole(text, entry)) {
      // It is there for whoever looks, which does not mean that it is on the disk.
      this.#unsettled.push(target);
      return false;
    }
    const again = await audit.receipt(index).catch((error: unknown) => {
      // Dropped by retention: a receipt that was not lost is still good.
      if (error instanceof RangeError) return undefined;
      throw error;
    });
    if (again !== undefined) await this.write(upload.account, upload.path, index, again, upload.receipts);
    return again !== undefined;
  }

  /** The name appears with the whole text behind it, or not at all. */
  async #put(target: string, own: string, text: string): Promise<void> {
    // A receipt may be made again while it is written.
    this.#written += 1;
    const temporary = join(this.#directory, '.new', `${own}.${this.#written}`);
    await making(dirname(temporary), () => writeFile(temporary, text, { mode: 0o600 }));
    await making(dirname(target), () => rename(temporary, target));
  }

  #settleAside(): void {
    this.#settling ??= this.#settle()
      .catch((error: unknown) => this.#log.warn('receipts.not_settled', { error }))
      .finally(() => {
        this.#settling = undefined;
      });
  }

  /** Waits for the disk, and then moves the mark. What is written meanwhile is for the next time. */
  async #settle(): Promise<void> {
    const lasting = Math.min(this.#nextIndex, this.#restoredTo, ...this.#writing);
    const files = this.#unsettled.splice(0);
    const moves = lasting > this.#lasting;
    // At once: who writes a lower place from here on has to see to it alone.
    if (moves) this.#lasting = lasting;
    try {
      await syncAll(files, this.#directory);
      if (!moves) return;
      await this.#put(this.#marker, 'lasting', `${this.#lasting}\n`);
      await syncAll([this.#marker], this.#directory);
    } catch (error) {
      this.#unsettled.unshift(...files);
      throw error;
    }
  }
}

/** An upload that a record says was published. */
type PublishedUpload = Spoken & { readonly account: string };

function uploadOf(record: LoggedRecord): PublishedUpload | undefined {
  const spoken = spokenOf(record);
  if (spoken?.event !== 'upload.published' || spoken.account === undefined) return undefined;
  return { ...spoken, account: spoken.account };
}

/** The upload that a receipt is for; undefined for one that the power took half of. */
function uploadIn(receipt: string, index: number): PublishedUpload | undefined {
  try {
    return uploadOf({ index, entry: Buffer.from(receipt.split('\n', 1)[0] ?? '') });
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/**
 * The uploads that were taken back though they had been recorded as published, each with the place of the record that says so:
 * before it they never had their name.
 */
async function undoneFrom(audit: AuditLog, index: number): Promise<ReadonlyMap<string, number>> {
  const undone = new Map<string, number>();
  for await (const record of audit.read(index)) {
    const spoken = spokenOf(record);
    if (spoken !== undefined && TAKEN_BACK.has(spoken.event)) undone.set(spoken.upload, spoken.index);
  }
  return undone;
}

/** Whether a receipt is all there. What a power loss leaves is cut off or has holes of zeros. */
function isWhole(text: string, entry: Buffer): boolean {
  const [last = ''] = text.split('\n').slice(-2);
  return (
    text.startsWith(`${entry.toString('utf8')}\n\nc2sp.org/tlog-proof@`) &&
    last.startsWith('— ') &&
    !text.includes('\0')
  );
}

/** Does it; when its directory is missing, makes that and does it again. */
async function making(directory: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await act();
  }
}

/** Waits until files, and the names that lead to them from `top` on, are on the disk. */
async function syncAll(files: readonly string[], top: string): Promise<void> {
  const directories = new Set<string>();
  for (const file of files) {
    assert(file.startsWith(top), 'receipts lie in their directory');
    await syncPath(file);
    for (let above = dirname(file); above.startsWith(top); above = dirname(above)) directories.add(above);
  }
  for (const directory of directories) await syncPath(directory);
}
