/** What the tests of deliveries share: a log in memory, files in memory, and a receiver that does as a test says. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect } from 'vitest';
import { Deliveries, type DeliveriesParts } from '../../src/delivery/deliveries.ts';
import { type DeliveryTerms, deliveryKeys, type Parcel, type Way } from '../../src/delivery/way.ts';
import { type Clock, FakeClock } from '../../src/lib/clock.ts';
import { ROOT, resolvePath, type VirtualPath } from '../../src/protocol/virtual-path.ts';
import { MemoryFiles } from '../../src/storage/memory.ts';
import { RecordingLog } from '../fixtures/gateway.ts';
import { type MemoryAuditLog, memoryAuditLog } from '../fixtures/memory-audit-log.ts';
import { publishedRecord, uploadId, type Written } from './records.ts';

const folders: string[] = [];
const running: Deliveries[] = [];
afterEach(async () => {
  for (const deliveries of running.splice(0)) await deliveries.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder for one test. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-delivery-'));
  folders.push(folder);
  return folder;
}

/** A path of a test. */
export function pathOf(text: string): VirtualPath {
  const path = resolvePath(ROOT, text);
  if (path === undefined) throw new Error(`no path: ${text}`);
  return path;
}

/** The terms of a delivery as they are by default, with what a test says of them. */
export function termsOf(terms: Partial<DeliveryTerms> = {}): DeliveryTerms {
  const { timeoutMs, retryMinMs, retryMaxMs, giveUpAfterMs, parallelMax } = deliveryKeys;
  const fallbacks = {
    timeoutMs: timeoutMs.parse(undefined),
    retryMinMs: retryMinMs.parse(undefined),
    retryMaxMs: retryMaxMs.parse(undefined),
    giveUpAfterMs: giveUpAfterMs.parse(undefined),
    parallelMax: parallelMax.parse(undefined),
  };
  return { name: 'out', kind: 'scripted', ...fallbacks, ...terms };
}

/** A receiver. */
export class Receiver {
  /** The uploads that were brought, in their order, each as often as it came. */
  readonly tried: string[] = [];
  readonly parcels: Parcel[] = [];
  /** What it says to an upload: a throw is a failure. */
  answer: (parcel: Parcel, signal: AbortSignal) => unknown = () => undefined;

  /** It as a way. */
  way(terms: Partial<DeliveryTerms> = {}): Way {
    return {
      ...termsOf(terms),
      handOn: async (parcel, signal) => {
        this.tried.push(parcel.published.upload);
        this.parcels.push(parcel);
        await this.answer(parcel, signal);
      },
    };
  }
}

/** What a test looks at. */
export interface Bench {
  readonly deliveries: Deliveries;
  readonly audit: MemoryAuditLog;
  readonly files: MemoryFiles;
  readonly log: RecordingLog;
  readonly clock: FakeClock;
  readonly parts: DeliveriesParts;
  /** Writes a file and its record. */
  publish(number: number, written?: Written): Promise<string>;
}

/** Starts deliveries; what is not said is as it is where nothing is. */
export async function startDeliveries(
  ways: readonly Way[],
  chosen: Partial<Omit<DeliveriesParts, 'ways' | 'audit'>> & { readonly audit?: MemoryAuditLog } = {},
): Promise<Bench> {
  const clock = chosen.clock instanceof FakeClock ? chosen.clock : new FakeClock();
  const audit = chosen.audit ?? memoryAuditLog(clock);
  const files = new MemoryFiles();
  const log = new RecordingLog();
  const parts: DeliveriesParts = {
    ...{ log, auditRequired: true, ways, directory: makeFolder() },
    filesAt: () => files,
    isBetween: () => false,
    ...chosen,
    ...{ audit, clock },
  };
  const deliveries = await begin(parts);
  const publish = async (number: number, written: Written = {}) => {
    const upload = uploadId(number);
    const { content = 'hello', path = `/in/${upload}` } = written;
    files.put(pathOf(path), content);
    await audit.append(publishedRecord(upload, written));
    return upload;
  };
  return { deliveries, audit, files, log, clock, parts, publish };
}

/** A process with these parts, which goes on with what an earlier one left. */
export async function begin(parts: DeliveriesParts): Promise<Deliveries> {
  const deliveries = new Deliveries(parts);
  running.push(deliveries);
  await deliveries.prepare();
  deliveries.start();
  return deliveries;
}

/** Waits until something is so. */
export async function until(check: () => unknown, clock?: { readonly clock: Clock; readonly stepMs: number }) {
  await expect
    .poll(
      () => {
        if (clock?.clock instanceof FakeClock) clock.clock.advance(clock.stepMs);
        return check();
      },
      { timeout: 15_000, interval: 5 },
    )
    .toBeTruthy();
}
