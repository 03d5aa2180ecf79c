/**
 * Between the doors: what stands between the arrival of a file and its publication. It puts itself in front of an account's
 * storage, so that everything that is written there passes, whichever command wrote it.
 */
import { basename } from 'node:path';
import { decorate } from '../lib/decorate.ts';
import { parentOf, ROOT, resolvePath, type VirtualPath } from '../protocol/virtual-path.ts';
import { Fault } from '../spi/fault.ts';
import type { FileSystem, StagedWrite, StageRequest } from '../spi/file-system.ts';
import type { ArrivingParts } from './doors/arriving-parts.ts';
import { ArrivingWrite } from './doors/arriving-write.ts';
import { Intents } from './doors/intents.ts';
import { type IntakeItem, Items } from './doors/items.ts';
import { Later } from './doors/later.ts';
import { Machine } from './doors/machine.ts';
import type { MachineParts } from './doors/machine-parts.ts';
import { type Collision, type NameClaims, NameTurns } from './doors/name-turns.ts';
import { restorePromises } from './doors/promises.ts';
import { Quarantine } from './doors/quarantine.ts';
import type { OperatorOrder } from './doors/records.ts';
import { recover, takeIn, takeOver } from './doors/recovery.ts';
import { Settling } from './doors/settling.ts';
import type { IntakeUse, Intent } from './doors/upload.ts';
import { encryptedWrite } from './encryption/encrypt.ts';
import { inboxOf } from './inbox.ts';
import type { IntakeAbove, NewlyPublished } from './intake-above.ts';
import { intakeDirective } from './intake-directive.ts';
import { directoryBehindLinks } from './policy/disk-place.ts';
import { type ResolvedIntake, resolvedIntake } from './policy/profiles.ts';
import type { RetentionBook } from './policy/retention.ts';
import type { IssuedReceipt, ReceiptOrder } from './receipts/receipts.ts';

/** What it is made of. */
export interface IntakeParts extends Omit<MachineParts, 'intents' | 'items' | 'turns'> {
  /** The state directory's folder for intents; undefined where there is none: then nothing can be held between the doors. */
  readonly directory: string | undefined;
  /**
   * The name of this process's own folder in there, when it is one of several: what earlier processes left is then not its to
   * finish, what it does not finish itself is left to `above`, and what only one process can keep books of is refused.
   */
  readonly worker?: string | undefined;
  /** Whether files can be promised to be kept; by default where this process is the only one. */
  readonly retains?: boolean | undefined;
  /** The names under which files are being published; those of this process by default. */
  readonly names?: NameClaims | undefined;
}

/** See above. */
export class Intake {
  readonly #parts: IntakeParts;
  readonly #items: Items;
  readonly #intents: Intents | undefined;
  readonly #machine: Machine | undefined;
  readonly #later: Later;
  readonly #settling: Settling | undefined;
  readonly #quarantine: Quarantine | undefined;
  /** The folders of those that work beside this process. */
  readonly #workers = new Set<string>();
  #started = false;

  constructor(parts: IntakeParts) {
    const { clock, log, directory } = parts;
    this.#parts = parts;
    this.#items = new Items(clock, log);
    this.#later = new Later(clock, log);
    if (directory === undefined) return;
    this.#intents = new Intents(directory, parts.worker);
    const machine = new Machine({
      ...parts,
      ...{
        intents: this.#intents,
        items: this.#items,
        turns: new NameTurns(parts.names),
        sweeps: parts.worker === undefined,
      },
    });
    this.#machine = machine;
    this.#settling = new Settling(machine, this.#later);
    this.#quarantine = new Quarantine(machine, this.#settling);
  }

