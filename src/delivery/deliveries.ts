/**
 * Handing published files on: every delivery of the configuration, and what operators do with those files that a receiver
 * does not take.
 */
import { join } from 'node:path';
import { ROOT, type VirtualPath } from '../protocol/virtual-path.ts';
import type { FileSystem } from '../spi/file-system.ts';
import { Delivery, type DeliverySources } from './delivery.ts';
import type { Pending } from './inbox.ts';
import { keyOf, type OperatorSaid, operatorRecord } from './published.ts';
import { Roots } from './roots.ts';
import type { Way } from './way.ts';

/** What they are made of. */
export interface DeliveriesParts extends Omit<DeliverySources, 'placesOf'> {
  /** `deliveries` in the state directory. */
  readonly directory: string;
  readonly ways: readonly Way[];
  /** The files of an account by its name, or of who had that root; undefined when neither is known. */
  filesAt(account: string, root: string | undefined): FileSystem | undefined;
}

/** Why nothing was done; its message is for the operator. */
export class DeliveryRefused extends Error {
  override readonly name = 'DeliveryRefused';
}

/** One delivery at this moment. */
export interface DeliveryOverview {
  readonly name: string;
  readonly kind: string;
  /** Files that are to be handed on. */
  readonly pending: number;
  /** Files that were given up. */
  readonly dead: number;
  /** When the longest waiting of those that are pending was published: milliseconds since 1970 (UTC). */
  readonly oldestMs?: number;
  /** Attempts since the gateway was made. */
  readonly made: number;
  readonly failed: number;
}

/** A file that a receiver does not take. Times are milliseconds since 1970 (UTC). */
export interface UndeliveredFile {
  /** By which operators name it: upload and delivery. */
  readonly id: string;
  readonly delivery: string;
  /** `failing`: it is tried again by itself; `dead`: only an operator has it tried again. */
  readonly state: 'failing' | 'dead';
  readonly upload: string;
  readonly account: string;
  readonly path: VirtualPath;
  readonly bytes: number;
  readonly sha256: string;
  readonly publishedMs: number;
  readonly attempts: number;
  /** Why the last attempt failed. */
  readonly reason: string;
  /** When it is tried again, or was given up. */
  readonly nextMs?: number;
  readonly deadMs?: number;
}

/** What there is to see, as JSON can write it down. */
export interface DeliveriesList {
  readonly deliveries: readonly DeliveryOverview[];
  readonly files: readonly UndeliveredFile[];
}

/** See above. */
export class Deliveries {
  readonly #parts: DeliveriesParts;
  readonly #deliveries: ReadonlyMap<string, Delivery>;
  readonly #roots: Roots;
  readonly #acting = new Set<string>();
  #state: 'idle' | 'prepared' | 'started' = 'idle';

  constructor(parts: DeliveriesParts) {
    const { directory, ways } = parts;
    this.#parts = parts;
    this.#roots = new Roots(directory);
    const sources = { ...parts, placesOf: (account: string) => this.#placesOf(account) };
    this.#deliveries = new Map(
      ways.map((way) => [way.name, new Delivery({ ...sources, way, folder: join(directory, way.name) })]),
    );
  }

  /** Whether there is one of that name. */
  has(name: string): boolean {
    return this.#deliveries.has(name);
  }

  /**
   * Reads what is remembered; a delivery that is new begins at the end of the log. To be called when the log is open, and before
   * the recovery of uploads. @throws Error when it cannot be read or written: to go on would lose files.
   */
  async prepare(): Promise<void> {
    const { audit, log } = this.#parts;
    if (audit.failure !== undefined) {
      // Only where the gateway may go on without its log. Nothing is published for deliveries then.
      log.error('delivery.no_log', { error: audit.failure });
      return;
    }
    await this.#roots.load();
    for (const delivery of this.#deliveries.values()) await delivery.prepare();
    this.#state = 'prepared';
  }

  /** Begins, behind the recovery of uploads. */
  start(): void {
    if (this.#state !== 'prepared') return;
    this.#state = 'started';
    for (const delivery of this.#deliveries.values()) delivery.start();
  }

  /** Ends what runs; the next start goes on with it. */
  async stop(): Promise<void> {
    if (this.#state === 'started') await Promise.all([...this.#deliveries.values()].map((delivery) => delivery.stop()));
    this.#state = 'idle';
  }

  /** Remembers where an account's files are, before an upload to be handed on is recorded. Never throws. */
  async remember(account: string, root: string): Promise<void> {
    try {
      await this.#roots.add(account, root);
    } catch (error) {
      // Accounts that are written down are found without.
      this.#parts.log.error('delivery.root_unwritten', { account, error });
    }
  }

  /** Every delivery, for monitoring. */
  get overview(): readonly DeliveryOverview[] {
    return [...this.#deliveries.values()].map(({ way, ledger: { pendingCount, oldestMs }, dead, counts }) => ({
      ...{ name: way.name, kind: way.kind, pending: pendingCount, dead: dead.deadCount },
      ...{ made: counts.made, failed: counts.failed },
      ...(oldestMs !== undefined && { oldestMs }),
    }));
  }

  /** Every delivery, and the files that are not taken. */
  list(): DeliveriesList {
    return { deliveries: this.overview, files: [...this.#deliveries.values()].flatMap(undelivered) };
  }

  /** Has a file tried again now, in front of those that wait in its inbox. @throws DeliveryRefused, with words for the operator. */
  retry(id: string, operator: string, said: OperatorSaid = {}): Promise<void> {
    return this.#act(id, async ({ delivery, upload, file }) => {
      const failing = failingOf(delivery, upload);
      const letter = delivery.dead.get(upload);
      await this.#record({ delivery, file, event: 'delivery.retried', operator, said });
      if (failing !== undefined) delivery.hurry(failing);
      else if (letter !== undefined) await delivery.retry(letter);
    });
  }

  /** Gives a file up for good; the file itself stays where it is. @throws DeliveryRefused, with words for the operator. */
  discard(id: string, operator: string, said: OperatorSaid = {}): Promise<void> {
    return this.#act(id, async ({ delivery, upload, file }) => {
      await this.#record({ delivery, file, event: 'delivery.discarded', operator, said });
      await delivery.discard(upload);
    });
  }

