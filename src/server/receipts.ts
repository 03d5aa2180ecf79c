/** The receipts of a gateway: where they are kept, when they are made again, and what an account is told of them. */
import { join } from 'node:path';
import type { GatewayOptions } from '../config/options.ts';
import { RECEIPTS_PATH } from '../intake/receipts/receipt-names.ts';
import { type ReceiptFiles, type ReceiptIssuer, receiptFiles } from '../intake/receipts/receipts.ts';
import { oncePer } from '../lib/once-per.ts';
import { isWithin, type VirtualPath } from '../protocol/virtual-path.ts';
import type { AuditLog } from '../spi/audit.ts';
import type { Account } from '../spi/authenticator.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import { parsePermissions } from '../spi/permissions.ts';

/** What receipts stand on. */
export interface ReceiptSources {
  readonly audit: AuditLog;
  readonly log: Log;
  /** Whether an upload of the account under the path waits for its gates behind the reply; never by default. */
  readonly isChecked?: (account: string, path: VirtualPath) => Promise<boolean> | boolean;
  /** Who takes receipts from the log, and keeps them, in place of this process. */
  readonly issue?: ReceiptIssuer | undefined;
}

/** The receipts of a gateway; undefined where it has no state directory, and where there is no log to take them from. */
export function receiptsOf(
  { stateDirectory }: Pick<GatewayOptions, 'stateDirectory'>,
  {
    audit,
    log,
    isChecked = () => false,
    issue,
  }: Omit<ReceiptSources, 'audit'> & { readonly audit: AuditLog | undefined },
): GatewayReceipts | undefined {
  if (stateDirectory === undefined || audit === undefined) return undefined;
  return new GatewayReceipts(join(stateDirectory, 'receipts'), { audit, log, isChecked, issue });
}

type AllSources = Required<Omit<ReceiptSources, 'issue'>> & Pick<ReceiptSources, 'issue'>;

/** What commands and files see of receipts. */
export class GatewayReceipts {
  readonly files: ReceiptFiles;
  readonly #sources: AllSources;

  constructor(directory: string, sources: AllSources) {
    const { log, audit, issue } = sources;
    this.files = receiptFiles({ directory, log, audit, issue });
    this.#sources = sources;
  }

  /**
   * Makes again what a crash took, before uploads come and behind the opening of the log. A receipt that cannot be written
   * keeps nobody from uploading: the log has what it says.
   */
  async start(): Promise<void> {
    const { audit, log, issue } = this.#sources;
    if (issue !== undefined) return;
    if (audit.failure !== undefined) return;
    try {
      const receipts = await this.files.restore(audit);
      if (receipts > 0) log.info('receipts.restored', { receipts });
    } catch (error) {
      log.error('receipts.not_restored', { error });
    }
  }

  /** Waits for the disk. Never throws. */
  async stop(): Promise<void> {
    if (this.#sources.issue !== undefined) return;
    try {
      await this.files.close();
    } catch (error) {
      this.#sources.log.warn('receipts.not_settled', { error });
    }
  }

  /** For SITE RECEIPT. @throws Fault `FileBusy` while an upload of that name is being checked: its receipt will follow. */
  async newest({ name }: Account, path: VirtualPath): Promise<string | undefined> {
    if (await this.#sources.isChecked(name, path))
      throw new Fault('FileBusy', { text: 'The file is being checked; ask again.' });
    return this.files.newest(name, path);
  }

  /** An account's files with its receipts in front of them. */
  mount(files: FileSystem, { name }: Account): FileSystem {
    return this.files.mount(files, name);
  }
}

/** Whether a path is that of receipts, where there are any. */
export function isReceiptPath(path: VirtualPath): boolean {
  return isWithin(path, RECEIPTS_PATH);
}

/** The account as commands see it where there are receipts: what it may do there is what listings tell. */
export const withReceiptRule = oncePer((account: Account): Account => {
  const directories = account.directories.filter(({ path }) => !isWithin(path, RECEIPTS_PATH));
  return { ...account, directories: [...directories, READ_ONLY] };
});

const READ_ONLY = { path: RECEIPTS_PATH, permissions: parsePermissions('elr') ?? new Set(), recursive: true } as const;
