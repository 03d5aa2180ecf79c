/** What directories are for and what they take, in front of the accounts' files, and the books that this needs. */
import { join } from 'node:path';
import type { GatewayOptions } from '../config/options.ts';
import type { Intake } from '../intake/intake.ts';
import { placeOf } from '../intake/policy/disk-place.ts';
import type { Promises } from '../intake/policy/keeping.ts';
import { policedFiles } from '../intake/policy/policy.ts';
import { intakeAt, type PolicyUse, profiledFiles } from '../intake/policy/profiled-files.ts';
import type { QuotaBook, Quotas } from '../intake/policy/quota-book.ts';
import { retainingFiles } from '../intake/policy/retaining-files.ts';
import { RetentionBook } from '../intake/policy/retention.ts';
import type { Clock } from '../lib/clock.ts';
import type { VirtualPath } from '../protocol/virtual-path.ts';
import type { FileSystem } from '../spi/file-system.ts';
import type { Log } from '../spi/log.ts';
import type { Settings } from '../spi/settings.ts';

/** The books that it stands on. */
export interface PolicyBooks {
  readonly clock: Clock;
  /** Quotas, which may be told to count again what nobody has followed. */
  readonly quotas: Quotas & Partial<Pick<QuotaBook, 'recount'>>;
  /** What has to be kept, where another process has the book. */
  readonly promises?: Promises | undefined;
}

/** The decorators, from the innermost to the outermost. What checks and publishes stands between the first two. */
export class IntakePolicy {
  readonly #clock: Clock;
  readonly #writes: boolean;
  readonly #directory: string | undefined;
  readonly #quotas: Quotas & Partial<Pick<QuotaBook, 'recount'>>;
  /** The book of another process, which is asked in place of one here. */
  readonly #above: Promises | undefined;
  #retention: RetentionBook;

  /** With `book` at `read` another process writes the promises down, and none are made here. */
  constructor(
    { stateDirectory }: Pick<GatewayOptions, 'stateDirectory'>,
    { clock, quotas, promises }: PolicyBooks,
    book: 'written' | 'read' = 'written',
  ) {
    this.#clock = clock;
    this.#writes = book === 'written';
    this.#directory = stateDirectory === undefined ? undefined : join(stateDirectory, 'retention');
    this.#quotas = quotas;
    this.#above = promises;
    this.#retention = RetentionBook.without(clock);
  }

  /** Reads what was promised to be kept: before anybody comes. @throws Error when it cannot be read. */
  async start(): Promise<void> {
    if (this.#directory === undefined || this.#above !== undefined) return;
    this.#retention = await RetentionBook[this.#writes ? 'open' : 'reading'](this.#directory, this.#clock);
  }

  /** What has to be kept. To be asked behind `start`. */
  get promises(): Promises {
    return this.#above ?? this.#retention;
  }

  /** Whether nothing was ever promised that holds still, nor is held. */
  get unused(): boolean {
    return this.#retention.unused;
  }

  /** Makes again what somebody cut out of the book. @throws what log and book say. */
  async mend(intake: Pick<Intake, 'restorePromises'>, log: Log): Promise<void> {
    if (this.#directory === undefined || !this.#writes) return;
    const promises = await intake.restorePromises(this.#retention);
    if (promises > 0) log.error('retention.book_was_cut', { promises, directory: this.#directory });
  }

  /** Promises nothing more, since other processes go by what was promised until now. */
  seal(): void {
    this.#retention.seal();
  }

  /** Waits until what was promised is written. */
  async stop(): Promise<void> {
    await this.#retention.close();
  }

  /** Storage that keeps what has to be kept, for a session. */
  retaining(files: FileSystem, { account, session, settings }: PolicyUse & { settings(): Settings }): FileSystem {
    return retainingFiles(files, {
      account: account.name,
      book: this.promises,
      intakeAt: (directory) => intakeAt(settings(), session, directory),
    });
  }

  /** The same for what outlives sessions, and publishes what is held. */
  retainingHeld(files: FileSystem, account: string): FileSystem {
    return retainingFiles(files, { account, book: this.promises });
  }

  /** Has the quotas counted again that hold a file which has come without its upload's being followed. */
  async recount(files: FileSystem, account: string, path: VirtualPath): Promise<void> {
    if (!this.#quotas.empty) this.#quotas.recount?.(await placeOf(files, account, path));
  }

  /** Sizes, kinds of contents and quotas. */
  policed(files: FileSystem, use: PolicyUse, settings: () => Settings): FileSystem {
    return policedFiles(files, use, { settings, quotas: this.#quotas });
  }
}

/** Profiles and name patterns, which are nothing but what the configuration says. */
export function underProfiles(
  files: FileSystem,
  use: PolicyUse,
  parts: { settings(): Settings; readonly sections: readonly { readonly path: VirtualPath }[] },
): FileSystem {
  return profiledFiles(files, use, { ...parts, sections: parts.sections.map(({ path }) => path) });
}
