/** What the machine between the doors stands on, and what passes through it. */
import type { Clock } from '../../lib/clock.ts';
import type { VirtualPath } from '../../protocol/virtual-path.ts';
import type { AuditLog } from '../../spi/audit.ts';
import type { ExistingFile, FileSystem } from '../../spi/file-system.ts';
import type { Gate, GateOutcome } from '../../spi/gate.ts';
import type { Log } from '../../spi/log.ts';
import type { Settings } from '../../spi/settings.ts';
import type { IntakeAbove } from '../intake-above.ts';
import type { ReceiptFiles } from '../receipts/receipts.ts';
import type { Intents } from './intents.ts';
import type { Items } from './items.ts';
import type { KnownPlace } from './known-roots.ts';
import type { NameTurns } from './name-turns.ts';
import type { Intent } from './upload.ts';

/** Where receipts are kept: what is asked of it here. */
export type ReceiptWriter = Pick<ReceiptFiles, 'write' | 'issue'>;

/** To whom published files are handed on. */
export interface DeliveryNames {
  /** Whether there is one of that name. */
  has(name: string): boolean;
  /** Remembers where an account's files are, before one of them is recorded. Never throws. */
  remember(account: string, root: string): Promise<void>;
}

/** What the machine stands on. */
export interface MachineParts {
  readonly audit: AuditLog | undefined;
  /** Whether nothing is published that is not recorded. */
  readonly auditRequired: boolean;
  readonly gates: ReadonlyMap<string, Gate>;
  readonly clock: Clock;
  readonly log: Log;
  readonly receipts: ReceiptWriter | undefined;
  readonly deliveries?: DeliveryNames | undefined;
  settings(): Settings;
  /**
   * The files of an account, also of one that is not logged in, with the rights with which they were reached before;
   * undefined when that cannot be.
   */
  filesOf(account: string, place: KnownPlace): Promise<FileSystem | undefined>;
  /** Told when a file has its name for whose upload nobody waited. */
  placed?(files: FileSystem, account: string, path: VirtualPath): Promise<void>;
  readonly intents: Intents;
  /** Who has the uploads that wait, where that is not this process. */
  readonly above?: IntakeAbove | undefined;
  /** Whether it notes how far the log need not be looked through; false for one of several workers. */
  readonly sweeps?: boolean;
  readonly items: Items;
  readonly turns: NameTurns;
}

/** How a file that waits is published or removed: through what is held, or through the staged write itself. */
export interface Door {
  publish(path: VirtualPath, existing: ExistingFile): Promise<void>;
  destroy(): Promise<void>;
  /** Whether it is still there to be published: false behind a publication that was not heard to succeed. */
  waits(): Promise<boolean>;
}

/** What was published, and under which record. */
export interface Published {
  readonly path: VirtualPath;
  readonly index: number | undefined;
  /** Where its account finds its receipt, and the receipt itself; both undefined when it has none that it may fetch. */
  readonly receipt: VirtualPath | undefined;
  readonly receiptText: string | undefined;
}

/** An upload that waits at the inner door. */
export interface Waiting {
  readonly intent: Intent;
  readonly files: FileSystem;
  readonly door: Door;
  /** What the gates said. */
  readonly outcomes: readonly GateOutcome[];
}