  async #act(id: string, act: (found: Found) => Promise<void>): Promise<void> {
    const found = this.#find(id);
    if (found === undefined) throw new DeliveryRefused(`no file ${id} waits for an operator`);
    if (this.#acting.has(id)) throw new DeliveryRefused(`${id} is being worked on: try again`);
    this.#acting.add(id);
    try {
      await act(found);
    } catch (error) {
      this.#parts.log.error('delivery.act_failed', { id, error });
      throw new DeliveryRefused(`${id} stays as it is: the gateway's log says why`, { cause: error });
    } finally {
      this.#acting.delete(id);
    }
  }

  #find(id: string): Found | undefined {
    const dot = id.indexOf('.');
    const delivery = this.#deliveries.get(id.slice(dot + 1));
    if (dot < 0 || delivery === undefined || this.#state !== 'started') return undefined;
    const file = undelivered(delivery).find((one) => one.id === id);
    return file && { delivery, upload: id.slice(0, dot), file };
  }

  async #record({ delivery, file, event, operator, said }: Act): Promise<void> {
    const { audit, auditRequired, log } = this.#parts;
    const { kind, name } = delivery.way;
    const { id: key, attempts, upload } = file;
    const index = (failingOf(delivery, upload) ?? delivery.dead.get(upload))?.index ?? 0;
    const facts = { delivery: name, kind, key, attempts, published: { ...file, index } };
    try {
      await audit.append(operatorRecord(facts, event, { operator, ...said }));
    } catch (error) {
      if (auditRequired) throw error;
      log.error('delivery.unrecorded', { event, upload, error });
    }
  }

  /** Every place where an account's files may be, each once, the one that is written down first. */
  async #placesOf(account: string): Promise<readonly FileSystem[]> {
    const { filesAt } = this.#parts;
    const places = new Map<unknown, FileSystem>();
    for (const root of [undefined, ...this.#roots.of(account)]) {
      const files = filesAt(account, root);
      const place = files?.onDisk?.(ROOT) ?? files;
      if (files !== undefined && !places.has(place)) places.set(place, files);
    }
    return [...places.values()];
  }
}

interface Found {
  readonly delivery: Delivery;
  readonly upload: string;
  readonly file: UndeliveredFile;
}

interface Act extends Pick<Found, 'delivery' | 'file'> {
  readonly event: 'delivery.retried' | 'delivery.discarded';
  readonly operator: string;
  readonly said: OperatorSaid;
}

function failingOf(delivery: Delivery, upload: string): Pending | undefined {
  return delivery.ledger.failing.find((pending) => pending.upload === upload);
}

function undelivered({ way, ledger: { failing }, dead }: Delivery): UndeliveredFile[] {
  const known = ({ upload, account, path, bytes, sha256, timeMs, attempts }: Omit<Pending, 'reason' | 'letter'>) => ({
    ...{ id: keyOf(upload, way.name), delivery: way.name, upload, account, path, bytes, sha256 },
    ...{ publishedMs: timeMs, attempts },
  });
  return [
    ...failing.map((pending) => ({
      ...known(pending),
      ...{ state: 'failing' as const, reason: pending.reason ?? '', nextMs: pending.notBeforeMs },
    })),
    ...dead.all.flatMap((letter) => {
      if (letter.retrying) return [];
      const { upload, account, path, bytes, sha256, timeMs, attempts, reason, deadMs } = letter;
      const file = { upload, account, path, bytes, sha256, publishedMs: timeMs, attempts, reason, deadMs };
      return [{ ...file, id: keyOf(upload, way.name), delivery: way.name, state: 'dead' as const }];
    }),
  ];
}
