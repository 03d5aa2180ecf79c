/**
 * SIGKILL between every two steps of an upload, and at random moments of many: behind the next start each upload is published
 * once, whole, with its record and receipt, or it never was.
 */
import { fork } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { spokenOf } from '../../src/intake/doors/log-reading.ts';
import type { LoggedRecord } from '../../src/spi/audit.ts';
import { type Mode, openGateway } from './crash-parts.ts';
import { type ChildMessage, type ChildOrder, contentOf, sha256Of } from './crash-words.ts';
import { makeFolder, path } from './doors.ts';

/** What was heard of a process that is over. */
interface Heard {
  readonly acknowledged: ReadonlyMap<number, ChildMessage>;
  readonly refused: readonly number[];
  readonly steps: number | undefined;
}

/** Runs the process; `killAfter` kills it when it has said so much, so many milliseconds later. */
async function run(order: ChildOrder, killAfter?: { readonly messages: number; readonly ms: number }): Promise<Heard> {
  const child = fork(join(import.meta.dirname, 'crash-child.ts'), [JSON.stringify(order)], { execArgv: [] });
  const acknowledged = new Map<number, ChildMessage>();
  const refused: number[] = [];
  let steps: number | undefined;
  let heard = 0;
  child.on('message', (message: ChildMessage) => {
    heard += 1;
    if (message.acknowledged !== undefined) acknowledged.set(message.acknowledged, message);
    if (message.refused !== undefined) refused.push(message.refused);
    if (message.done !== undefined) steps = message.done;
    if (heard === killAfter?.messages) setTimeout(() => child.kill('SIGKILL'), killAfter.ms);
  });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.once('close', (...end) => resolve(end));
  });
  if (signal !== 'SIGKILL') expect({ code, steps: typeof steps }).toEqual({ code: 0, steps: 'number' });
  return { acknowledged, refused, steps };
}

interface Record {
  readonly event: string;
  readonly upload: string;
  readonly index: number;
  readonly path: string;
  readonly sha256: string;
}

async function recordsIn(audit: { read(from: number): AsyncIterable<LoggedRecord> }): Promise<Record[]> {
  const records: Record[] = [];
  for await (const logged of audit.read(0)) {
    const spoken = spokenOf(logged);
    if (spoken === undefined) continue;
    const { object } = JSON.parse(logged.entry.toString('utf8'));
    records.push({ ...spoken, sha256: String(object.sha256) });
  }
  return records;
}

/** Every name in a tree of the disk, those that nobody sees included. */
function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
}

/** Starts a gateway over what is left, and compares what the log says, what is there, and what the client was told. */
async function lookAt({ folder, mode }: ChildOrder, { acknowledged }: Heard): Promise<void> {
  const gateway = await openGateway(folder, mode);
  while (gateway.intake.items().some(({ state }) => state === 'checking')) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const records = await recordsIn(gateway.audit);
  const lastOf = new Map(records.map((record) => [record.upload, record]));
  const published = [...lastOf.values()].filter(({ event }) => event === 'upload.published');
  const quarantined = [...lastOf.values()].filter(({ event }) => event === 'upload.quarantined');
  // Nothing twice.
  const publications = records.filter(({ event }) => event === 'upload.published').map(({ upload }) => upload);
  expect(new Set(publications).size).toBe(publications.length);
  // What is there is what the last record of its path says, whole; and nothing else is there.
  const expected = new Map(published.map(({ path, sha256 }) => [path.slice(1), sha256]));
  const names = namesIn(gateway.home).filter((name) => !name.startsWith('.sallyport-'));
  const found = names.map((name) => [name, sha256Of(readFileSync(join(gateway.home, name)))]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries([...expected].sort()));
  // No leftovers but what is held back on purpose, and each of these is shown.
  const held = namesIn(gateway.home).filter((name) => name.endsWith('.held'));
  const items = gateway.intake.items().filter(({ state }) => state === 'quarantined');
  expect(held).toHaveLength(quarantined.length);
  expect(items.map(({ id }) => id).sort()).toEqual(quarantined.map(({ upload }) => upload).sort());
  expect(readdirSync(join(folder, 'intake')).filter((name) => name.endsWith('.json'))).toHaveLength(quarantined.length);
  // What was acknowledged is published, under the record that was told.
  for (const [number, { publication }] of acknowledged) {
    const record = lastOf.get(publication?.id ?? '');
    expect(record).toMatchObject({ event: 'upload.published', sha256: sha256Of(contentOf(number)) });
    if (publication?.state === 'published')
      expect(record).toMatchObject({ index: publication.index, path: publication.path });
  }
  // Each publication has its receipt.
  for (const record of published) {
    expect(await gateway.receipts.newest('partner', path(record.path))).toContain('c2sp.org/tlog-proof@v1');
  }
  await gateway.close();
  // Another start finds nothing left to do.
  const again = await openGateway(folder, mode);
  expect(await recordsIn(again.audit)).toEqual(records);
  expect(namesIn(again.home).filter((name) => name.endsWith('.held'))).toEqual(held);
  await again.close();
}

describe('killed between every two steps', () => {
  test.each<Mode>(['replace', 'version', 'async', 'quarantine', 'destroy'])(
    '%s',
    async (mode) => {
      const orderFor = (name: string, killAtStep?: number): ChildOrder => {
        const folder = join(root, name);
        mkdirSync(folder);
        const own = { folder, mode, uploads: 2, atOnce: 1, names: 'one' } as const;
        return killAtStep === undefined ? own : { ...own, killAtStep };
      };
      const root = makeFolder();
      const whole = orderFor('whole');
      const heard = await run(whole);
      await lookAt(whole, heard);
      const steps = heard.steps ?? 0;
      expect(steps).toBeGreaterThan(8);
      const rest = Array.from({ length: steps }, (_, step) => step + 1);
      await Promise.all(
        [1, 2].map(async () => {
          for (let step = rest.shift(); step !== undefined; step = rest.shift()) {
            const order = orderFor(`step-${step}`, step);
            const killed = await run(order);
            expect(killed.steps).toBeUndefined();
            await lookAt(order, killed);
          }
        }),
      );
    },
    600_000,
  );
});

test('killed at random moments of many uploads', async () => {
  const moments = fc.record({
    mode: fc.constantFrom<Mode>('replace', 'version', 'async'),
    names: fc.constantFrom<ChildOrder['names']>('one', 'each its own'),
    messages: fc.integer({ min: 1, max: 40 }),
    ms: fc.integer({ min: 0, max: 20 }),
  });
  await fc.assert(
    fc.asyncProperty(moments, async ({ mode, names, messages, ms }) => {
      const order = { folder: makeFolder(), mode, names, uploads: 60, atOnce: 8 };
      await lookAt(order, await run(order, { messages, ms }));
    }),
    { numRuns: 8, endOnFailure: true },
  );
}, 600_000);