  /**
   * Finishes or undoes what earlier processes left. To be called when the log is open, and before anybody can upload.
   * @throws the system's error when the intents cannot be read.
   */
  async start(): Promise<void> {
    this.#later.resume();
    await this.#intents?.make();
    const recovers = this.#parts.worker === undefined;
    if (recovers && this.#machine !== undefined && this.#settling !== undefined)
      await recover(this.#machine, this.#settling);
    this.#started = true;
  }

  /** A worker begins, with a folder of this name: until it has been taken over, its uploads may be between the doors. */
  expectWorker(worker: string): void {
    this.#workers.add(worker);
  }

  /**
   * Finishes or undoes what a worker left that is gone. To be called when nothing that it had recorded is still on its way into
   * the log. @throws the system's error.
   */
  async takeOver(worker: string): Promise<void> {
    if (this.#machine !== undefined && this.#settling !== undefined) {
      await takeOver(this.#machine, this.#settling, worker);
    }
    this.#workers.delete(worker);
  }

  /** Goes on with an upload that a worker has let go of. @throws the system's error. */
  async takeIn(worker: string, id: string): Promise<void> {
    if (this.#machine !== undefined && this.#settling !== undefined) {
      await takeIn(this.#machine, this.#settling, { worker, id });
    }
  }

  /** Hears of an upload of a worker that it has its name. */
  hearPublished(newer: NewlyPublished): void {
    this.#machine?.overtake(newer);
  }

  /** Takes a receipt from the log and writes it, for a worker. @throws the system's error. */
  async issueReceipt(order: ReceiptOrder): Promise<IssuedReceipt | undefined> {
    return this.#machine?.issue(order);
  }

  /** Notes that a worker has settled an upload. */
  noteSettled(): void {
    this.#machine?.noteSettled();
  }

  /**
   * Makes again what a book of promises should have by what the log says. To be called behind `start`, and before anybody
   * can upload. @returns how many promises it had not. @throws what log and book say.
   */
  async restorePromises(book: RetentionBook): Promise<number> {
    const { audit, clock, log, filesOf } = this.#parts;
    if (audit === undefined || audit.failure !== undefined) return 0;
    const rootOf = (account: string) => this.#intents?.roots.of(account) ?? {};
    return restorePromises(book, {
      ...{ audit, clock, log },
      filesOf: (account) => filesOf(account, rootOf(account)),
    });
  }

  /** Ends what runs behind replies; the next start goes on with it. To be called behind the last session. */
  async stop(): Promise<void> {
    await this.#later.stop();
    if (!this.#started || this.#parts.audit?.failure !== undefined) return;
    this.#started = false;
    await this.#machine?.sweep('synced').catch((error: unknown) => {
      this.#parts.log.warn('intake.sweep_failed', { error });
    });
  }

  /** Whether an upload of the account as that path has been accepted, and is neither published nor held back. */
  isChecked(account: string, path: VirtualPath): Promise<boolean> | boolean {
    const isIt = ({ upload, state }: Intent) =>
      upload.account === account &&
      upload.path === path &&
      state === 'checking' &&
      this.#items.get(upload.id) !== undefined;
    if ([...(this.#machine?.open.values() ?? [])].some(isIt)) return true;
    return this.#parts.above?.isChecked(account, path) ?? false;
  }

  /** All that is known of the uploads that have arrived and are not settled, the oldest first. */
  waiting(): readonly Intent[] {
    return [...(this.#machine?.open.values() ?? [])];
  }

  /** Whether an upload of that id is between the doors, also those of workers: recorded or not, it may not have its name. */
  async isBetween(id: string): Promise<boolean> {
    if (this.#items.get(id) !== undefined) return true;
    for (const worker of this.#workers) if (await this.#intents?.has(worker, id)) return true;
    // What was taken over in between is here before it is gone there.
    return this.#items.get(id) !== undefined;
  }

  /** What is between the doors now, and behind it what was settled last. */
  items(): readonly IntakeItem[] {
    return this.#items.all;
  }

  /**
   * Publishes a file that was held back, as its directory's collision policy says, and writes its receipt.
   * @throws QuarantineRefused, with words for the operator.
   */
  async release(id: string, operator: string, said: Omit<OperatorOrder, 'operator'> = {}): Promise<void> {
    await this.#operated().release(id, { operator, ...said });
  }

  /** Removes a file that was held back, for good. @throws QuarantineRefused, with words for the operator. */
  async destroy(id: string, operator: string, said: Omit<OperatorOrder, 'operator'> = {}): Promise<void> {
    await this.#operated().destroy(id, { operator, ...said });
  }

  #operated(): Quarantine {
    if (this.#quarantine === undefined) throw new Error('without a state directory there is no quarantine');
    return this.#quarantine;
  }

  /** The same files, in which whatever is written passes the doors as its directory asks for. */
  files(files: FileSystem, use: IntakeUse): FileSystem {
    const said = (directory: VirtualPath) =>
      this.#parts.settings().atDirectory(intakeDirective, use.session, directory);
    const at = async (path: VirtualPath) => resolvedIntake(await said(directoryOf(path)));
    const begin = async (path: VirtualPath, asked: StageRequest): Promise<Beginning> => {
      const intake = await at(path);
      // Where every directory says the same no link can lead to another word.
      if (this.#parts.settings().isEverywhereAlike?.(use.session) !== true) {
        await this.#requireSame(intake, { asked: path, at, real: await realPath(files, use, path) });
      }
      const request = intake.encryptTo.length === 0 ? asked : await fromNothing(files, path, asked);
      return { path, request, intake, inbox: () => inboxOf(directoryOf(path), said) };
    };
    return decorate(files, {
      stage: async (path, request) => this.#stage(files, use, await begin(path, request)),
      /** What is encrypted cannot be gone on with. */
      resumableBytes: async (path) => ((await at(path)).encryptTo.length > 0 ? undefined : files.resumableBytes(path)),
    });
  }

  /**
   * What a directory demands cannot be got round by a link that leads there. @throws Fault `PermissionDenied`.
   */
  async #requireSame(
    intake: ResolvedIntake,
    { asked, real, at }: Record<'asked' | 'real', VirtualPath> & { at(path: VirtualPath): Promise<ResolvedIntake> },
  ): Promise<void> {
    if (real === asked || termsText(intake) === termsText(await at(real))) return;
    this.#parts.log.warn('intake.link_refused', { path: asked, leads_to: real });
    throw new Fault('PermissionDenied');
  }

  async #stage(files: FileSystem, use: IntakeUse, begin: Beginning): Promise<StagedWrite> {
    const { path, request, intake } = begin;
    const { gates, encryptTo, deliver, onRefused, receipts } = intake;
    const booked = this.#parts.worker === undefined ? undefined : this.#needOfOneProcess(files, intake);
    // A users file that has changed may ask for it, which the configuration was refused for.
    if (booked !== undefined) throw this.#cannot(begin, `with several workers nobody keeps the books for ${booked}`);
    const unknown = deliver.find((name) => this.#parts.deliveries?.has(name) !== true);
    // A users file that has changed may have any name: better no file than one that stays behind.
    if (unknown !== undefined) throw this.#cannot(begin, `there is no delivery ${unknown}`);
    const collision = collisionOf(intake, request);
    if (encryptTo.length > 0) refuseResumption(request, use);
    const stage = async (existing: StageRequest['existing']) => {
      const staged = await files.stage(path, { ...request, existing });
      return encryptTo.length === 0 ? { staged } : encrypted(staged, encryptTo);
    };
    const needed = gates.length > 0 || collision === 'version' || this.#parts.audit !== undefined;
    const plain = async () => (await stage(collision === 'refuse' ? 'keep' : request.existing)).staged;
    if (!needed) return plain();
    const machine = this.#machine;
    if (machine === undefined) {
      // With a log of the program's own, and nothing to look at, whoever records effects does so behind the commit.
      if (gates.length === 0 && collision !== 'version') return plain();
      throw this.#cannot(begin, 'there is no state directory');
    }
    machine.requireLog();
    const inbox = deliver.length === 0 ? undefined : await begin.inbox();
    const { staged, stored } = await stage(collision === 'refuse' ? 'keep' : 'replace');
    if (staged.hold === undefined && (gates.length > 0 || collision === 'version')) {
      await staged.abort('keep');
      throw this.#cannot(begin, 'this storage cannot hold files');
    }
    return new ArrivingWrite({
      ...{ machine, files, use, path, staged, stored },
      terms: {
        collision,
        gates: [...gates],
        onRefused,
        receipts,
        encryptedTo: [...encryptTo],
        deliver: [...deliver],
        inbox,
        retainDays: intake.retainDays,
      },
      answersFirst: intake.verdict === 'async',
      receiptInReply: intake.receiptInReply,
      signal: this.#later.signal,
      ...this.#further(files),
    });
  }

  /** What can only be had where all sessions are in one process. */
  #needOfOneProcess(files: FileSystem, intake: ResolvedIntake): string | undefined {
    if (intake.retainDays !== undefined && this.#parts.retains !== true) return 'retain_days';
    // Whoever is above reaches what is held by its place on the disk alone.
    return intake.gates.length > 0 && rootOf(files) === undefined ? 'gates of storage that is on no disk' : undefined;
  }

  /** What is done with uploads when nobody waits for it any more: here, or above. */
  #further(files: FileSystem): Pick<ArrivingParts, 'checkLater' | 'lookLater' | 'holdBack'> {
    const { above } = this.#parts;
    if (above === undefined || rootOf(files) === undefined) {
      return {
        checkLater: (id, own) => this.#settling?.check(id, own),
        lookLater: (id, own) => this.#settling?.doubt(id, own),
        holdBack: () => undefined,
      };
    }
    const handOver = (id: string) => this.#handOver(above, id);
    return { checkLater: handOver, lookLater: handOver, holdBack: handOver };
  }

  /** From here on the upload is not this process's: nothing touches it any more. Never throws. */
  async #handOver(above: IntakeAbove, id: string): Promise<void> {
    this.#machine?.letGo(id);
    try {
      await above.handOver(id);
    } catch (error) {
      // It is on the disk; whoever is above looks there too when this process is gone.
      this.#parts.log.warn('intake.not_handed_over', { upload: id, error });
      const again = async () => {
        await above.handOver(id);
        return 'done' as const;
      };
      this.#later.add(id, again, 'after a while');
    }
  }

  /** Nothing gets past gates because there is no place to keep it meanwhile. */
  #cannot({ path, intake: { gates, collision } }: Beginning, reason: string): Fault {
    this.#parts.log.error('intake.cannot_hold', { path, gates, collision, reason });
    return new Fault('Local', { cause: new Error(reason) });
  }
}

/** The directory of this machine that is an account's root; undefined where storage is elsewhere. */
function rootOf(files: FileSystem): string | undefined {
  return files.onDisk?.(ROOT) ?? files.placeOnDisk?.(ROOT);
}

/** What holds in a directory, as text to compare. */
function termsText(intake: ResolvedIntake): string {
  return JSON.stringify({ ...intake, left: intake.left && [...intake.left] });
}

/** The path by which no link leads to the name. */
async function realPath(files: FileSystem, { account }: IntakeUse, path: VirtualPath): Promise<VirtualPath> {
  if (path === ROOT) return ROOT;
  const directory = await directoryBehindLinks(files, account.name, parentOf(path));
  return resolvePath(directory, basename(path)) ?? path;
}

function directoryOf(path: VirtualPath): VirtualPath {
  return path === ROOT ? ROOT : parentOf(path);
}

/** An upload that begins, and what its directory says. */
interface Beginning {
  readonly path: VirtualPath;
  readonly request: StageRequest;
  readonly intake: ResolvedIntake;
  /** The directory from which down the same holds. */
  inbox(): Promise<VirtualPath>;
}

/** Who may replace nothing is refused, unless versions are kept, which replace nothing. */
function collisionOf({ collision }: ResolvedIntake, { existing }: StageRequest): Collision {
  return collision === 'replace' && existing === 'keep' ? 'refuse' : collision;
}

/** Where there is nothing to append to, APPE is a whole file; whoever takes the name meanwhile keeps it. */
async function fromNothing(files: FileSystem, path: VirtualPath, request: StageRequest): Promise<StageRequest> {
  if (request.from !== 'append') return request;
  try {
    await files.stat(path);
    return request;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'NoSuchFile') return { from: 'empty', existing: 'keep' };
    throw error;
  }
}

/** @throws Fault `RestartInvalid` for what would be put together of bytes that nobody here can read. */
function refuseResumption(request: StageRequest, { session }: IntakeUse): void {
  if (request.from === 'empty' && session.range === undefined) return;
  throw new Fault('RestartInvalid', {
    text: 'Files are encrypted here, so an upload cannot go on with one: send the whole file.',
  });
}

interface Staged {
  readonly staged: StagedWrite;
  readonly stored?: ArrivingParts['stored'];
}

function encrypted(staged: StagedWrite, recipients: readonly string[]): Staged {
  const write = encryptedWrite(staged, recipients);
  return { staged: write, stored: () => ({ storedBytes: write.storedBytes, storedSha256: write.storedSha256() }) };
}
